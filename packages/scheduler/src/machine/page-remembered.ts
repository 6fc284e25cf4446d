// Pages of tasks that failed first in their runs, as they were when they were forgotten: futures go with their client, and people come to
// look after that. Bounded in number and bytes, the oldest forgotten first.

import type { PageTask, RunId, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Outcome, QuestionAnswer } from "./records.ts";

/** Of one run; and bytes of one encoded error, and of all. */
const FIRST_OF_RUN = 5;
const MAX_ERROR_BYTES = 256 * 1024;
const MAX_BYTES = 4 * 1024 * 1024;

type Failed = Extract<Outcome, { kind: "failed" }>;
interface Remembered {
  readonly run: RunId;
  readonly page: PageTask;
  readonly outcome: Failed;
}

export class RememberedFailures {
  readonly #most: number;
  /** The first to be forgotten first. */
  readonly #tasks: Map<TaskId, Remembered> = new Map();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Encoded errors that are kept for them. */
  get errors(): number {
    let count = 0;
    for (const { outcome } of this.#tasks.values()) if (outcome.shared !== null) count++;
    return count;
  }

  wants(run: RunId, outcome: Failed): boolean {
    if (this.#most === 0 || outcome.failedKey !== null || outcome.failure.errorBytes > MAX_ERROR_BYTES) return false;
    let ofRun = 0;
    for (const known of this.#tasks.values()) if (known.run === run) ofRun++;
    return ofRun < FIRST_OF_RUN;
  }

  /** Takes one use of the outcome's error; returns the outcomes whose use is over. */
  add(run: RunId, page: PageTask, outcome: Failed): Outcome[] {
    if (outcome.shared !== null) outcome.shared.uses++;
    this.#tasks.set(page.task.task, { run, page, outcome });
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
