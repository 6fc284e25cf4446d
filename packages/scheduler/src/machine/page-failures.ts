// What failed first, also when the tasks are forgotten: of each run the first that failed by themselves, and the last of all. Bounded.

import type { ErrorCode, PageFailures, RunId, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { oneLine } from "./page-tasks.ts";
import type { Outcome, Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { stateNames } from "./states.ts";

const FIRST_OF_RUN = 20;
const RUNS_KEPT = 50;
const LAST_KEPT = 100;

interface Failed {
  readonly seq: number;
  readonly at: number;
  readonly task: TaskId;
  readonly key: string;
  readonly function: string;
  readonly run: RunId;
  readonly runName: string;
  readonly worker: string;
  readonly attempt: number;
  readonly code: ErrorCode | null;
  readonly message: string;
}

export class FailureLog {
  /** By run, the first run to fail first. */
  readonly #first: Map<RunId, Failed[]> = new Map();
  /** The last of all, as a ring. */
  readonly #last: Failed[] = [];
  #total = 0;

  /** Tasks that failed by themselves so far; those that failed for want of an input are not among them. */
  get total(): number {
    return this.#total;
  }

  add(core: Core, task: Task, { failure, worker, attempt }: Extract<Outcome, { kind: "failed" }>): void {
    const { id: run, name: runName } = task.run;
    const failed: Failed = {
      ...{ seq: ++this.#total, at: core.now, task: task.id, key: keyOf(task), function: task.name, run, runName },
      ...{ worker, attempt, code: failure.code },
      message: oneLine(failure.code === null ? `${failure.name}: ${failure.message}` : failure.message),
    };
    this.#last[(failed.seq - 1) % LAST_KEPT] = failed;
    const first = this.#first.get(run) ?? this.#newRun(run);
    if (first.length < FIRST_OF_RUN) first.push(failed);
  }

  #newRun(run: RunId): Failed[] {
    const first: Failed[] = [];
    this.#first.set(run, first);
    for (const oldest of this.#first.keys()) {
      if (this.#first.size <= RUNS_KEPT) break;
      this.#first.delete(oldest);
    }
    return first;
  }

  /** The first of each run, those of the last runs before others; then the last of all; in the order in which they failed. */
  page(core: Core, limit: number): PageFailures {
    const found = new Map<number, Failed>();
    for (const first of [...this.#first.values()].reverse())
      for (const failed of first) if (found.size < limit) found.set(failed.seq, failed);
    const last = [...this.#last].sort((a, b) => b.seq - a.seq);
    for (const failed of last) if (found.size < limit) found.set(failed.seq, failed);
    const items = [...found.values()].sort((a, b) => a.seq - b.seq).map((failed) => rowOf(core, failed));
    return { now: core.now, total: this.#total, items };
  }

  digest(): string {
    return `${this.#total} ${this.#first.size}`;
  }
}

function rowOf(core: Core, failed: Failed): PageFailures["items"][number] {
  const { at, task: id, key, run, runName, worker, attempt, message } = failed;
  const task = core.taskById(id);
  return {
    ...{ task: id, key, function: failed.function, status: "failed", run, runName, worker, attempt, at, since: at },
    state: task === null ? "forgotten" : stateNames[task.state]!,
    ...{ bytes: 0, outcome: message, failedKey: "" },
  };
}
