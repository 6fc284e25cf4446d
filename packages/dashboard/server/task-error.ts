// The error of a task that failed, as it travelled, made ready for people. It is the user's own value: nothing of it is run, and nothing
// that stands in it is trusted to be what its name says.

import { decodeValue, type FailedCall, type PageTask } from "@taskflock/protocol";
import { type Place, readableStack } from "./stack.ts";

export interface ToldError {
  readonly name: string;
  /** Of the registry; "" when it is an error of the user's own. */
  readonly code: string;
  readonly message: string;
  /** Name, message and frames, without those of Taskflock and Node; "" when none came along. */
  readonly stack: string;
  /** Where the user's code threw it, or called what threw it. */
  readonly place: Place | null;
  /** What led to it: causes, and the first errors of an AggregateError. */
  readonly causes: readonly Omit<ToldError, "causes">[];
}

export interface TaskError extends ToldError {
  /** What the function was called with, in short; "" when it was not called. */
  readonly arguments: string;
  /** The line of the user's code that threw, or called what threw; "" when it is not known. */
  readonly line: string;
  /** The last lines that the call printed. */
  readonly log: readonly string[];
}

/** UTF-16 units of a text. */
const MAX_TEXT = 64 * 1024;
const MAX_CAUSES = 10;

/** Of the encoded `[error, FailedCall | null]`; of bytes that cannot be read, what is known without them. Never throws. */
export function readError(bytes: Uint8Array, failure: PageTask["failure"]): TaskError {
  const known = failure ?? { code: "", name: "Error", message: "" };
  const { thrown, call } = decode(bytes);
  const folders = list(call?.folders);
  const { name, message, stack, place } = told(thrown, folders) ?? { ...known, stack: "", place: null };
  return {
    // What the scheduler says of it counts: an error of Taskflock's own has the user's as its cause.
    name: known.name || name,
    code: known.code,
    message: (known.code === "" ? message : known.message) || known.message,
    ...{ stack, place },
    causes: causesOf(thrown, folders),
    arguments: text(call?.arguments),
    line: text(call?.line),
    log: list(call?.log),
  };
}

interface Decoded {
  readonly thrown: unknown;
  readonly call: Partial<FailedCall> | null;
}

function decode(bytes: Uint8Array): Decoded {
  try {
    const value = decodeValue(bytes, { copy: true });
    if (!Array.isArray(value)) return { thrown: undefined, call: null };
    const call: unknown = value[1];
    return { thrown: value[0], call: typeof call === "object" ? (call as Decoded["call"]) : null };
  } catch {
    return { thrown: undefined, call: null }; // an instance of a class that this process does not know, for example
  }
}

function told(error: unknown, folders: readonly string[]): Omit<ToldError, "causes"> | null {
  if (!(error instanceof Error)) return null;
  const message = text(error.message);
  const { stack, place } = readableStack(text(error.stack), message, folders);
  const code = error.name === "FlockError" && "code" in error ? text(error.code) : "";
  return { name: text(error.name) || "Error", code, message, stack, place };
}

function causesOf(error: unknown, folders: readonly string[]): ToldError["causes"] {
  const seen = new Set<unknown>([error]);
  for (const one of seen) {
    if (!(one instanceof Error)) continue;
    const errors: unknown = "errors" in one ? one.errors : null;
    const inner: unknown[] = [one.cause, ...(Array.isArray(errors) ? errors : [])];
    for (const next of inner) if (next instanceof Error && seen.size <= MAX_CAUSES) seen.add(next);
  }
  seen.delete(error);
  return [...seen].flatMap((one) => told(one, folders) ?? []);
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.slice(0, 100).map(text) : [];
}
