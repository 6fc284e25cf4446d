// A warning for `await future`, which gives the future itself: said once in a process, with the place in the user's code.
// Passing a future on is right, but an async function that returns one, or a promise that resolves with one, asks it for
// `then` as well: those are told apart by who asks, and by the text at that place.

import { readFileSync } from "node:fs";
import { type Frame, parseFrame } from "./stacks/frames.ts";
import { asPath } from "./stacks/source-maps.ts";

const CODE = "FLOCK_FUTURE_AWAITED";
const TEXT =
  "A future is not a promise: to await one gives the future itself, not its result. Write `await future.result()`, or `await client.gather(futures)` for many.";
const DETAIL = `If an async function hands the future on, nothing is wrong: node --disable-warning=${CODE} silences this.`;

/** Functions of the engine that wait for what they are given, futures among it. */
const WAITS_FOR_EACH = /^ {4}at (?:(?:Promise|Function)\.(?:all|allSettled|race|any)|Async-from-Sync Iterator\.next) /;
const OWN_FOLDER = new URL("./", import.meta.url).href;
const MAX_PLACES = 1000;

let warned = false;
/** Places that were looked at and are right. */
const right = new Set<string>();

/** To be called by what is asked for `then`, which is `asked`. */
export function warnOfAwait(asked: (...args: never[]) => unknown): void {
  if (warned) return;
  const [first = "", ...below] = framesAbove(asked);
  if (right.has(first)) return;
  const mistaken = WAITS_FOR_EACH.test(first)
    ? below.map(parseFrame).find(({ file }) => file !== "")
    : awaitedIn(parseFrame(first));
  if (mistaken === undefined) {
    if (right.size < MAX_PLACES) right.add(first);
    return;
  }
  warned = true;
  const { file, line, column } = mistaken;
  const message = `${TEXT} It is awaited at ${asPath(file)}:${line}:${column}.`;
  process.emitWarning(message, { type: "FutureWarning", code: CODE, detail: DETAIL });
}

/** Gives nothing where the stack is made by somebody else's rules, so that it cannot be read. */
function framesAbove(asked: (...args: never[]) => unknown): string[] {
  const limit = Error.stackTraceLimit;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 4;
  Error.captureStackTrace(holder, asked);
  Error.stackTraceLimit = limit;
  return typeof holder.stack === "string" ? holder.stack.split("\n").slice(1) : [];
}

/** The frame, when `await` stands there. What the engine does later, with nobody's code below it, is passing on. */
function awaitedIn(frame: Frame): Frame | undefined {
  const { file, line, column, text } = frame;
  if (file === "" || text.startsWith("    at async ")) return undefined;
  if (file.startsWith("node:") || file.startsWith(OWN_FOLDER)) return undefined;
  const source = lineOf(asPath(file), line);
  if (source === undefined) return frame; // who knows
  const [before, behind] = [source.slice(0, column - 1), source.slice(column - 1)];
  // What `return await …` returns is asked at the same place as what it awaits.
  if (/(?:\breturn|\byield|=>)\s*$/.test(before)) return undefined;
  return /^await\b/.test(behind) ? frame : undefined;
}

function lineOf(path: string, line: number): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[line - 1];
  } catch {
    return undefined;
  }
}
