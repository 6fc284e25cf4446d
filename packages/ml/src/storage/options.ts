// The options of a storage, checked.
import { FlockError } from "@taskflock/protocol/words";
import type { StorageOptions } from "./storage.ts";

const takes: Readonly<Record<keyof StorageOptions, (value: unknown) => string | undefined>> = {
  retries: (value) => (isCount(value) ? undefined : "a whole number from 0 on"),
  timeoutMs: (value) => (isCount(value) && value > 0 ? undefined : "a whole number of milliseconds from 1 on"),
  headers: (value) => (isObject(value) ? undefined : "an object of names and values"),
  s3: (value) => (isObject(value) ? undefined : "an object such as { endpoint, region, credentials }"),
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

export interface NetworkOptions {
  readonly retries: number;
  readonly timeoutMs: number;
}

/** Refuses unknown options and wrong values; gives those of the network with their defaults. */
export function checkedNetwork(options: StorageOptions): NetworkOptions {
  for (const [name, value] of Object.entries(options)) {
    const check = takes[name as keyof StorageOptions];
    if (check === undefined) {
      const names = Object.keys(takes).join(", ");
      throw new FlockError("FLOCK_OPTION_INVALID", `A storage has no option "${name}"; it takes ${names}.`);
    }
    const wanted = value === undefined ? undefined : check(value);
    if (wanted !== undefined) {
      // Not the value: it may be a secret.
      throw new FlockError("FLOCK_OPTION_INVALID", `The storage's option ${name} takes ${wanted}.`);
    }
  }
  return { retries: options.retries ?? 4, timeoutMs: options.timeoutMs ?? 30_000 };
}
