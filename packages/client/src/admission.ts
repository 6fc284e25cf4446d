// Submission is credited by bytes: what a client's unfinished tasks cost the scheduler stays below the session's `admissionBytes`.
// Both ends reckon alike; the scheduler says now and then what has come back. Submissions above it wait here, in their order, and
// with them what refers to them; everything else overtakes them: a cancel must, or a full scheduler could never be emptied.

import {
  type Ask,
  type ClientToScheduler,
  type FlockError,
  NO_PAYLOAD,
  type PayloadRef,
  type RunNumber,
  type Submit,
  submitCost,
  type TaskNumber,
} from "@taskflock/protocol/words";
import { again } from "./endings.ts";

export interface AdmissionHost {
  /** Of the session; fixed once it is known. */
  readonly admissionBytes: number;
  /** Sends now what waited. Does not throw. */
  sendHeld(message: ClientToScheduler, payload: PayloadRef): void;
  freePayload(payload: PayloadRef): void;
  /** For the first time, more waits here than the scheduler takes. */
  crowded(waitingBytes: number): void;
}

interface Held {
  readonly message: ClientToScheduler;
  readonly payload: PayloadRef;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: FlockError) => void;
}

/** Fewer that were sent may stand at the queue's front. */
const COMPACT_AT = 1024;
/** In place of what was sent, which need not be kept. */
const SENT: Held = { message: { t: "goodbye" }, payload: NO_PAYLOAD };

export class Admission {
  readonly #host: AdmissionHost;
  #queue: Held[] = [];
  #head = 0;
  /** What all submissions that were sent cost; and those of them that are over. */
  #sentBytes = 0;
  #creditedBytes = 0;
  #waitingBytes = 0;
  #warned = false;
  /** Submissions that wait; and tasks that were sent before and that they need, with how many of them do. */
  readonly #tasks: Set<TaskNumber> = new Set();
  readonly #needed: Map<TaskNumber, number> = new Map();
  /** Questions that wait, with the names of what they are about. */
  readonly #asks: Map<number, string | null> = new Map();
  readonly #waiters: Waiter[] = [];

  constructor(host: AdmissionHost) {
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
      if (!isWaiting && this.#hasRoom) {
        this.#sentBytes += submitCost(message.argsBytes);
        return false;
      }
      this.#holdTask(message);
    } else if (!isWaiting || !this.#mustWait(message)) return false;
    else if (message.t === "ask") {
      if (this.#asks.has(message.id)) {
        this.#host.freePayload(payload); // asked again after a cut, and still to be asked once
        return true;
      }
      this.#asks.set(message.id, nameIn(message));
    }
    this.#queue.push({ message, payload });
    return true;
  }

  /** A submission that was to be sent could not be. */
  unsent(message: ClientToScheduler): void {
    if (message.t === "submit") this.#sentBytes -= submitCost(message.argsBytes);
  }

  /** What all submissions that are over cost, as the scheduler says. */
  credited(bytes: number): void {
    this.#creditedBytes = bytes;
    this.#drain();
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
      const { message } = this.#queue[last]!;
      if (message.t === "submit" ? isKept(message.run) : isFired(message)) break;
    }
    for (const { message, payload } of this.#queue.splice(last + 1)) this.#forget(message, payload);
    this.#settle();
  }

  /** The session has ended. */
  close(reason: FlockError): void {
    for (const { message, payload } of this.#queue.splice(this.#head)) this.#forget(message, payload);
    this.#queue = [];
    this.#head = 0;
    for (const { reject } of this.#waiters.splice(0)) reject(again(reason));
  }

  /** One task always, however large it is. */
  get #hasRoom(): boolean {
    return this.#sentBytes - this.#creditedBytes < this.#host.admissionBytes;
  }

  #holdTask({ n, argsBytes, deps }: Submit): void {
    this.#tasks.add(n);
    for (const dep of deps) this.#needed.set(dep, (this.#needed.get(dep) ?? 0) + 1);
    this.#waitingBytes += submitCost(argsBytes);
    if (this.#warned || this.#waitingBytes <= this.#host.admissionBytes) return;
    this.#warned = true;
    this.#host.crowded(this.#waitingBytes);
  }

  /** It refers to what waits. */
  #mustWait(message: ClientToScheduler): boolean {
    switch (message.t) {
      case "release":
        return this.#tasks.has(message.n) || this.#needed.has(message.n);
      case "cancel":
      case "locate":
      case "unavailable":
        return this.#tasks.has(message.n);
      case "closeRun":
        return true;
      case "ask":
        return this.#concerns(message);
      default:
        return false;
    }
  }

  /** It names tasks that wait, or what a question that waits is about; or it is that question, once more. */
  #concerns(message: Ask): boolean {
    const { question } = message;
    if (this.#asks.size > 0) {
      if (this.#asks.has(message.id) || (question.q === "giveUp" && this.#asks.has(question.of))) return true;
      const name = nameIn(message);
      if (name !== null) for (const other of this.#asks.values()) if (other === name) return true;
    }
    if ("n" in question) return this.#tasks.has(question.n as TaskNumber);
    return "ns" in question && question.ns !== null && question.ns.some((n) => this.#tasks.has(n));
  }

  #drain(): void {
    while (this.#head < this.#queue.length) {
      const { message, payload } = this.#queue[this.#head]!;
      if (message.t === "submit") {
        if (!this.#hasRoom) return;
        this.#sentBytes += submitCost(message.argsBytes);
      }
      this.#queue[this.#head++] = SENT;
      this.#unlist(message);
      this.#host.sendHeld(message, payload);
      if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#head < this.#queue.length) return;
    this.#queue = [];
    this.#head = 0;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #unlist(message: ClientToScheduler): void {
    if (message.t === "ask") this.#asks.delete(message.id);
    if (message.t !== "submit") return;
    this.#tasks.delete(message.n);
    this.#waitingBytes -= submitCost(message.argsBytes);
    for (const dep of message.deps) {
      const left = this.#needed.get(dep)! - 1;
      if (left === 0) this.#needed.delete(dep);
      else this.#needed.set(dep, left);
    }
  }

  #forget(message: ClientToScheduler, payload: PayloadRef): void {
    this.#unlist(message);
    this.#host.freePayload(payload);
  }
}

/** The queue, variable, dataset … that a question is about. */
function nameIn({ question }: Ask): string | null {
  return "name" in question ? question.name : null;
}

function isFired(message: ClientToScheduler): boolean {
  return message.t === "ask" && message.question.q === "fireAndForget";
}
