// Steps the machine: gives events their time and cause, one after another, and carries out what the port asks for.

import type {
  Cause,
  ClientToScheduler,
  Micros,
  PayloadRef,
  SchedulerToClient,
  SchedulerToWorker,
  SessionId,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol";
import { type SchedulerConfig, type SchedulerEvent, SchedulerMachine, type SchedulerPort } from "./machine/index.ts";
import type { RecordingWriter } from "./recording.ts";

type Untimed<E> = E extends unknown ? Omit<E, "at" | "cause"> : never;
/** An event before it has a time and a cause. */
export type Happening = Untimed<SchedulerEvent>;

/** What the driver cannot do alone. */
export interface DriverOutputs {
  toWorker(worker: WorkerId, message: SchedulerToWorker): void;
  toClient(session: SessionId, message: SchedulerToClient): void;
  closeWorker(worker: WorkerId): void;
  free(payload: PayloadRef): void;
  /** The machine threw: its state cannot be trusted any more. Called once. */
  failed(error: unknown): void;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class Driver implements SchedulerPort {
  readonly machine: SchedulerMachine;
  readonly #outputs: DriverOutputs;
  readonly #recording: RecordingWriter | null;
  /** What happened while a step was under way (a link that blocks because of what the step sends). */
  readonly #waiting: SchedulerEvent[] = [];
  #stepping = false;
  #stopped = false;
  #cause = 0;
  #steps = 0;
  #alarm: NodeJS.Timeout | null = null;

  constructor(config: SchedulerConfig, outputs: DriverOutputs, recording: RecordingWriter | null) {
    this.#outputs = outputs;
    this.#recording = recording;
    this.machine = new SchedulerMachine(config, this);
  }

  /** Events taken in so far. */
  get steps(): number {
    return this.#steps;
  }

  happen(happening: Happening): void {
    this.#take({ ...happening, at: now(), cause: this.#nextCause() } as SchedulerEvent);
  }

  // The two that come all the time are made in one piece.

  hearClient(session: SessionId, messages: readonly ClientToScheduler[]): void {
    this.#take({ e: "clientMessages", at: now(), cause: this.#nextCause(), session, messages });
  }

  hearWorker(worker: WorkerId, messages: readonly WorkerToScheduler[]): void {
    this.#take({ e: "workerMessages", at: now(), cause: this.#nextCause(), worker, messages });
  }

  #nextCause(): Cause {
    return ++this.#cause as Cause;
  }

  #take(event: SchedulerEvent): void {
    if (this.#stopped) return;
    if (this.#stepping) {
      this.#waiting.push(event);
      return;
    }
    this.#stepping = true;
    try {
      this.#step(event);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#step(next);
    } catch (error) {
      this.#stopped = true;
      this.wakeAt(null);
      this.#recording?.abandon();
      this.#outputs.failed(error);
    } finally {
      this.#stepping = false;
    }
  }

  /** No more steps. The recording gets the digest of the state. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.wakeAt(null);
    this.#recording?.end(this.machine.digest());
  }

  toWorker(worker: WorkerId, message: SchedulerToWorker): void {
    this.#outputs.toWorker(worker, message);
  }

  toClient(session: SessionId, message: SchedulerToClient): void {
    this.#outputs.toClient(session, message);
  }

  closeWorker(worker: WorkerId): void {
    this.#outputs.closeWorker(worker);
  }

  /** At once: a link copies the bytes of what it is given to send. */
  free(payload: PayloadRef): void {
    this.#outputs.free(payload);
  }

  wakeAt(at: Micros | null): void {
    if (this.#alarm !== null) clearTimeout(this.#alarm);
    this.#alarm = null;
    if (at === null || this.#stopped) return;
    const delayMs = Math.min(Math.max(0, Math.ceil((at - now()) / 1000)), MAX_TIMEOUT_MS);
    this.#alarm = setTimeout(() => {
      this.#alarm = null;
      this.happen({ e: "woken" });
    }, delayMs);
  }

  #step(event: SchedulerEvent): void {
    this.#steps++;
    this.#recording?.event(event);
    this.machine.step(event);
  }
}

/** The scheduler's monotonic clock, µs. */
export function now(): Micros {
  return Math.round(performance.now() * 1000) as Micros;
}
