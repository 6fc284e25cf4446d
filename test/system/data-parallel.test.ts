// Trainings by several workers at the same time, some of which are killed in the middle.

import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type * as tfjs from "@tensorflow/tfjs";
import {
  type CallbackHooks,
  Client,
  type Epoch,
  InlineExecutor,
  type TrainingResult,
  type TrainOptions,
} from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, startRole } from "./processes.ts";

let folder: string;
let scheduler: Role;
let client: Client;
const workers: Map<string, Role> = new Map();
let started = 0;

/** One slot, and nobody who would start it again. */
async function worker(): Promise<string> {
  const name = `w${++started}`;
  const flags = ["--threads", "1", "--no-nanny", "--log-level", "silent", "--token-file", scheduler.ready.tokenFile];
  workers.set(name, await startRole(["worker", scheduler.ready.address, "--name", name, ...flags]));
  return name;
}

/** With the TensorFlow.js of the worker: under Vitest an imported one would travel as a program of its own. */
function net(_: object, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units: 6, inputShape: [4], activation: "tanh" }));
  model.add(tf.layers.dense({ units: 1, activation: "sigmoid" }));
  model.compile({ optimizer: tf.train.adam(0.05), loss: "binaryCrossentropy" });
  return model;
}

const x = Array.from({ length: 150 }, (_, i) => [0, 1, 2, 3].map((j) => Math.sin(i * 7.3 + j * 3.1)));
const y = x.map(([a = 0, b = 0]) => [a + b > 0 ? 1 : 0]);

/** 14 epochs of four batches, the last of which three members cannot share equally: 56 steps. */
const plan: TrainOptions<object> = {
  ...{ model: net, params: {}, data: { x, y }, validationSplit: 1 / 3 },
  ...{ epochs: 14, batchSize: 28, seed: 7, metrics: ["f1"], backend: "cpu" },
};
/** Six epochs. */
const short: TrainOptions<object> = { ...plan, epochs: 6, workers: 3 };

let alone: TrainingResult;
let together: TrainingResult;
let undisturbed: TrainingResult;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-parallel-"));
  scheduler = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "silent"]);
  await Promise.all([worker(), worker(), worker()]);
  client = await Client.connect(scheduler.ready.address, { tokenFile: scheduler.ready.tokenFile, logs: "ignore" });
  alone = await client.train(plan).result();
  together = await client.train({ ...plan, workers: 3 }).result();
  undisturbed = await client.train(short).result();
});
afterAll(async () => {
  await client?.close();
  await Promise.all([...workers.values()].map((role) => role.stop()));
  await scheduler?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function figures({ history }: TrainingResult): Record<string, number>[] {
  return history.map(({ epoch, logs }) => ({ epoch, ...logs }));
}

function weights({ model }: TrainingResult): Float32Array {
  return new Float32Array(model.artifact.weightData.slice().buffer);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, within: number): void {
  expect(actual.length).toBe(expected.length);
  const apart = Array.from(expected, (value, i) => Math.abs(value - actual[i]!));
  expect(Math.max(...apart)).toBeLessThanOrEqual(within);
}

function expectCloseFigures(actual: TrainingResult, expected: TrainingResult): void {
  const [own, other] = [figures(actual), figures(expected)];
  expect(own.map(Object.keys)).toEqual(other.map(Object.keys));
  expectClose(own.flatMap(Object.values), other.flatMap(Object.values), 1e-4);
}

/** In the middle of epoch 3, in the first formation: writes the name of the leading worker to `flag`, and waits for `flag`.go. */
function pauseInEpochThree(flag: string): CallbackHooks<{ epoch: number; batches: number }> {
  return {
    name: "pause",
    start: () => ({ epoch: 0, batches: 0 }),
    onEpochBegin: (epoch, state) => {
      state.epoch = epoch;
      state.batches = 0;
    },
    onBatchEnd: async (_step, _logs, state, { resumed, worker }) => {
      if (state.epoch !== 3 || ++state.batches !== 2 || resumed > 0) return;
      writeFileSync(`${flag}.new`, worker);
      renameSync(`${flag}.new`, flag);
      while (!existsSync(`${flag}.go`)) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

let flags = 0;

async function appears(file: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file) && existsSync(file)) done();
    });
    const done = (): void => {
      watcher.close();
      resolve();
    };
    if (existsSync(file)) done();
  });
}

/** Runs the training, and `disturb`s it in its third epoch. */
async function disturbed(
  options: TrainOptions<object>,
  disturb: (leader: string, followers: readonly string[]) => Promise<void>,
): Promise<TrainingResult> {
  const flag = join(folder, `flag-${++flags}`);
  const busy = async (): Promise<string[]> =>
    (await client.workers()).filter(({ running }) => running > 0).map(({ name }) => name);
  const run = client.train({ ...options, callbacks: [pauseInEpochThree(flag)] });
  const streamed: Epoch[] = [];
  const reading = (async () => {
    for await (const epoch of run) streamed.push(epoch);
  })();
  try {
    await Promise.race([appears(flag), run.result()]);
    const leader = readFileSync(flag, "utf8");
    const followers = (await busy()).filter((name) => name !== leader);
    await disturb(leader, followers);
    writeFileSync(`${flag}.go`, "");
    const result = await run.result();
    await reading;
    expect(streamed.map(({ epoch }) => epoch)).toEqual(result.history.map(({ epoch }) => epoch));
    return result;
  } finally {
    await run.cancel();
  }
}

