// What TensorFlow.js computes with in the slots of a worker: told to the scheduler, and printed, once for each that differs.
import type { WorkerTensors } from "@taskflock/protocol";

/** More do not differ in anything that helps. */
const MOST = 32;

export class TensorsTable {
  readonly #seen: Map<string, WorkerTensors> = new Map();

  get all(): readonly WorkerTensors[] {
    return [...this.#seen.values()];
  }

  /** False when it was told before. */
  add(tensors: WorkerTensors): boolean {
    const key = JSON.stringify(tensors);
    if (this.#seen.has(key) || this.#seen.size >= MOST) return false;
    this.#seen.set(key, tensors);
    return true;
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
