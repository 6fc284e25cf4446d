// Runs: named pieces of work that people follow as one thing, here and on the page.

import {
  type ClientToScheduler,
  type DetailEntry,
  FlockError,
  type RunCounts,
  type RunNumber,
} from "@taskflock/protocol/words";
import { type Checks, checkOptions, describe, flag, integerFrom, name as nameCheck, oneOf } from "./option-checks.ts";
import { RunDetailSender } from "./run-details.ts";

export type RunOutcome = "done" | "failed" | "stopped" | "cancelled";
export type RunStatus = "running" | RunOutcome;

export interface RunOptions {
  /** Share of the cluster beside other runs: a run of weight 2 gets twice the slots of one of weight 1. Default 1. */
  readonly weight?: number;
  /** Steps that the run will take; 0 when unknown, the default. */
  readonly steps?: number;
  /**
   * Its tasks go on when this client leaves, however it leaves, and all their results are kept: any client gets them by
   * `client.attach(name)`. Default false.
   */
  readonly detached?: boolean;
  /** With `detached`: how long results are kept after all of it has ended, milliseconds. Default 1 hour. */
  readonly keepMs?: number;
}

const KEEP_MS = 3_600_000;
/** A year: what a machine's clock in µs holds without doubt. */
const MAX_KEEP_MS = 31_536_000_000;

const checks: Checks<RunOptions> = {
  weight: (value) => (typeof value === "number" && value > 0 && value <= 1e6 ? null : "a number above 0"),
  steps: integerFrom(0),
  detached: flag,
  keepMs: integerFrom(0, MAX_KEEP_MS),
};

const aCount = integerFrom(0);
const anOutcome = oneOf("done", "failed", "stopped", "cancelled");

