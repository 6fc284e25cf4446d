// Small trainings for the tests of the engine.
import * as tf from "@tensorflow/tfjs";
import { Trainer } from "../../src/training/trainer.ts";
import type { TrainerSurroundings, TrainingFiles, TrainingPlan, TrainingSet } from "../../src/training/types.ts";

export { tf };

/** What a training wrote, and its words. */
export interface Written {
  readonly lines: string[];
  readonly files: Map<string, Uint8Array>;
  /** Names as they were written, again and again. */
  readonly order: string[];
}

export function surroundings(written: Written = written0(), shard = 0): TrainerSurroundings {
  return { worker: "w1", resumed: 0, shard, log: (text) => void written.lines.push(text), files: files(written) };
}

export function written0(): Written {
  return { lines: [], files: new Map(), order: [] };
}

/** A storage in memory. */
export function files(written: Written): TrainingFiles {
  const put = async (name: string, bytes: Uint8Array) => {
    written.files.set(name, bytes.slice());
    written.order.push(name);
  };
  return {
    append: (name, bytes) => put(name, Buffer.concat([written.files.get(name) ?? Buffer.alloc(0), bytes])),
    write: put,
    read: async (name) => written.files.get(name) as Uint8Array,
    list: async (prefix = "") =>
      [...written.files]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { length }]) => ({ name, bytes: length })),
  };
}

/** Rows of four numbers, and three labels that depend on them; 22 rows, so that the last batch of 8 is partial. */
export function labelled(rows = 22, seed = 1): TrainingSet {
  const x = Float32Array.from({ length: rows * 4 }, (_, i) => Math.sin((i + 1) * seed * 1.7));
  const y = Float32Array.from({ length: rows * 3 }, (_, i) => {
    const [row, label] = [Math.floor(i / 3), i % 3];
    return Number((x[row * 4 + label] as number) + (x[row * 4 + label + 1] as number) > 0.2);
  });
  return { x: { data: x, shape: [rows, 4] }, y: { data: y, shape: [rows, 3] } };
}

/** Three one-hot classes. */
export function classed(rows = 22): TrainingSet {
  const { x } = labelled(rows);
  const y = new Float32Array(rows * 3);
  for (let row = 0; row < rows; row++) y[row * 3 + ((row * 7) % 3)] = 1;
  return { x, y: { data: y, shape: [rows, 3] } };
}

export interface NetOptions {
  readonly optimizer?: () => tf.Optimizer | string;
  readonly dropout?: number;
  readonly l2?: number;
  readonly batchNorm?: boolean;
  readonly loss?: string;
  readonly activation?: "sigmoid" | "softmax";
}

export function net(options: NetOptions = {}): () => tf.LayersModel {
  return () => {
    const model = tf.sequential();
    const regularizer = options.l2 === undefined ? {} : { kernelRegularizer: tf.regularizers.l2({ l2: options.l2 }) };
    model.add(tf.layers.dense({ inputShape: [4], units: 6, activation: "tanh", ...regularizer }));
    if (options.batchNorm) model.add(tf.layers.batchNormalization());
    if (options.dropout !== undefined) model.add(tf.layers.dropout({ rate: options.dropout }));
    model.add(tf.layers.dense({ units: 3, activation: options.activation ?? "sigmoid" }));
    const optimizer = options.optimizer?.() ?? tf.train.adam(0.01);
    model.compile({ optimizer, loss: options.loss ?? "binaryCrossentropy" });
    return model;
  };
}

export function plan(options: Partial<TrainingPlan> = {}): TrainingPlan {
  return {
    model: net({ dropout: 0.3 }),
    params: {},
    epochs: 3,
    batchSize: 8,
    shuffle: true,
    seed: 42,
    classWeight: null,
    metrics: [],
    callbacks: [],
    monitor: "valLoss",
    mode: "min",
    ...options,
  };
}

export function trainer(
  options: Partial<TrainingPlan> = {},
  data = labelled(),
  validation: TrainingSet | null = labelled(10, 2),
): Promise<Trainer> {
  return Trainer.create(tf, plan(options), data, validation, surroundings());
}

/** Runs it to its end; the losses of all batches and the figures of all epochs. */
export async function run(training: Trainer): Promise<number[][]> {
  while (!training.done) {
    while (await training.step());
    await training.endEpoch();
  }
  return training.history.map(({ logs }) => Object.values(logs));
}
