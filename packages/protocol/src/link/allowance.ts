// Submission is credited by bytes: what a client's unfinished tasks cost the scheduler stays below the session's `admissionBytes`.
// Both ends reckon alike; the scheduler says now and then what has come back. Submissions above it wait here, in their order, and
// with them what refers to them; everything else overtakes them: a cancel must, or a full scheduler could never be emptied.

import {
  type Ask,
  type ClientToScheduler,
  FlockError,
  type PayloadRef,
  type RunNumber,
  type Submit,
  submitCost,
  type TaskNumber,
} from "../words/index.ts";

export interface AllowanceHost {
  /** Of the session; fixed once it is known. */
  readonly admissionBytes: number;
  /** Sends now what waited. Does not throw. */
  sendHeld(message: ClientToScheduler, payload: PayloadRef): void;
  freePayload(payload: PayloadRef): void;
  /** For the first time, more waits here than the scheduler takes. */
  crowded(waitingBytes: number): void;
}

interface Held<M extends ClientToScheduler = ClientToScheduler> {
  readonly message: M;
  readonly payload: PayloadRef;
}

/** A question that waits: what it is about, and after which submission it is asked. */
interface HeldAsk {
  readonly name: string | null;
  readonly after: TaskNumber;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: FlockError) => void;
}

/** Fewer that were sent may stand at the queue's front. */
const COMPACT_AT = 1024;
/** Of what need not wait. Numbers of tasks begin at 1. */
const NOW = 0 as TaskNumber;

export class Allowance {
  readonly #host: AllowanceHost;
  /** Submissions, by growing numbers; those before `head` were sent. */
  #queue: (Held<Submit> | null)[] = [];
  #head = 0;
  /** What is to be sent right after a submission: not later, because a cancel may make room for the next. */
  readonly #behind: Map<TaskNumber, Held[]> = new Map();
  /** What all submissions that were sent cost; and those of them that are over. */
  #sentBytes = 0;
  #creditedBytes = 0;
  #waitingBytes = 0;
  #warned = false;
  readonly #tasks: Set<TaskNumber> = new Set();
  /** The last one that waits: of those that need a task, and of a run's. */
  readonly #needed: Map<TaskNumber, TaskNumber> = new Map();
  readonly #runs: Map<RunNumber, TaskNumber> = new Map();
  readonly #asks: Map<number, HeldAsk> = new Map();
  readonly #waiters: Waiter[] = [];

  constructor(host: AllowanceHost) {
    this.#host = host;
  }

  /** What the submissions that wait here will cost. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Takes over a message that must wait, and its payload: true. Else it is to be sent now. */
  take(message: ClientToScheduler, payload: PayloadRef): boolean {
    const isWaiting = this.#head < this.#queue.length;
    if (message.t === "submit") {
      if (isWaiting || !this.#hasRoom) {
        this.#hold(message, payload);
        return true;
      }
      this.#sentBytes += submitCost(message.argsBytes);
      return false;
    }
    const after = isWaiting ? this.#after(message) : NOW;
    if (after === NOW) return false;
    if (message.t === "ask") {
      if (this.#asks.has(message.id)) {
        this.#host.freePayload(payload); // asked again after a cut, and still to be asked once
        return true;
      }
      this.#asks.set(message.id, { name: nameIn(message), after });
      // What it names must not be released before it is asked.
      for (const n of numbersIn(message)) this.#needed.set(n, later(after, this.#needed.get(n) ?? NOW));
    }
    const behind = this.#behind.get(after);
    if (behind === undefined) this.#behind.set(after, [{ message, payload }]);
    else behind.push({ message, payload });
    return true;
  }

  /** A submission that was to be sent could not be. */
  unsent(message: ClientToScheduler): void {
    if (message.t === "submit") this.#sentBytes -= submitCost(message.argsBytes);
  }

