// How the function and the arguments of a task's call stand in one value.
import { FlockError } from "../words/errors.ts";

/**
 * A call whose arguments refer to functions or classes that travel with the function: they are written beside what it captured,
 * where such references mean something, and once more behind it, as one. Other calls are an array: the arguments, behind
 * the function if that captures values.
 */
export interface SharedCall {
  readonly main: object;
  readonly args: readonly unknown[];
}

/** From a decoded call: its arguments, behind the function if that captures values. */
export function callOf(decoded: unknown): unknown[] {
  if (Array.isArray(decoded)) return decoded;
  const { main, args } = (typeof decoded === "object" && decoded !== null ? decoded : {}) as Partial<SharedCall>;
  if (typeof main === "function" && Array.isArray(args)) return [main, ...args];
  throw new FlockError("FLOCK_VALUE_MALFORMED", "The arguments of a task are no array.");
}
