// Reports of running tasks on their way to the scheduler. They carry the latest that there is to say: one that comes too soon after
// another waits, and takes the place of those that waited before it. The last one goes before its task's outcome.

import type { Attempt, TaskId } from "@taskflock/protocol/words";

/** Between two reports of a task, milliseconds; and bytes of reports per millisecond. */
const PAUSE_MS = 50;
const BYTES_PER_MS = 4096;

interface Last {
  readonly attempt: Attempt;
  /** What waits. */
  data: Uint8Array | null;
  quietUntil: number;
}

type SendReport = (task: TaskId, attempt: Attempt, data: Uint8Array) => void;

export class Reports {
  readonly #send: SendReport;
  readonly #nowMs: () => number;
  readonly #tasks: Map<TaskId, Last> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #isUp = true;

  constructor(send: SendReport, nowMs: () => number = () => performance.now()) {
    this.#send = send;
    this.#nowMs = nowMs;
  }

  get any(): boolean {
    return this.#tasks.size > 0;
  }

  add(task: TaskId, attempt: Attempt, data: Uint8Array): void {
    const known = this.#tasks.get(task);
    const last = known?.attempt === attempt ? known : { attempt, data: null, quietUntil: 0 };
    last.data = data;
    this.#tasks.set(task, last);
    this.#look(task, last);
    this.#timer ??= setInterval(() => this.#lookAtAll(), PAUSE_MS).unref();
  }

  /** What waits is said now, whatever the link: the outcome follows. */
  ended(task: TaskId): void {
    const last = this.#tasks.get(task);
    this.#tasks.delete(task);
    if (last?.data) this.#send(task, last.attempt, last.data);
  }

  linkDown(): void {
    this.#isUp = false;
  }

  /** `fresh`: the scheduler knows nothing of the tasks here. */
  linkUp(fresh: boolean): void {
    this.#isUp = true;
    if (fresh) this.#tasks.clear();
    this.#lookAtAll();
  }

  close(): void {
    this.#tasks.clear();
    this.#lookAtAll();
  }

  #lookAtAll(): void {
    for (const [task, last] of this.#tasks) this.#look(task, last);
    if (this.#tasks.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(task: TaskId, last: Last): void {
    const now = this.#nowMs();
    if (!this.#isUp || now < last.quietUntil) return;
    if (last.data === null) this.#tasks.delete(task);
    else {
      last.quietUntil = now + Math.max(PAUSE_MS, last.data.length / BYTES_PER_MS);
      this.#send(task, last.attempt, last.data);
      last.data = null;
    }
  }
}
