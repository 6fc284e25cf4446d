// A stack that was made on a worker: the user's frames with their places in the user's files, without what Taskflock and Node did to get
// there.

import type { CodePlace } from "@taskflock/protocol/links";
import type { Sources } from "./places.ts";

export interface Place {
  /** As the stack names it; "" at the top of a file. */
  readonly function: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

const AT = "    at ";
const FRAME = /^( {4}at (?:async )?)(?:(.*?) \((.*):(\d{1,9}):(\d{1,9})\)|(.*):(\d{1,9}):(\d{1,9}))$/;
/** How a worker names code that travelled: `taskflock:NAME-HASH`. */
const TRAVELLED = /^taskflock:.*-([0-9a-f]{8})$/s;
const OUR_PACKAGES = /[\\/]node_modules[\\/](?:taskflock|@taskflock[\\/]\w+|piscina)[\\/]/;
const MAX_FRAMES = 200;

interface Frame {
  readonly text: string;
  /** Null for what names no place. */
  readonly place: Place | null;
  /** Of code that travelled: what its client can be asked. */
  readonly code: CodePlace | null;
}

/** What to ask clients about a stack. */
export function codePlaces(stack: string, message: string): CodePlace[] {
  return parse(stack, message)?.frames.flatMap(({ code }) => code ?? []) ?? [];
}

/** The stack itself when nothing of the user's would remain of it. `folders`: of Taskflock's own files on the worker. */
export function readableStack(
  stack: string,
  message: string,
  folders: readonly string[],
  sources: Sources,
): { readonly stack: string; readonly place: Place | null } {
  const parsed = parse(stack, message);
  if (parsed === null) return { stack, place: null };
  const kept = parsed.frames.flatMap((frame) => shown(frame, folders, sources));
  const isUsers = kept.map(({ place }) => place !== null && !place.file.startsWith("node:"));
  const place = kept[isUsers.indexOf(true)]?.place ?? null;
  if (place === null) return { stack, place: null };
  // What called the user's outermost function is nothing of the user's.
  const lines = kept.slice(0, isUsers.lastIndexOf(true) + 1).map(({ text }) => text);
  return { stack: [parsed.header, ...lines].join("\n"), place };
}

/** Not at all, or as its reader needs it. */
function shown(frame: Frame, folders: readonly string[], sources: Sources): Pick<Frame, "text" | "place">[] {
  const { place, code, text } = frame;
  if (place === null) return [frame];
  if (isOurs(place.file, folders)) return [];
  const source = code === null ? null : sources(code);
  if (source === null) return [frame];
  if (source.file === "") return []; // nobody wrote it
  const { file, line, column, name } = source;
  const start = FRAME.exec(text)?.[1] ?? AT;
  const where = `${file}:${line}:${column}`;
  return [
    { text: name === "" ? start + where : `${start}${name} (${where})`, place: { function: name, file, line, column } },
  ];
}

function parse(stack: string, message: string): { readonly header: string; readonly frames: readonly Frame[] } | null {
  const found = message === "" ? -1 : stack.indexOf(message);
  const end = stack.indexOf(`\n${AT}`, found < 0 ? 0 : found + message.length);
  if (end < 0) return null;
  const lines = stack.slice(end + 1).split("\n");
  return { header: stack.slice(0, end), frames: lines.slice(0, MAX_FRAMES).map(frameOf) };
}

function frameOf(text: string): Frame {
  const match = FRAME.exec(text);
  if (match === null) return { text, place: null, code: null };
  const [, , called = "", inBrackets, ofBrackets, columnInBrackets, bare = "", bareLine, bareColumn] = match;
  const file = (inBrackets ?? bare).replace(/^file:\/\//, "");
  const place = {
    function: called,
    file,
    line: Number(ofBrackets ?? bareLine),
    column: Number(columnInBrackets ?? bareColumn),
  };
  const hash = TRAVELLED.exec(file)?.[1];
  const code =
    hash === undefined ? null : { code: hash, line: place.line, column: place.column, name: called.slice(0, 200) };
  return { text: text.replace("file://", ""), place, code };
}

function isOurs(file: string, folders: readonly string[]): boolean {
  if (file.startsWith("node:internal/") || OUR_PACKAGES.test(file)) return true;
  return folders.some((folder) => folder !== "" && file.startsWith(folder.replace(/^file:\/\//, "")));
}
