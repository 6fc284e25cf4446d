// Steps the machine: gives events their time and cause, one after another, and carries out what the port asks for.

import type {
  Cause,
  Micros,
  PayloadRef,
  SchedulerToClient,
  SchedulerToWorker,
  SessionId,
  WorkerId,
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
  readonly #waiting: Happening[] = [];
  #stepping = false;
  #stopped = false;
  #cause = 0;
  #alarm: NodeJS.Timeout | null = null;

  constructor(config: SchedulerConfig, outputs: DriverOutputs, recording: RecordingWriter | null) {
    this.#outputs = outputs;
    this.#recording = recording;
    this.machine = new SchedulerMachine(config, this);
  }

  /** Events taken in so far. */
  get steps(): number {
    return this.#cause;
  }

  happen(happening: Happening): void {
    if (this.#stopped) return;
    this.#waiting.push(happening);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
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

  #step(happening: Happening): void {
    const event = { ...happening, at: now(), cause: ++this.#cause as Cause } as SchedulerEvent;
    this.#recording?.event(event);
    this.machine.step(event);
  }
}

/** The scheduler's monotonic clock, µs. */
export function now(): Micros {
  return Math.round(performance.now() * 1000) as Micros;
}
