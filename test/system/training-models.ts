// Models, data and callbacks of the tests of trainings. An epoch takes some hundredths of a second.

import { existsSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type * as tfjs from "@tensorflow/tfjs";
import type { CallbackHooks, Client, Epoch, TrainOptions } from "taskflock";

interface NetParams {
  readonly units: number;
}

/** With the TensorFlow.js of the worker: under Vitest an imported one would travel as a program of its own. */
export function net({ units }: NetParams, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units, inputShape: [4], activation: "tanh" }));
  model.add(tf.layers.dropout({ rate: 0.2 }));
  model.add(tf.layers.dense({ units: 1, activation: "sigmoid" }));
  model.compile({ optimizer: tf.train.adam(0.05), loss: "binaryCrossentropy" });
  return model;
}

const x = Array.from({ length: 120 }, (_, i) => [0, 1, 2, 3].map((j) => Math.sin(i * 7.3 + j * 3.1)));
const y = x.map(([a = 0, b = 0]) => [a + b > 0 ? 1 : 0]);
export const rows: { readonly x: number[][]; readonly y: number[][] } = { x, y };

/** Four epochs with dropout, on the plain CPU backend: the same losses wherever and however they are computed. */
export const four: TrainOptions<NetParams> = {
  ...{ model: net, params: { units: 6 }, data: rows, validationSplit: 0.25 },
  ...{ epochs: 4, batchSize: 16, seed: 7, metrics: ["f1"], backend: "cpu" },
};

export function losses(history: readonly Epoch[]): unknown[] {
  return history.map(({ epoch, logs }) => ({ epoch, ...logs }));
}

/** At the third batch of epoch 3, in its first life, it says so by a file and does what `then` says. */
export function inEpochThree(
  flag: string,
  then: "hang" | "linger" | "die",
): CallbackHooks<{ epoch: number; batches: number }> {
  return {
    name: "inEpochThree",
    start: () => ({ epoch: 0, batches: 0 }),
    onEpochBegin: (epoch, state) => {
      state.epoch = epoch;
      state.batches = 0;
    },
    onBatchEnd: async (_step, _logs, state, { resumed }) => {
      state.batches++;
      if (state.epoch !== 3 || state.batches < 3 || resumed > 0) return;
      if (then !== "linger" && existsSync(flag)) return; // it has begun anew
      if (state.batches === 3) writeFileSync(flag, "");
      if (then === "die") process.kill(process.pid, "SIGKILL");
      if (then === "hang") await new Promise(() => {});
      // Until the worker retires, which is looked at between two batches.
      await new Promise((resolve) => setTimeout(resolve, 300));
    },
  };
}

/** Resolves when the file is there. */
export async function appears(file: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file)) done();
    });
    const done = (): void => {
      watcher.close();
      resolve();
    };
    if (existsSync(file)) done();
  });
}

/** Kills (-9) the worker of that name. Throws when there is none: a process must not kill itself. */
export async function killWorker(client: Client, name: string | undefined): Promise<void> {
  const workers = await client.workers();
  const found = workers.find((worker) => worker.name === name);
  if (found === undefined) throw new Error(`no worker ${name} among ${workers.map((worker) => worker.name)}`);
  process.kill(found.pid, "SIGKILL");
}