async function kill(name: string): Promise<void> {
  const role = workers.get(name)!;
  workers.delete(name);
  role.child.kill("SIGKILL");
  await role.stop();
}

/** No task runs or waits. */
async function allFree(): Promise<void> {
  const slots = (await client.workers()).length;
  const held = Array.from({ length: slots }, (_, i) => client.submit((n: number) => n, [i]));
  expect(await client.gather(held)).toEqual(Array.from({ length: slots }, (_, i) => i));
}

describe("a training by three workers", () => {
  test("equals that of one process within 1e-5 after 56 steps, figures of all rows included", () => {
    expectClose(weights(together), weights(alone), 1e-5);
    expectCloseFigures(together, alone);
    expect(together.best?.epoch).toBe(alone.best?.epoch);
  });

  test("is the same to the last bit each time", () => {
    expect(figures(undisturbed)).toEqual(figures(together).slice(0, 6));
  });

  test("is stopped, and goes on from its checkpoint in one process", async () => {
    const run = client.train({ ...plan, workers: 3, epochs: 1000 });
    for await (const { epoch } of run) if (epoch === 2) break;
    const checkpoint = await run.checkpoint();
    expect(checkpoint.epoch).toBeGreaterThanOrEqual(2);
    await run.stop();
    const { checkpoint: resumeFrom, stopReason, history } = await run.result();
    expect(stopReason).toBe("stopped by the client");
    const rest = await client.train({ ...plan, resumeFrom, epochs: history.length + 1 }).result();
    expect(rest.history.length).toBe(history.length + 1);
    await allFree();
  });

  test("is cancelled with all of its members", async () => {
    const run = client.train({ ...plan, workers: 3, epochs: 1000 });
    for await (const _ of run) break;
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    await allFree();
  });

  test("ends with the error of the model, not with that of the others", async () => {
    const bad = client.train({ ...plan, workers: 2, model: () => ({}) as tfjs.LayersModel });
    await expect(bad.result()).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    await allFree();
  });

  test("waits for slots, and says after noWorkerTimeoutMs how many there are", async () => {
    const run = client.train({ ...plan, workers: 5, noWorkerTimeoutMs: 1500 });
    await expect(run.result()).rejects.toMatchObject({
      code: "FLOCK_NO_WORKER_TIMEOUT",
      message: expect.stringContaining("Of the 5 tasks that have to run at the same time, 3 had a slot after 1500 ms."),
    });
    await allFree();
  });

  test("begins with fewer where fewer are enough", async () => {
    const result = await client.train({ ...short, workers: 5, minWorkers: 2, minWorkersAfterMs: 500 }).result();
    expectCloseFigures(result, undisturbed);
  });

  test("refuses options that do not go together", () => {
    expect(() => client.train({ ...plan, workers: 2, minWorkers: 3 })).toThrow("minWorkers is 3, and workers 2");
    expect(() => client.train({ ...plan, workers: 0 })).toThrow("how many train together");
    expect(() => new InlineExecutor().train({ ...plan, workers: 2 })).toThrow("takes a cluster");
  });
});

describe("a training that loses a worker by kill -9 in epoch 3", () => {
  test.each(["that follows", "that leads"])(
    "%s, forms again with another one, and ends as if nothing had been",
    async (who) => {
      const result = await disturbed(short, async (leader, [follower]) => {
        await Promise.all([worker(), kill(who === "that leads" ? leader : follower!)]);
      });
      expect(figures(result)).toEqual(figures(undisturbed));
      expect(result.history.at(-1)?.resumed).toBe(1);
    },
  );

  test("goes on with two where two are enough", async () => {
    const result = await disturbed({ ...short, minWorkers: 2, minWorkersAfterMs: 500 }, (_, [follower]) =>
      kill(follower!),
    );
    expectCloseFigures(result, undisturbed);
    expect(result.history.at(-1)?.resumed).toBe(1);
    await worker();
  });

  test("or only the process of a member's slot, takes another process", async () => {
    const dies: CallbackHooks<null> = {
      name: "dies",
      onEpochBegin: (epoch, _, { resumed }) => {
        if (epoch === 3 && resumed === 0) process.kill(process.pid, "SIGKILL");
      },
    };
    const result = await client.train({ ...short, callbacks: [dies] }).result();
    expect(figures(result)).toEqual(figures(undisturbed));
    expect(result.history.map(({ resumed }) => resumed)).toEqual([0, 0, 1, 1, 1, 1]);
  });
});

test("a worker that retires lets its member go on elsewhere", async () => {
  const result = await disturbed(short, async (_, [follower]) => {
    await worker();
    void client.retireWorkers([follower!]).then(() => workers.delete(follower!));
  });
  expect(figures(result)).toEqual(figures(undisturbed));
  expect(result.history.at(-1)?.resumed).toBe(1);
  await allFree();
});
