// A task that runs in this process: what `taskContext()` shows of it, and what it and its owner say to each other.

import { FlockError } from "@taskflock/protocol/words";
import type { SubmitOptions } from "./executor.ts";
import { runAsTask, type TaskHere } from "./task-here.ts";

/** What stands for a worker's name. */
export const HERE = "here";
/** Told before it listens. */
const KEPT = 256;

export class InlineTask implements TaskHere {
  readonly task: TaskHere["task"];
  /** Never aborted: nothing retires here. */
  readonly retiring: AbortSignal = new AbortController().signal;
  readonly #controller: AbortController = new AbortController();
  readonly #listeners: Set<(value: unknown) => void> = new Set();
  readonly #onReport: ((report: unknown) => void) | undefined;
  #early: unknown[] = [];
  #running = false;
  #fail: (error: unknown) => void = () => {};

  constructor(name: string, { onReport }: SubmitOptions) {
    this.task = { key: name, attempt: 1, worker: HERE };
    this.#onReport = onReport;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  // Functions on their own, because users take them apart.

  readonly log = (...values: unknown[]): void => console.log(...values);

  /** The listener gets a value of its own, in a turn of its own, as from a worker. */
  readonly report = (value: unknown): void => {
    const { running, hear } = { running: this.#running, hear: this.#onReport };
    if (!running || hear === undefined) return;
    const copy: unknown = structuredClone(value);
    queueMicrotask(() => hear(copy));
  };

  readonly onTell = (hear: (value: unknown) => void): (() => void) => {
    this.#listeners.add(hear);
    for (const value of this.#early.splice(0)) hear(value);
    return () => this.#listeners.delete(hear);
  };

  async run<R>(call: () => R | Promise<R>): Promise<R> {
    this.#running = true;
    const fault = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    try {
      return await Promise.race([runAsTask(this, call), fault]);
    } finally {
      this.#running = false;
    }
  }

  cancel(reason: string): void {
    this.#controller.abort(new FlockError("FLOCK_CANCELLED", reason));
  }

  tell(value: unknown): boolean {
    if (!this.#running) return false;
    const copy: unknown = structuredClone(value);
    if (this.#listeners.size > 0) this.#hear(copy);
    else if (this.#early.length < KEPT) this.#early.push(copy);
    return true;
  }

  /** As its own code; what a listener throws is the task's failure. */
  #hear(value: unknown): void {
    try {
      runAsTask(this, () => {
        for (const hear of this.#listeners) hear(value);
      });
    } catch (error) {
      this.#fail(error);
    }
  }
}
