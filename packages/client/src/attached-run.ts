// Detached runs that this client attached to.

import {
  type AttachedInfo,
  FlockError,
  type RunCounts,
  type RunId,
  type RunInfo,
  type RunNumber,
  type TaskNumber,
} from "@taskflock/protocol/words";
import { AsCompleted } from "./as-completed.ts";
import type { Future } from "./future.ts";
import { describe, name as nameCheck } from "./option-checks.ts";
import type { Questions } from "./questions.ts";
import type { TaskRecord } from "./record.ts";
import type { RunTable } from "./runs.ts";
import type { TaskTable } from "./task-table.ts";

export interface AttachHost {
  readonly questions: Questions;
  readonly runs: RunTable;
  readonly tasks: TaskTable;
}

const PAGE = 1_000;

/**
 * A detached run, with futures of its tasks as they were when it was attached to. It is iterable: each future once it has ended, those
 * that ended before first.
 */
export class AttachedRun implements AsyncIterable<Future<unknown>> {
  readonly name: string;
  /** The name of the client that started it. */
  readonly owner: string;
  /** In the order in which they were submitted. What the run's own client let go of is among them. */
  readonly futures: readonly Future<unknown>[];
  readonly #host: AttachHost;
  readonly #info: RunInfo;
  readonly #number: RunNumber;
  readonly #listeners: Set<() => void> = new Set();
  #counts: RunCounts;

  /** Attached runs come from `client.attach`. */
  constructor(host: AttachHost, { run, owner }: AttachedInfo, number: RunNumber, futures: readonly Future<unknown>[]) {
    this.name = run.name;
    this.owner = owner;
    this.futures = futures;
    this.#host = host;
    this.#info = run;
    this.#number = number;
    this.#counts = run.counts;
  }

  /** Its tasks by state, as the scheduler last said, a few times a second. */
  get counts(): RunCounts {
    return this.#counts;
  }

  /** True once no task of it is left to end. */
  get isOver(): boolean {
    const { total, done, failed, cancelled } = this.#counts;
    return done + failed + cancelled === total;
  }

  /** Steps that its client expected, and those that it reported. */
  get steps(): { readonly total: number; readonly done: number } {
    return { total: this.#info.steps, done: this.#info.stepsDone };
  }

  /** Calls `listener` after each change of the counts; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<Future<unknown>, undefined, undefined> {
    return new AsCompleted(this.futures)[Symbol.asyncIterator]();
  }

  /** Stops what has not ended and nobody else holds a future of. */
  async cancel(reason = ""): Promise<void> {
    await Promise.all(this.futures.map((future) => future.cancel(reason)));
  }

  /**
   * The scheduler keeps the run no more: what of it nobody holds a future of is stopped and dropped. Futures of this client are
   * released.
   */
  async forget(): Promise<void> {
    this.detach();
    await this.#host.questions.ask({ q: "forgetRun", run: this.#info.run as RunId });
  }

  /** Releases this client's futures and follows no more; the run is kept as before. */
  detach(): void {
    this.#host.runs.unfollow(this.#number);
    this.#listeners.clear();
    for (const future of this.futures) future.release();
  }

  [Symbol.dispose](): void {
    this.detach();
  }

  /** What the scheduler says of the run's tasks. */
  heard(counts: RunCounts): void {
    this.#counts = counts;
    for (const listener of this.#listeners) listener();
  }
}

/** Rejects with FLOCK_RUN_UNKNOWN and FLOCK_ARGUMENT_INVALID. */
export async function attach(host: AttachHost, name: string): Promise<AttachedRun> {
  const takes = nameCheck(name);
  if (takes !== null) {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `attach takes ${takes}, the run's name, not ${describe(name)}.`);
  }
  let attached: AttachedRun | null = null;
  let early: RunCounts | null = null;
  const number = host.runs.follow((counts) => {
    if (attached === null) early = counts;
    else attached.heard(counts);
  });
  try {
    const info = await host.questions.ask({ q: "attach", name, as: number });
    attached = new AttachedRun(host, info, number, await futuresOf(host, info));
    if (early !== null) attached.heard(early);
    return attached;
  } catch (error) {
    host.runs.unfollow(number);
    throw error;
  }
}

async function futuresOf(host: AttachHost, { run }: AttachedInfo): Promise<Future<unknown>[]> {
  const futures: Future<unknown>[] = [];
  for (let after = 0; ; ) {
    const records = Array.from({ length: PAGE }, () => host.tasks.add("", null, null));
    const given = records.map((record) => host.tasks.futureOf(record));
    const as = records.map(({ n }) => n as TaskNumber);
    const asked = host.questions.ask({ q: "attachTasks", run: run.run as RunId, after, as });
    const { tasks } = await asked.catch((error: unknown) => {
      for (const future of [...futures, ...given]) future.release();
      throw error;
    });
    for (const [index, task] of tasks.entries()) describeRecord(records[index]!, task);
    futures.push(...given.slice(0, tasks.length));
    for (const future of given.slice(tasks.length)) future.release();
    if (tasks.length < PAGE) return futures;
    after = tasks.at(-1)!.n;
  }
}

function describeRecord(record: TaskRecord, { name, key }: { readonly name: string; readonly key: string }): void {
  record.name = name;
  record.key = key;
}
