// What TensorFlow.js on a worker is to the rest of Taskflock.
import type * as tf from "@tensorflow/tfjs";

/** The module `@tensorflow/tfjs`, whichever copy of it was found. */
export type TensorFlow = typeof tf;

/** Ways to compute with tensors, the best first: the order in which they are tried. */
export const tensorBackends = ["node-gpu", "node", "webgpu", "wasm", "cpu"] as const;

export type TensorBackend = (typeof tensorBackends)[number];

/** A backend that was tried before the chosen one, and why it does not serve here. */
export interface PassedOver {
  readonly backend: TensorBackend;
  readonly why: string;
}

/** What was chosen, as plain data: for worker details and logs. */
export interface TensorChoice {
  readonly backend: TensorBackend;
  /** Versions of what it stands on, such as `{ tfjs: "4.22.0", tensorflow: "2.21.0" }`. */
  readonly versions: Readonly<Record<string, string>>;
  /** Name of the device that computes, such as "NVIDIA H200"; null when it is the CPU. */
  readonly device: string | null;
  readonly passedOver: readonly PassedOver[];
}

export interface Tensors extends TensorChoice {
  readonly tf: TensorFlow;
}

export interface LoadTensorsOptions {
  /** Only this one, or an error; default: TASKFLOCK_TENSOR_BACKEND, or the best that works. */
  readonly backend?: TensorBackend;
}