  /** What all submissions that are over cost, as the scheduler says. */
  credited(bytes: number): void {
    this.#creditedBytes = bytes;
    while (this.#head < this.#queue.length && this.#hasRoom) this.#sendNext();
    this.#settle();
  }

  /** Resolves once nothing waits here. Rejects with the reason when the session ends before. */
  drained(): Promise<void> {
    if (this.#head === this.#queue.length) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Drops what stands behind the last of those that are to be sent in any case: tasks of these runs, and what runs to its end. */
  keepOnly(isKept: (run: RunNumber) => boolean): void {
    let last = this.#queue.length - 1;
    for (; last >= this.#head; last--) {
      const { n, run } = this.#queue[last]!.message;
      if (isKept(run) || this.#behind.get(n)?.some(isFired)) break;
    }
    this.#drop(last + 1);
  }

  /** The session has ended. */
  close(reason: FlockError): void {
    this.#drop(this.#head);
    for (const { reject } of this.#waiters.splice(0)) {
      reject(new FlockError(reason.code, reason.message, { cause: reason.cause }));
    }
  }

  /** One task always, however large it is. */
  get #hasRoom(): boolean {
    return this.#sentBytes - this.#creditedBytes < this.#host.admissionBytes;
  }

  #hold(message: Submit, payload: PayloadRef): void {
    const { n, run, argsBytes, deps } = message;
    this.#queue.push({ message, payload });
    this.#tasks.add(n);
    this.#runs.set(run, n);
    for (const dep of deps) this.#needed.set(dep, n);
    this.#waitingBytes += submitCost(argsBytes);
    if (this.#warned || this.#waitingBytes <= this.#host.admissionBytes) return;
    this.#warned = true;
    this.#host.crowded(this.#waitingBytes);
  }

  /** The submission that it must not overtake. */
  #after(message: ClientToScheduler): TaskNumber {
    switch (message.t) {
      case "release":
        return later(this.#ifHeld(message.n), this.#needed.get(message.n) ?? NOW);
      case "cancel":
      case "locate":
      case "unavailable":
        return this.#ifHeld(message.n);
      case "closeRun":
        return this.#runs.get(message.run) ?? NOW;
      case "ask":
        return this.#askAfter(message);
      default:
        return NOW;
    }
  }

  /** The last that the question names, or that a question waits for which it follows: of the same thing, or to be given up. */
  #askAfter(message: Ask): TaskNumber {
    const { question } = message;
    let after = NOW;
    for (const n of numbersIn(message)) after = later(after, this.#ifHeld(n));
    if (this.#asks.size === 0) return after;
    const of = question.q === "giveUp" ? question.of : message.id;
    const name = nameIn(message);
    for (const [id, held] of this.#asks)
      if (id === of || (name !== null && held.name === name)) after = later(after, held.after);
    return after;
  }

  #ifHeld(n: TaskNumber): TaskNumber {
    return this.#tasks.has(n) ? n : NOW;
  }

  #sendNext(): void {
    const { message, payload } = this.#queue[this.#head]!;
    this.#queue[this.#head++] = null;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    this.#sentBytes += submitCost(message.argsBytes);
    const behind = this.#unlist(message);
    this.#host.sendHeld(message, payload);
    for (const held of behind) this.#host.sendHeld(held.message, held.payload);
  }

  #settle(): void {
    if (this.#head < this.#queue.length) return;
    this.#queue = [];
    this.#head = 0;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** The submission waits no more. Returns what waited for it. */
  #unlist({ n, run, argsBytes, deps }: Submit): readonly Held[] {
    this.#tasks.delete(n);
    this.#waitingBytes -= submitCost(argsBytes);
    if (this.#runs.get(run) === n) this.#runs.delete(run);
    for (const dep of deps) if (this.#needed.get(dep) === n) this.#needed.delete(dep);
    const behind = this.#behind.get(n);
    if (behind === undefined) return NOTHING;
    this.#behind.delete(n);
    for (const { message } of behind) {
      if (message.t !== "ask") continue;
      this.#asks.delete(message.id);
      for (const named of numbersIn(message)) if (this.#needed.get(named) === n) this.#needed.delete(named);
    }
    return behind;
  }

  #drop(from: number): void {
    for (const { message, payload } of this.#queue.splice(from) as Held<Submit>[]) {
      for (const held of this.#unlist(message)) this.#host.freePayload(held.payload);
      this.#host.freePayload(payload);
    }
  }
}

const NOTHING: readonly Held[] = [];
const NO_NUMBERS: readonly TaskNumber[] = [];

function later(a: TaskNumber, b: TaskNumber): TaskNumber {
  return a > b ? a : b;
}

/** The tasks that a question names. */
function numbersIn({ question }: Ask): readonly TaskNumber[] {
  if ("n" in question) return [question.n as TaskNumber];
  return "ns" in question && question.ns !== null ? question.ns : NO_NUMBERS;
}

/** The queue, variable, dataset … that a question is about. */
function nameIn({ question }: Ask): string | null {
  return "name" in question ? question.name : null;
}

function isFired({ message }: Held): boolean {
  return message.t === "ask" && message.question.q === "fireAndForget";
}
