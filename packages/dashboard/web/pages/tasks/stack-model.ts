// The stack of an error as its reader needs it: the user's line first, what Taskflock and Node did around it dimmed.

export interface StackLine {
  readonly text: string;
  /** `user`: of the user's code. `other`: of Taskflock, of Node, of nobody. `header`: name and message. */
  readonly kind: "header" | "user" | "other";
}

export interface Stack {
  readonly lines: readonly StackLine[];
  /** The first line of the user's own code: where it was thrown, or what called what threw. Null when there is none. */
  readonly first: Place | null;
}
export interface Place {
  /** Of the function in the stack; "" at the top of a file. */
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const FRAME = /^\s+at (?:async )?(?:(.*?) \()?((?:[a-z]+:\/\/|[A-Za-z]:[\\/])?[^()]*?):(\d+):(\d+)\)?$/;
const OURS = /[\\/]node_modules[\\/](?:taskflock|@taskflock[\\/]\w+|piscina)[\\/]/;

/** Of a stack in which frames of Taskflock and Node may be left out already. */
export function readStack(stack: string, message: string): Stack {
  const found = message === "" ? -1 : stack.indexOf(message);
  const end = stack.indexOf("\n    at ", found < 0 ? 0 : found + message.length);
  const header = end < 0 ? stack : stack.slice(0, end);
  const frames = end < 0 ? [] : stack.slice(end + 1).split("\n");
  const places = frames.map(placeOf);
  const isUsers = places.map((place) => place !== null && isOfTheUser(place.file));
  const at = isUsers.indexOf(true);
  return {
    lines: [
      ...header.split("\n").map((text): StackLine => ({ text, kind: "header" })),
      ...frames.map((text, index): StackLine => ({ text, kind: isUsers[index] === true ? "user" : "other" })),
    ],
    first: places[at] ?? null,
  };
}

export function placeOf(frame: string): Place | null {
  const match = FRAME.exec(frame);
  if (match === null) return null;
  return { function: match[1] ?? "", file: match[2]!, line: Number(match[3]), column: Number(match[4]) };
}

function isOfTheUser(file: string): boolean {
  return file !== "" && file !== "native" && !file.startsWith("node:") && !OURS.test(file);
}

/** How a worker names the code of a function that travelled: `taskflock:NAME-HASH`. */
const TRAVELLED = /^taskflock:(.*)-[0-9a-f]{8}$/;

/** "/app/parse.ts:12:9", or, of code that travelled, "parse, line 12, column 9 of its code". */
export function placeText({ file, line, column }: Place): string {
  const travelled = TRAVELLED.exec(file)?.[1];
  if (travelled !== undefined) return `${travelled}, line ${line}, column ${column} of its code`;
  return `${file}:${line}:${column}`;
}
