// A stack that was made on a worker, as if the user's program had made it: places in generated code become places in the
// user's files, and what Taskflock and Node did to get there is left out.

import { type Frame, parseStack } from "./frames.ts";
import { originalName, originOf, type Position } from "./positions.ts";
import { asPath } from "./source-maps.ts";

/** `user`: stays. `ours`: goes. `native`: of Node, the engine or nobody, and stays where the user's code called it. */
interface Shown {
  readonly kind: "user" | "ours" | "native";
  readonly text: string;
}

/** How the worker names generated code (load-function.ts): `taskflock:NAME-HASH`. */
const GENERATED = /^taskflock:.*-([0-9a-f]{8})$/;
/** Where that name does not reach, inside `eval at`, the engine says the file from which it resolves imports. */
const INSIDE_EVAL = /\(([^()]*taskflock-function\.js):(\d{1,9}):(\d{1,9})\)/;
const OUR_PACKAGES = /[\\/]node_modules[\\/](?:taskflock|@taskflock[\\/]\w+|piscina)[\\/]/;

/** Errors reached by `cause` and `errors` of one; more than that keep their stacks as they are. */
const MAX_ERRORS = 100;

/** Makes the stack of an error, and of those that it holds, readable. `folders`: of Taskflock's own files on the worker. */
export function makeReadable(error: unknown, folders: readonly string[]): void {
  const seen = new Set<unknown>([error]);
  for (const one of seen) {
    if (!(one instanceof Error)) continue;
    replaceStack(one, folders);
    const inner: unknown[] = [one.cause, ...(one instanceof AggregateError ? one.errors : [])];
    for (const next of inner) if (seen.size < MAX_ERRORS) seen.add(next);
  }
}

function replaceStack(error: Error, folders: readonly string[]): void {
  const { stack, message, name } = error;
  if (typeof stack !== "string" || typeof message !== "string") return;
  // The engine names the standard class; a printed error is to say the user's, of which it has only the name.
  const standard = error.constructor.name;
  const named = stack.startsWith(`${standard}:`) ? name + stack.slice(standard.length) : stack;
  const value = readableStack(named, message, folders);
  if (value === stack) return;
  Object.defineProperty(error, "stack", { value, writable: true, enumerable: false, configurable: true });
}

/** The stack itself when it is none, or when nothing of the user's would remain of it. Never throws. */
export function readableStack(stack: string, message: string, folders: readonly string[]): string {
  const parsed = parseStack(stack, message);
  if (parsed === null) return stack;
  const kept = ofTheUser(showAll(parsed.frames, folders));
  return kept === null ? stack : [parsed.header, ...kept.map(({ text }) => text)].join("\n");
}

/** From the last frame to the first, because a frame may be read with the one that called it. */
function showAll(frames: readonly Frame[], folders: readonly string[]): Shown[] {
  let caller = "";
  const shown = frames.toReversed().map((frame) => {
    const code = GENERATED.exec(frame.file)?.[1];
    if (code === undefined) return show(frame, folders, caller);
    caller = code;
    return showGenerated(frame, code);
  });
  return shown.reverse();
}

/** Null when there are none. What is native belongs to whoever called it; at the end of a stack, to what it called. */
function ofTheUser(frames: readonly Shown[]): Shown[] | null {
  let caller = frames.findLast(({ kind }) => kind !== "native")?.kind;
  const kept = frames.toReversed().filter(({ kind }) => {
    if (kind !== "native") caller = kind;
    return caller === "user";
  });
  return kept.some(({ kind }) => kind === "user") ? kept.reverse() : null;
}

/** `caller` is the generated code from which the frame was called. */
function show({ file, text, ...frame }: Frame, folders: readonly string[], caller: string): Shown {
  if (file.startsWith("eval at ")) return { kind: "user", text: showEval(text, caller) };
  if (file === "") return { kind: "native", text };
  if (file.startsWith("node:internal/") || folders.some((folder) => isIn(file, folder)) || OUR_PACKAGES.test(file)) {
    return { kind: "ours", text };
  }
  if (file.startsWith("node:")) return { kind: "native", text };
  return { kind: "user", text: placed(frame.before, { ...frame, file: asPath(file) }, frame.after) };
}

function showGenerated({ before, after, line, column, text }: Frame, code: string): Shown {
  const origin = originOf(code, line - 1, column - 1);
  if (origin === "unknown") return { kind: "user", text };
  if (origin === "glue") return { kind: "ours", text };
  const named = before.replace(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu, (name) => originalName(code, name));
  return { kind: "user", text: placed(named, fromOne(origin), after) };
}

/** The code that was evaluated has no place of its own; where `eval` was called has. */
function showEval(text: string, caller: string): string {
  return text.replace(INSIDE_EVAL, (whole, _file: string, line: string, column: string) => {
    const origin = originOf(caller, Number(line) - 1, Number(column) - 1);
    return typeof origin === "string" ? whole : placed("(", fromOne(origin), ")");
  });
}

function isIn(file: string, folder: string): boolean {
  return file.startsWith(folder) || file.startsWith(asPath(folder));
}

function fromOne({ file, line, column }: Position): Position {
  return { file, line: line + 1, column: column + 1 };
}

/** `place` counts from 1. */
function placed(before: string, { file, line, column }: Position, after: string): string {
  return `${before}${file}:${line}:${column}${after}`;
}
