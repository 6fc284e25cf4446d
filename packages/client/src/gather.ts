// Waiting for many futures with one promise, and putting their values where the futures stood.

import { FlockError } from "@taskflock/protocol/words";
import { type Future, type FutureOwner, isFuture, ownerOf, recordOf } from "./future.ts";
import type { TaskRecord } from "./record.ts";
import type { Results } from "./results.ts";
import { CountdownWaiter } from "./waiters.ts";

export interface GatherOptions {
  /**
   * "raise" rejects with the first failure, the default; "skip" leaves what failed out of its array, set, map or object (a future
   * that is gathered alone gives undefined).
   */
  readonly errors?: "raise" | "skip";
}

interface GatherHost extends FutureOwner {
  readonly results: Results;
}

/** Stands for the value of a future that failed. */
const SKIPPED: unique symbol = Symbol("skipped");

type TakeValue = (future: Future<unknown>) => unknown;

/** `structure` with the value of each future in its place. Throws what `future.result()` would reject with. */
export async function gather(host: GatherHost, structure: unknown, errors: "raise" | "skip"): Promise<unknown> {
  const flat = Array.isArray(structure) && structure.every(isFuture); // the usual case, without a walk
  const futures: readonly Future<unknown>[] = flat ? structure.slice() : futuresIn(structure);
  ensureOwn(host, futures);
  await settled(host, futures, errors);
  const remote = await fetchRemotes(host, futures, errors);
  const take = (future: Future<unknown>): unknown => {
    const record = recordOf(future);
    if (remote.size > 0 && remote.has(record)) return remote.get(record);
    return record.state === "done" ? host.results.local(record) : SKIPPED;
  };
  if (!flat) {
    const rebuilt = rebuild(structure, take);
    return rebuilt === SKIPPED ? undefined : rebuilt;
  }
  const values = futures.map(take);
  return errors === "skip" ? values.filter((value) => value !== SKIPPED) : values;
}

/** All that stand in the structure, each once. */
function futuresIn(structure: unknown): Future<unknown>[] {
  const futures = new Set<Future<unknown>>();
  rebuild(structure, (future) => void futures.add(future));
  return [...futures];
}

function ensureOwn(host: GatherHost, futures: readonly Future<unknown>[]): void {
  const foreign = futures.find((future) => ownerOf(future) !== host);
  if (foreign === undefined) return;
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `gather: ${foreign.key} is a future of another client. Gather it through the client that made it.`,
  );
}

/** Resolves when all are known; rejects with the first failure, unless failures are skipped. */
function settled(host: GatherHost, futures: readonly Future<unknown>[], errors: "raise" | "skip"): Promise<void> {
  if (futures.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const waiter = new CountdownWaiter(
      futures,
      () => errors === "raise",
      (record: TaskRecord) => host.results.error(record),
      (error) => (error === null ? resolve() : reject(error)),
    );
    for (let i = 0; i < futures.length; i++) host.watch(futures[i]!, waiter);
  });
}

/** The values of those whose bytes are on workers; one value for all futures of one task. */
async function fetchRemotes(
  host: GatherHost,
  futures: readonly Future<unknown>[],
  errors: "raise" | "skip",
): Promise<ReadonlyMap<TaskRecord, unknown>> {
  const values = new Map<TaskRecord, unknown>();
  const remote = new Map<TaskRecord, Future<unknown>>();
  for (let i = 0; i < futures.length; i++) {
    const record = recordOf(futures[i]!);
    if (record.state === "done" && !host.results.isLocal(record)) remote.set(record, futures[i]!);
  }
  const fetch = async ([record, future]: [TaskRecord, Future<unknown>]): Promise<void> => {
    try {
      values.set(record, await host.resultOf(future));
    } catch (error) {
      if (errors === "raise") throw error;
      values.set(record, SKIPPED);
    }
  };
  await Promise.all(Array.from(remote, fetch));
  return values;
}

/** A copy of arrays, plain objects, maps and sets in which each future is what `take` gives for it; everything else as it is. */
function rebuild(value: unknown, take: TakeValue): unknown {
  return new Rebuilder(take).copy(value);
}

class Rebuilder {
  readonly #take: TakeValue;
  readonly #copies: Map<object, unknown> = new Map();

  constructor(take: TakeValue) {
    this.#take = take;
  }

  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (isFuture(value)) return this.#take(value);
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return this.#array(value);
    if (prototype === Object.prototype || prototype === null) return this.#object(value);
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>);
    return value;
  }

  #array(array: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    this.#copies.set(array, copy);
    for (const item of array) {
      const own = this.copy(item);
      if (own !== SKIPPED) copy.push(own);
    }
    return copy;
  }

  #object(object: object): object {
    const copy: Record<string, unknown> = {};
    this.#copies.set(object, copy);
    for (const [key, item] of Object.entries(object)) {
      const own = this.copy(item);
      if (own === SKIPPED) continue;
      Object.defineProperty(copy, key, { value: own, writable: true, enumerable: true, configurable: true });
    }
    return copy;
  }

  #map(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    this.#copies.set(map, copy);
    for (const [key, item] of map) {
      const own = this.copy(item);
      if (own !== SKIPPED) copy.set(this.copy(key), own);
    }
    return copy;
  }

  #set(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = new Set<unknown>();
    this.#copies.set(set, copy);
    for (const item of set) {
      const own = this.copy(item);
      if (own !== SKIPPED) copy.add(own);
    }
    return copy;
  }
}
