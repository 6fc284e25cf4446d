// Waiting for many futures with one promise, and putting their values where the futures stood.

import { FlockError } from "@taskflock/protocol/words";
import { eachBounded } from "./bounded.ts";
import { type Future, type FutureOwner, isFuture, ownerOf, recordOf } from "./future.ts";
import { delayedGiven, isDelayed } from "./graph/delayed.ts";
import type { TaskRecord } from "./record.ts";
import type { Results } from "./results.ts";
import { COPY, LEAVE_OUT, objectsIn, Rebuilder } from "./structure.ts";
import { CountdownWaiter } from "./waiters.ts";

export interface GatherOptions {
  /**
   * "raise" rejects with the first failure, the default; "skip" leaves what failed out of its array, set, map or object (a future
   * that is gathered alone gives undefined).
   */
  readonly errors?: "raise" | "skip";
}

/** Results that come from workers at the same time. */
const AT_ONCE = 32;

interface GatherHost extends FutureOwner {
  readonly results: Results;
}

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
    return record.state === "done" ? host.results.local(record) : LEAVE_OUT;
  };
  if (!flat) {
    const rebuilt = new Rebuilder((value) => (isFuture(value) ? take(value) : COPY)).copy(structure);
    return rebuilt === LEAVE_OUT ? undefined : rebuilt;
  }
  const values = futures.map(take);
  return errors === "skip" ? values.filter((value) => value !== LEAVE_OUT) : values;
}

/** All that stand in the structure, each once. */
function futuresIn(structure: unknown): Future<unknown>[] {
  const objects = [...objectsIn(structure)];
  const node = objects.find(isDelayed);
  if (node !== undefined) throw delayedGiven("gather: what it was given", node);
  return objects.filter(isFuture);
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
export function settled(
  host: GatherHost,
  futures: readonly Future<unknown>[],
  errors: "raise" | "skip",
): Promise<void> {
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
      values.set(record, LEAVE_OUT);
    }
  };
  await eachBounded(remote, AT_ONCE, fetch);
  return values;
}
