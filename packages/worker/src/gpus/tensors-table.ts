// What TensorFlow.js computes with in the slots of a worker: told to the scheduler, and printed, once for each that differs.
import type { WorkerTensors } from "@taskflock/protocol";

/** More do not differ in anything that helps. */
const MOST = 32;

export interface TensorsListeners {
  print(line: string): void;
  tell(all: readonly WorkerTensors[]): void;
}

export class TensorsTable {
  readonly #seen: Map<string, WorkerTensors> = new Map();
  readonly #listeners: TensorsListeners;

  constructor(listeners: TensorsListeners) {
    this.#listeners = listeners;
  }

  add(tensors: WorkerTensors): void {
    const key = JSON.stringify(tensors);
    if (this.#seen.has(key) || this.#seen.size >= MOST) return;
    this.#seen.set(key, tensors);
    this.#listeners.print(sayTensors(tensors));
    this.tell();
  }

  /** Also to a scheduler that is new. */
  tell(): void {
    if (this.#seen.size > 0) this.#listeners.tell([...this.#seen.values()]);
  }
}

const PLACES: Readonly<Record<WorkerTensors["where"], string>> = {
  thread: "threads",
  process: "processes without a GPU",
  gpu: "processes with a GPU",
};

/** `tensors in processes with a GPU: node-gpu on NVIDIA H200 (tfjs 4.22.0)`; and why none of the better ones. */
export function sayTensors({ where, backend, versions, device, passedOver }: WorkerTensors): string {
  const place = device === null ? "" : ` on ${device}`;
  const of = versions.length === 0 ? "" : ` (${versions.join(", ")})`;
  const others = passedOver.map((other) => `${other.backend}: ${other.why}`);
  return `tensors in ${PLACES[where]}: ${backend}${place}${of}${others.length === 0 ? "" : `; passed over: ${others.join("; ")}`}`;
}
