// Pages of tasks that failed first in their runs, as they were when they were forgotten: futures go with their client, and people come to
// look after that. Bounded in number and bytes, the oldest forgotten first.

import type { Cause, PageTask, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Outcome, QuestionAnswer, Run } from "./records.ts";

/** Of one run; of one step, as writing one down takes up to milliseconds; and bytes of one encoded error, and of all. */
const FIRST_OF_RUN = 5;
const OF_ONE_STEP = 16;
const MAX_ERROR_BYTES = 256 * 1024;
const MAX_BYTES = 4 * 1024 * 1024;

type Failed = Extract<Outcome, { kind: "failed" }>;
interface Remembered {
  readonly page: PageTask;
  readonly outcome: Failed;
}

export class RememberedFailures {
  readonly #most: number;
  /** The first to be forgotten first. */
  readonly #tasks: Map<TaskId, Remembered> = new Map();
  #bytes = 0;
  /** The step in which one was added last, and how many then. */
  #step: Cause = 0 as Cause;
  #ofStep = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Encoded errors that are kept for them. */
  get errors(): number {
    let count = 0;
    for (const { outcome } of this.#tasks.values()) if (outcome.shared !== null) count++;
    return count;
  }

  /** What was remembered of the run counts, also when it had to go for others: a run's later failures do not take its place. */
  wants({ cause }: Core, run: Run, outcome: Failed): boolean {
    if (run.remembered >= Math.min(this.#most, FIRST_OF_RUN) || outcome.failedKey !== null) return false;
    if (cause === this.#step && this.#ofStep >= OF_ONE_STEP) return false;
    return outcome.failure.errorBytes <= MAX_ERROR_BYTES;
  }

  /** Takes one use of the outcome's error; returns the outcomes whose use is over. */
  add({ cause }: Core, run: Run, page: PageTask, outcome: Failed): Outcome[] {
    run.remembered++;
    this.#ofStep = cause === this.#step ? this.#ofStep + 1 : 1;
    this.#step = cause;
    if (outcome.shared !== null) outcome.shared.uses++;
    this.#tasks.set(page.task.task, { page, outcome });
    this.#bytes += outcome.failure.errorBytes;
    const over: Outcome[] = [];
    for (const [id, oldest] of this.#tasks) {
      if (this.#tasks.size <= this.#most && this.#bytes <= MAX_BYTES) break;
      this.#tasks.delete(id);
      this.#bytes -= oldest.outcome.failure.errorBytes;
      over.push(oldest.outcome);
    }
    return over;
  }

  /** By its number or, of the last that had it, its key. */
  find({ now }: Core, id: TaskId, key: string): QuestionAnswer | null {
    let found = this.#tasks.get(id) ?? null;
    if (id === 0) for (const known of this.#tasks.values()) if (known.page.task.key === key) found = known;
    if (found === null) return null;
    const { page, outcome } = found;
    const value: PageTask = { ...page, now };
    if (outcome.shared === null) return { value, error: null };
    return { value, error: null, data: outcome.shared.payload, dataBytes: outcome.failure.errorBytes };
  }

  digest(): string {
    return `${this.#tasks.size} ${this.#bytes}`;
  }
}