/** `takes`: what a check said of the value. */
function refuse(where: string, takes: string | null, value: unknown): void {
  if (takes === null) return;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${where} of a run takes ${takes}, not ${describe(value)}.`);
}

const nothingYet: RunCounts = { total: 0, done: 0, failed: 0, cancelled: 0, running: 0 };

interface Sender {
  send(message: ClientToScheduler): void;
}

/**
 * A run of your own: tasks submitted with `{ run }` belong to it. Call `step` as work is done and `close` at the end (or
 * leave its `using` block); people follow it by `progress(run)`, `client.runs()` and on the page.
 */
export class TaskRun {
  readonly name: string;
  readonly number: RunNumber;
  /** Steps in all; 0 when unknown. */
  readonly total: number;
  /** It outlives this client. */
  readonly isDetached: boolean;
  readonly #sender: Sender;
  readonly #listeners: Set<() => void> = new Set();
  readonly #onClose: () => void;
  #status: RunStatus = "running";
  #done = 0;
  #counts: RunCounts = nothingYet;
  #reporting = false;
  #details: RunDetailSender | null = null;

  /** Runs come from `client.run`. */
  constructor(sender: Sender, number: RunNumber, name: string, options: RunOptions, onClose: () => void) {
    this.#sender = sender;
    this.number = number;
    this.name = name;
    this.total = options.steps ?? 0;
    this.#onClose = onClose;
    this.isDetached = options.detached ?? false;
    const keepMs = this.isDetached ? (options.keepMs ?? KEEP_MS) : null;
    sender.send({ t: "openRun", run: number, name, weight: options.weight ?? 1, steps: this.total, keepMs });
  }

  get status(): RunStatus {
    return this.#status;
  }

  /** Whether it was opened by the session that sends for it. */
  isOf(sender: object): boolean {
    return this.#sender === sender;
  }

  /** Steps finished so far. */
  get done(): number {
    return this.#done;
  }

  /** Its tasks by state, as the scheduler last said, a few times a second. */
  get counts(): RunCounts {
    return this.#counts;
  }

  /** Counts steps as finished. Throws FLOCK_ARGUMENT_INVALID for what is no whole number from 0 up. */
  step(count = 1): void {
    refuse("step", aCount(count), count);
    if (this.#status !== "running") return;
    this.#done += count;
    this.#report();
    this.#changed();
  }

  /** Ends the run; later calls change nothing. Its tasks are left alone. Throws FLOCK_ARGUMENT_INVALID. */
  close(outcome: RunOutcome = "done"): void {
    refuse("close", anOutcome(outcome), outcome);
    if (this.#status !== "running") return;
    this.#status = outcome;
    this.#details?.flush();
    this.#sender.send({ t: "reportRun", run: this.number, stepsDone: this.#done });
    this.#sender.send({ t: "closeRun", run: this.number, outcome });
    this.#onClose();
    this.#changed();
    this.#listeners.clear();
  }

  /** Tells what the page shows of a search or a training; what is not well-formed is left out, as is what comes after the end. */
  details(entries: readonly DetailEntry[]): void {
    if (this.#status !== "running") return;
    this.#details ??= new RunDetailSender((some) =>
      this.#sender.send({ t: "runDetails", run: this.number, entries: some }),
    );
    this.#details.tell(entries);
  }

  /** Calls `listener` after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What the scheduler says of the run's tasks. */
  heard(counts: RunCounts): void {
    this.#counts = counts;
    this.#changed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Steps are told once per turn of the event loop, however many there were. */
  #report(): void {
    if (this.#reporting) return;
    this.#reporting = true;
    setImmediate(() => {
      this.#reporting = false;
      if (this.#status !== "running") return;
      this.#sender.send({ t: "reportRun", run: this.number, stepsDone: this.#done });
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/**
 * A piece of work in progress with a result of its own, such as a search. Several readers may iterate over its events, each
 * from the first one.
 */
export interface Run<R, E = unknown> extends AsyncIterable<E> {
  readonly name: string;
  readonly status: RunStatus;
  /** Steps finished so far, and in all. */
  readonly done: number;
  readonly total: number;
  /** Waits for the result. Rejects with FLOCK_CANCELLED after `cancel()`. */
  result(): Promise<R>;
  /** Ends early: `result()` gives the best so far. */
  stop(): Promise<void>;
  /** Ends at once and discards everything. */
  cancel(reason?: string): Promise<void>;
}

/** The open runs of a session. */
export class RunTable {
  readonly #sender: Sender;
  readonly #open: Map<RunNumber, TaskRun> = new Map();
  readonly #detached: Set<RunNumber> = new Set();
  readonly #followed: Map<RunNumber, (counts: RunCounts) => void> = new Map();
  #last = 0;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** Throws FLOCK_OPTION_INVALID and FLOCK_ARGUMENT_INVALID. */
  start(name: string, options: RunOptions | undefined): TaskRun {
    const takes = nameCheck(name);
    if (takes !== null)
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `run takes ${takes} as the name, not ${describe(name)}.`);
    const checked = checkOptions("run", options, checks);
    if (checked.keepMs !== undefined && checked.detached !== true) {
      throw new FlockError("FLOCK_OPTION_INVALID", "run: keepMs is for detached runs: { detached: true, keepMs }.");
    }
    const number = ++this.#last as RunNumber;
    const run = new TaskRun(this.#sender, number, name, checked, () => this.#open.delete(number));
    this.#open.set(number, run);
    if (run.isDetached) this.#detached.add(number);
    return run;
  }

  /** Another client's run is followed under a number of this session's. */
  follow(heard: (counts: RunCounts) => void): RunNumber {
    const number = ++this.#last as RunNumber;
    this.#followed.set(number, heard);
    return number;
  }

  unfollow(number: RunNumber): void {
    this.#followed.delete(number);
  }

  /** It outlives its client, whether or not it was closed. */
  isDetached(run: RunNumber): boolean {
    return this.#detached.has(run);
  }

  get hasDetached(): boolean {
    return this.#detached.size > 0;
  }

  heard(run: RunNumber, counts: RunCounts): void {
    this.#open.get(run)?.heard(counts);
    this.#followed.get(run)?.(counts);
  }

  /** The session has ended: nobody will close them. Detached ones go on. */
  endAll(): void {
    for (const run of [...this.#open.values()]) if (!run.isDetached) run.close("cancelled");
    this.#followed.clear();
  }
}
