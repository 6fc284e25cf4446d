import { decodeValue, encodeValue } from "@taskflock/protocol/code";

/**
 * A private copy of an argument that a task wants to change: arguments are shared and read-only. Throws
 * FLOCK_NOT_SERIALIZABLE for what could not be an argument.
 */
export function copy<T>(value: T): T {
  return decodeValue(encodeValue(value).toBytes(), { copy: true }) as T;
}
