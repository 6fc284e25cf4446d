// Errors, made again as the class they were.
import { FlockError } from "../words/errors.ts";
import { malformed } from "./byte-reader.ts";
import { ERROR_CLASSES } from "./format.ts";

const makers: Readonly<Record<(typeof ERROR_CLASSES)[number], (message: string, name: string) => Error>> = {
  Error: (message) => new Error(message),
  EvalError: (message) => new EvalError(message),
  RangeError: (message) => new RangeError(message),
  ReferenceError: (message) => new ReferenceError(message),
  SyntaxError: (message) => new SyntaxError(message),
  TypeError: (message) => new TypeError(message),
  URIError: (message) => new URIError(message),
  AggregateError: (message) => new AggregateError([], message),
  FlockError: (message) => new FlockError("FLOCK_INTERNAL", message), // its own code follows among the properties
  DOMException: (message, name) => new DOMException(message, name),
};

/** `name`, `message` and `stack` as they were; the stack is empty when it was not carried. */
export function makeError(kind: number, name: string, message: string, stack: string | undefined): Error {
  const type = ERROR_CLASSES[kind];
  if (type === undefined) throw malformed("an error is of no known class");
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0; // this stack is not the error's, and costs the most of making one
  const error = makers[type](message, name);
  Error.stackTraceLimit = limit;
  hide(error, "stack", stack);
  if (error.name !== name) hide(error, "name", name);
  return error;
}

/** Native errors do not list `cause` and `errors`; everything else was enumerable. */
export function setErrorProperty(error: Error, key: string, value: unknown): void {
  if (key === "cause" || key === "errors") {
    hide(error, key, value);
    return;
  }
  if (error instanceof FlockError && key === "code" && typeof value !== "string")
    throw malformed("an error has no code");
  Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}
