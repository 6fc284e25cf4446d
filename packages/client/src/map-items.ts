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

/** The arguments of each call, from columns that must be equally long. Asked once per task, so plainer than the rest. */
export class ArgumentRows {
  /** The columns that are read by index. */
  readonly #arrays: readonly (readonly unknown[] | null)[];
  /** Of the others, those that have not ended. */
  readonly #iterators: (Iterator<unknown> | null)[];
  readonly #row: unknown[];
  #index = 0;

  constructor(columns: readonly Iterable<unknown>[]) {
    this.#arrays = columns.map((column) => (isPlainArray(column) ? column : null));
    this.#iterators = columns.map((column) => (isPlainArray(column) ? null : column[Symbol.iterator]()));
    this.#row = new Array(columns.length);
  }

  /** The next call's, in the same array each time; null after the last. Throws when one column ends before another. */
  next(): readonly unknown[] | null {
    const arrays = this.#arrays;
    const index = this.#index++;
    let ended = 0;
    for (let i = 0; i < arrays.length; i++) {
      const array = arrays[i]!;
      if (array === null) ended += this.#advance(i);
      else if (index < array.length) this.#row[i] = array[index];
      else ended++;
    }
    if (ended === arrays.length) return null;
    if (ended === 0) return this.#row;
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `map: one of the iterables ends after ${index} items, another goes on.`,
    );
  }

  /** Lets iterators that have not ended clean up. */
  close(): void {
    for (const iterator of this.#iterators) iterator?.return?.();
  }

  /** 1 when the column has ended. */
  #advance(column: number): number {
    const next = this.#iterators[column]?.next();
    if (next === undefined || next.done) {
      this.#iterators[column] = null;
      return 1;
    }
    this.#row[column] = next.value;
    return 0;
  }
}

function isPlainArray(column: Iterable<unknown>): column is readonly unknown[] {
  return Array.isArray(column) && column[Symbol.iterator] === Array.prototype[Symbol.iterator];
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "string" || (typeof value === "object" && value !== null && Symbol.iterator in value);
}
