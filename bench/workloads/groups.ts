// What tasks of a group send each other: one array added up, and the steps of a data parallel training.

import { joinGroup } from "taskflock";
import type { Bench, Once, Workload } from "../workload.ts";

const MIB = 1024 * 1024;
const ROUNDS = 5;

interface Reduced {
  readonly seconds: number;
  readonly sentBytes: number;
}

async function reduce(name: string, rank: number, bytes: number, rounds: number): Promise<Reduced> {
  const group = await joinGroup({ name, rank, size: 2 });
  const values = new Float32Array(bytes / 4).fill(rank + 1);
  await group.barrier();
  const before = group.traffic.sentBytes;
  const began = performance.now();
  let sum = new Float32Array(0);
  for (let round = 0; round < rounds; round++) sum = await group.allReduce(values);
  const seconds = (performance.now() - began) / 1000 / rounds;
  if (sum.some((value) => value !== 3)) throw new Error("wrong sums");
  const sentBytes = (group.traffic.sentBytes - before) / rounds;
  await group.close();
  return { seconds, sentBytes };
}

let groups = 0;

/** One member on each worker; what the first one says. */
async function together<R>(
  { client, workers }: Bench,
  member: (name: string, rank: number) => { readonly fn: (...args: never[]) => Promise<R>; readonly args: unknown[] },
  isolation: "thread" | "process",
): Promise<R> {
  const name = `bench ${process.pid} ${groups++}`;
  const futures = [0, 1].map((rank) => {
    const { fn, args } = member(name, rank);
    return client.submit(fn as (...given: unknown[]) => Promise<R>, args, { workers: [workers[rank]!], isolation });
  });
  const [first] = (await client.gather(futures)) as R[];
  client.release(futures);
  return first!;
}

export const allReduce: Workload = {
  facts: { bytes: 64 * MIB, members: 2, rounds: ROUNDS },
  start: (bench): Once => {
    return async () => {
      const member = (name: string, rank: number) => ({ fn: reduce, args: [name, rank, 64 * MIB, ROUNDS] });
      const { seconds, sentBytes } = await together(bench, member, "thread");
      return { mbPerSecond: (64 * MIB) / 1e6 / seconds, ms: seconds * 1000, sentMbPerMember: sentBytes / 1e6 };
    };
  },
};

const ROWS = 1024;
const BATCH = 128;
const FEATURES = 784;
const HIDDEN = 256;
const EPOCHS = 4;

interface Trained {
  readonly seconds: number;
  readonly steps: number;
  readonly sentBytes: number;
  readonly parameters: number;
}

/** The steps of a training, with the parts that `client.train({ workers })` puts together. */
async function trainMember(name: string, rank: number, size: number, shape: readonly number[]): Promise<Trained> {
  const { loadTensors } = await import("@taskflock/tensors");
  const { follow, LeadingTrainer, Trainer } = await import("@taskflock/ml/training");
  const [rows = 0, features = 0, hidden = 0, batchSize = 0, epochs = 0] = shape;
  const { tf } = await loadTensors();
  const x = Float32Array.from({ length: rows * features }, (_, i) => Math.sin(i));
  const y = Float32Array.from({ length: rows * 10 }, (_, i) => Number(Math.floor(i / 10) % 10 === i % 10));
  const plan = {
    model: () => {
      const model = tf.sequential();
      model.add(tf.layers.dense({ inputShape: [features], units: hidden, activation: "relu" }));
      model.add(tf.layers.dense({ units: 10, activation: "softmax" }));
      model.compile({ optimizer: "adam", loss: "categoricalCrossentropy" });
      return model;
    },
    ...{ params: {}, epochs, batchSize, shuffle: true, seed: 1, classWeight: null, metrics: [], callbacks: [] },
    ...{ monitor: "loss", mode: "min" as const },
  };
  const data = { x: { data: x, shape: [rows, features] }, y: { data: y, shape: [rows, 10] } };
  const none = (): Promise<never> => Promise.reject(new Error("There are no files."));
  const files = { read: none, write: none, append: none, list: none };
  const around = { worker: "", resumed: 0, shard: rank, log: () => {}, files };
  const trainer = await Trainer.create(tf, plan, data, null, around);
  const parameters = features * hidden + hidden + 10 * hidden + 10;
  const group = await joinGroup({ name, rank, size });
  if (rank > 0) {
    await follow(trainer, group);
    await group.close();
    return { seconds: 0, steps: 0, sentBytes: group.traffic.sentBytes, parameters };
  }
  const leading = await LeadingTrainer.lead(trainer, group);
  await leading.step(); // what is made once is not measured
  const before = group.traffic.sentBytes;
  const began = performance.now();
  let steps = 0;
  while (steps < trainer.steps * epochs - 1) {
    if (await leading.step()) steps++;
    else await leading.endEpoch();
  }
  const seconds = (performance.now() - began) / 1000;
  const sentBytes = group.traffic.sentBytes - before;
  await leading.end();
  await group.close();
  return { seconds, steps, sentBytes, parameters };
}

export const parallelTraining: Workload = {
  facts: { rows: ROWS, batchSize: BATCH, parameters: FEATURES * HIDDEN + HIDDEN + 10 * HIDDEN + 10, members: 2 },
  start: (bench): Once => {
    const shape = [ROWS, FEATURES, HIDDEN, BATCH, EPOCHS];
    return async () => {
      const one = `bench ${process.pid} alone ${groups++}`;
      const isolation = { isolation: "process" } as const;
      const alone = await bench.client.call(trainMember, [one, 0, 1, shape], isolation);
      const member = (name: string, rank: number) => ({ fn: trainMember, args: [name, rank, 2, shape] });
      const both = await together(bench, member, "process");
      return {
        stepsPerSecond: both.steps / both.seconds,
        sentBytesPerStep: both.sentBytes / both.steps,
        aloneStepsPerSecond: alone.steps / alone.seconds,
      };
    };
  },
};
