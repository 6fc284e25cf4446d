// What `map` was given after its function: one or more columns of arguments, and perhaps options.

import { FlockError } from "@taskflock/protocol/words";
import { describe } from "./option-checks.ts";
import type { TaskOptions } from "./task-options.ts";

export interface MapItems {
  readonly columns: readonly Iterable<unknown>[];
  readonly options: TaskOptions | undefined;
}

export function readMapItems(given: readonly unknown[]): MapItems {
  const last = given.at(-1);
  const hasOptions = given.length > 1 && !isIterable(last);
  const columns = hasOptions ? given.slice(0, -1) : given;
  for (const column of columns) {
    if (!isIterable(column)) {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `map takes iterables of items after the function, not ${describe(column)}.`,
      );
    }
  }
  return {
    columns: columns as readonly Iterable<unknown>[],
    options: hasOptions ? (last as TaskOptions | undefined) : undefined,
  };
}

/** The arguments of each call. The array is the same one each time. Throws when the columns are not equally long. Runs once per task. */
export function* argumentRows(columns: readonly Iterable<unknown>[]): Generator<unknown[], void, undefined> {
  const iterators: (Iterator<unknown> | null)[] = [];
  const row: unknown[] = new Array(columns.length);
  try {
    for (const column of columns) iterators.push(column[Symbol.iterator]());
    for (let index = 0; ; index++) {
      let ended = 0;
      for (let i = 0; i < iterators.length; i++) {
        const next = iterators[i]!.next();
        row[i] = next.value;
        if (!next.done) continue;
        iterators[i] = null;
        ended++;
      }
      if (ended === iterators.length) return;
      if (ended > 0) {
        throw new FlockError(
          "FLOCK_ARGUMENT_INVALID",
          `map: one of the iterables ends after ${index} items, another goes on.`,
        );
      }
      yield row;
    }
  } finally {
    for (const iterator of iterators) iterator?.return?.();
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "string" || (typeof value === "object" && value !== null && Symbol.iterator in value);
}
