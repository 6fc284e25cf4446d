// A stack that was made on a worker: the user's frames, without what Taskflock and Node did to get there.

export interface Place {
  /** As the stack names it; "" at the top of a file. */
  readonly function: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

const AT = "    at ";
const FRAME = /^ {4}at (?:async )?(?:(.*) \((.*):(\d{1,9}):(\d{1,9})\)|(.*):(\d{1,9}):(\d{1,9}))$/;
const OUR_PACKAGES = /[\\/]node_modules[\\/](?:taskflock|@taskflock[\\/]\w+|piscina)[\\/]/;
const MAX_FRAMES = 200;

/** The stack itself when nothing of the user's would remain of it. `folders`: of Taskflock's own files on the worker. */
export function readableStack(
  stack: string,
  message: string,
  folders: readonly string[],
): { readonly stack: string; readonly place: Place | null } {
  const found = message === "" ? -1 : stack.indexOf(message);
  const end = stack.indexOf(`\n${AT}`, found < 0 ? 0 : found + message.length);
  if (end < 0) return { stack, place: null };
  const frames = stack
    .slice(end + 1)
    .split("\n")
    .slice(0, MAX_FRAMES)
    .map((text) => ({ text, place: placeIn(text) }));
  const kept = frames.filter(({ place }) => place === null || !isOurs(place.file, folders));
  const place = kept.find((frame) => frame.place !== null && !frame.place.file.startsWith("node:"))?.place ?? null;
  if (place === null) return { stack, place: null };
  const lines = kept.map((frame) => (frame.place === null ? frame.text : frame.text.replace("file://", "")));
  return { stack: [stack.slice(0, end), ...lines].join("\n"), place };
}

function placeIn(text: string): Place | null {
  const match = FRAME.exec(text);
  if (match === null) return null;
  const [, name = "", inBrackets, line, column, bare = "", bareLine, bareColumn] = match;
  const file = (inBrackets ?? bare).replace(/^file:\/\//, "");
  return { function: name, file, line: Number(line ?? bareLine), column: Number(column ?? bareColumn) };
}

function isOurs(file: string, folders: readonly string[]): boolean {
  if (file.startsWith("node:internal/") || OUR_PACKAGES.test(file)) return true;
  return folders.some((folder) => folder !== "" && file.startsWith(folder.replace(/^file:\/\//, "")));
}
