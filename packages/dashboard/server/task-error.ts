// The error of a task that failed, as it travelled, made ready for people. It is the user's own value: nothing of it is run, and nothing
// that stands in it is trusted to be what its name says.

import { decodeValue, type FailedCall, type PageTask } from "@taskflock/protocol";
import type { Observer } from "./observer.ts";
import { type Sources, sourcesOf } from "./places.ts";
import { codePlaces, type Place, readableStack } from "./stack.ts";

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

/**
 * Of the encoded `[error, FailedCall | null]`; of bytes that cannot be read, what is known without them. Whatever they hold, it rejects only
 * when the link to the scheduler is lost meanwhile.
 */
export async function readError(
  observer: Observer,
  bytes: Uint8Array,
  failure: PageTask["failure"],
): Promise<TaskError> {
  const { thrown, call } = decode(bytes);
  const errors = errorsIn(thrown);
  const places = errors.flatMap((error) => codePlaces(text(error.stack), text(error.message)));
  const sources = await sourcesOf(observer, places);
  const folders = list(call?.folders);
  const [first, ...causes] = errors.map((error) => told(error, folders, sources));
  const known = failure ?? { code: "", name: "Error", message: "" };
  const own = thrown instanceof Error ? first : undefined;
  const { name, message, stack, place } = own ?? { ...known, stack: "", place: null };
  return {
    // What the scheduler says of it counts: an error of Taskflock's own has the user's as its cause.
    name: known.name || name,
    code: known.code,
    message: (known.code === "" ? message : known.message) || known.message,
    ...{ stack, place, causes },
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

function told(error: Error, folders: readonly string[], sources: Sources): Omit<ToldError, "causes"> {
  const message = text(error.message);
  const { stack, place } = readableStack(text(error.stack), message, folders, sources);
  const code = error.name === "FlockError" && "code" in error ? text(error.code) : "";
  return { name: text(error.name) || "Error", code, message, stack, place };
}

/** It, and what led to it; none when it is no error. */
function errorsIn(thrown: unknown): Error[] {
  const seen = new Set<Error>(thrown instanceof Error ? [thrown] : []);
  for (const one of seen) {
    const errors: unknown = "errors" in one ? one.errors : null;
    const inner: unknown[] = [one.cause, ...(Array.isArray(errors) ? errors : [])];
    for (const next of inner) if (next instanceof Error && seen.size <= MAX_CAUSES) seen.add(next);
  }
  return [...seen];
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.slice(0, 100).map(text) : [];
}
