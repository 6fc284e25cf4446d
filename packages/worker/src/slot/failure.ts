// From whatever a task threw to what the scheduler and the client are told.

import { inspect } from "node:util";
import {
  decodeValue,
  type ErrorCode,
  encodeValue,
  type FailedCall,
  FlockError,
  isFlockError,
} from "@taskflock/protocol/code";

/** A failure between slot and main thread; becomes a `Failure` when its error has a payload reference. */
export interface SlotFailure {
  readonly code: ErrorCode | null;
  readonly name: string;
  readonly message: string;
  /** `[error, FailedCall | null]`, encoded. */
  readonly error: Uint8Array;
  /** False for what no other attempt can mend. */
  readonly retryable: boolean;
}

/** Of UTF-8. */
const MAX_MESSAGE_BYTES = 4096;
/** An error that takes more is cut down to name, message and stack: it travels in a control frame. */
const MAX_ERROR_BYTES: number = 64 * 1024;
const MAX_STACK_CHARACTERS: number = 16 * 1024;

/** Codes that another attempt meets again. */
const FINAL_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "FLOCK_ARGUMENT_MUTATED",
  "FLOCK_NOT_SERIALIZABLE",
  "FLOCK_FUNCTION_NOT_FOUND",
  "FLOCK_FUNCTION_NOT_SERIALIZABLE",
  "FLOCK_PACKAGE_MISMATCH",
  "FLOCK_VALUE_MALFORMED",
]);

/** `retryable` overrides what the error's code says; `call` is what failed, if a call did. */
export function failureOf(thrown: unknown, retryable?: boolean, call: FailedCall | null = null): SlotFailure {
  const error = asError(thrown);
  const code = codeOf(error);
  return {
    code,
    name: clip(nameOf(error), 256),
    message: clipBytes(messageOf(error)),
    error: encodeError(error, call),
    retryable: retryable ?? (code === null || !FINAL_CODES.has(code)),
  };
}

/** Of a result that finds no room, where nothing goes to files. */
export function arenaFull(bytes: number): FlockError {
  return new FlockError(
    "FLOCK_OUT_OF_MEMORY",
    `The result takes ${bytes} bytes, and the worker's arena has no room for it; release futures, add workers, raise --memory-limit, or let it use the disk (--spill-directory).`,
  );
}

export function encodeFailure(failure: SlotFailure): Uint8Array {
  const { code, name, message, retryable, error } = failure;
  return encodeValue([code, name, message, retryable, error]).toBytes();
}

/** What `encodeFailure` wrote; its parts are copies. */
export function decodeFailure(bytes: Uint8Array): SlotFailure {
  const [code, name, message, retryable, error] = decodeValue(bytes, { copy: true }) as [
    ErrorCode | null,
    string,
    string,
    boolean,
    Uint8Array,
  ];
  return { code, name, message, retryable, error };
}

/** Anything can be thrown; clients get an error. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  // Of another realm (`node:vm`).
  const brand = readSafely(() => Object.prototype.toString.call(thrown));
  if (typeof thrown === "object" && thrown !== null && brand === "[object Error]") return thrown as Error;
  const shown = typeof thrown === "string" ? thrown : printed(thrown);
  return new Error(`The task threw something that is not an error: ${shown}`, { cause: thrown });
}

function encodeError(error: Error, call: FailedCall | null): Uint8Array {
  try {
    const encoded = encodeValue([error, call], { path: "error" });
    if (encoded.bytes <= MAX_ERROR_BYTES) return encoded.toBytes();
  } catch {
    // A field of the error's cannot travel: the rest does.
  }
  return encodeValue([bareError(error), call]).toBytes();
}

/** Name, message, code and stack, and the same of one cause. */
function bareError(error: Error): Error {
  const cause = readSafely(() => error.cause);
  const options = cause instanceof Error ? { cause: bareOf(cause) } : {};
  return bareOf(error, options);
}

function bareOf(error: Error, options: ErrorOptions = {}): Error {
  const message = clipBytes(messageOf(error));
  const code = codeOf(error);
  const bare = code === null ? new Error(message, options) : new FlockError(code, message, options);
  if (code === null) bare.name = clip(nameOf(error), 256);
  const stack = readSafely(() => error.stack);
  if (typeof stack === "string") bare.stack = clip(stack, MAX_STACK_CHARACTERS);
  return bare;
}

function codeOf(error: Error): ErrorCode | null {
  return (readSafely(() => (isFlockError(error) ? error.code : null)) as ErrorCode | null | undefined) ?? null;
}

function nameOf(error: Error): string {
  const name = readSafely(() => error.name);
  const own = readSafely(() => error.constructor.name);
  // A subclass that sets no name inherits another's; its class says more.
  const inherited = readSafely(
    () => !Object.hasOwn(error, "name") && !Object.hasOwn(Object.getPrototypeOf(error), "name"),
  );
  if (inherited === true && typeof own === "string" && own !== "") return own;
  return typeof name === "string" && name !== "" ? name : "Error";
}

function messageOf(error: Error): string {
  const message = readSafely(() => error.message);
  return typeof message === "string" ? message : printed(message);
}

/** Getters and proxies of users' errors may throw themselves. */
function readSafely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function printed(value: unknown): string {
  return String(
    readSafely(() => inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY })) ?? "(unprintable)",
  );
}

function clipBytes(text: string): string {
  if (text.length * 3 <= MAX_MESSAGE_BYTES) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_MESSAGE_BYTES) return text;
  // A character that is cut in half decodes as U+FFFD.
  return `${bytes
    .subarray(0, MAX_MESSAGE_BYTES - 3)
    .toString()
    .replace(/\uFFFD$/, "")}…`;
}

function clip(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
