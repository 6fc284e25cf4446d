// Trainings through a cluster: their epochs stream, they survive their workers, they stop, and what is wrong with them is said.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tfjs from "@tensorflow/tfjs";
import { type Client, csvLogger, type Epoch, InlineExecutor, LocalCluster, type TrainingResult } from "taskflock";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { appears, four, inEpochThree, killWorker, losses, rows } from "./training-models.ts";

type TensorFlow = typeof tfjs;
const tf = createRequire(import.meta.url)("@tensorflow/tfjs") as TensorFlow;

let cluster: LocalCluster;
let client: Client;
let folder: string;
/** Undisturbed. */
let whole: TrainingResult;
const streamed: Epoch[] = [];
let flags = 0;
const newFlag = (): string => join(folder, `flag-${++flags}`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskflock-training-"));
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
  const run = client.train(four);
  for await (const epoch of run) streamed.push(epoch);
  whole = await run.result();
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What was being written when a training was cancelled is removed by its task, a moment later. */
async function nothingKept(): Promise<void> {
  await vi.waitFor(
    async () => {
      const names = (await client.datasets()).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith("training/"))).toEqual([]);
    },
    { timeout: 30_000, interval: 20 },
  );
}

describe("a training", () => {
  test("streams its epochs to each reader from the first, and gives the best model", async () => {
    expect(streamed.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    expect(whole.history).toEqual(streamed);
    expect(streamed[0]?.logs).toEqual({
      ...{ loss: expect.any(Number), valLoss: expect.any(Number), learningRate: expect.closeTo(0.05) },
      ...{ f1: expect.any(Number), valF1: expect.any(Number) },
    });
    const least = Math.min(...streamed.map(({ logs }) => logs["valLoss"] ?? Number.NaN));
    expect(whole.best?.logs["valLoss"]).toBe(least);
    expect(whole).toMatchObject({ stopReason: null, seed: 7, backend: { backend: "cpu" } });
    await nothingKept();
  });

  test("is the same in this process, and tells its epochs while it runs", async () => {
    const run = new InlineExecutor().train({ ...four, checkpoints: false });
    const seen: string[] = [];
    for await (const { epoch } of run) seen.push(`${epoch} ${run.status} ${run.done}/${run.total}`);
    expect(seen[0]).toMatch(/^1 running [1-4]\/4$/);
    expect(losses((await run.result()).history)).toEqual(losses(whole.history));
    // A program keeps the backend that it has loaded: only processes of workers change theirs.
    const best = new InlineExecutor().train({ model: four.model, params: { units: 2 }, data: rows, epochs: 1 });
    expect((await best.result()).backend.backend).toBe("cpu");
  });

  test("gives a model that predicts, is saved, opened and shown", async () => {
    const { model } = whole;
    const predicted = await model.predict(rows.x, { tf });
    expect(predicted.shape).toEqual([120, 1]);
    const right = rows.y.filter(([label], row) => Math.round(predicted.data[row] ?? 0) === label);
    expect(right.length).toBeGreaterThan(80);
    await model.save(join(folder, "model"));
    const { TrainedModel } = await import("taskflock");
    const again = await TrainedModel.open(join(folder, "model"));
    expect((await again.predict(rows.x, { tf })).data).toEqual(predicted.data);
    expect(await model.summary(tf)).toContain("Total params: 37");
    await expect(model.predict([[1, 2]], { tf })).rejects.toMatchObject({ code: "FLOCK_ML_INPUT" });
  });

  test("takes futures, and a function that loads the data on the worker", async () => {
    const data = await client.scatter(rows);
    const ofFuture = await client.train({ ...four, data }).result();
    const x = client.submit((r: typeof rows) => r.x, [data]);
    const ofParts = await client.train({ ...four, data: { x, y: rows.y } }).result();
    const loaded = await client.train({ ...four, data: () => rows }).result();
    for (const { history } of [ofFuture, ofParts, loaded]) expect(losses(history)).toEqual(losses(whole.history));
  });

  test("computes with the backend that it asks for, whatever an earlier one had in the same process", async () => {
    const workers = [whole.history[0]?.worker ?? ""];
    for (const backend of ["wasm", "cpu"] as const) {
      const result = await client.train({ ...four, backend, workers, checkpoints: false }).result();
      expect(result.backend.backend).toBe(backend);
      const loss = result.history.map(({ logs }) => logs["loss"] ?? Number.NaN);
      for (const [i, { logs }] of whole.history.entries()) expect(loss[i]).toBeCloseTo(logs["loss"] ?? Number.NaN, 4);
    }
  });

  test("runs beside another on the other worker", async () => {
    const runs = [1, 2].map(() => client.train({ ...four, name: "twin", epochs: 2 }));
    const results = await Promise.all(runs.map((run) => run.result()));
    for (const { history } of results) expect(losses(history)).toEqual(losses(whole.history.slice(0, 2)));
    expect((await client.runs()).filter(({ name }) => name === "twin").map(({ stepsDone }) => stepsDone)).toEqual([
      2, 2,
    ]);
  });
});

describe("a training whose place is lost in epoch 3 of 4", () => {
  function goesOn({ history }: TrainingResult): void {
    expect(losses(history)).toEqual(losses(whole.history));
    expect(history.map(({ resumed }) => resumed > 0)).toEqual([false, false, true, true]);
  }

  test("goes on in another process when its own is killed", async () => {
    const run = client.train({ ...four, callbacks: [inEpochThree(newFlag(), "die")] });
    goesOn(await run.result());
  });

  test("goes on at another worker when its worker is killed", async () => {
    const flag = newFlag();
    const run = client.train({ ...four, callbacks: [inEpochThree(flag, "hang")] });
    const epochs: Epoch[] = [];
    const reader = (async () => {
      for await (const epoch of run) epochs.push(epoch);
    })();
    await appears(flag);
    await expect.poll(() => epochs.length, { timeout: 20_000 }).toBe(2);
    await killWorker(client, epochs[0]?.worker);
    const result = await run.result();
    await reader;
    goesOn(result);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    await client.waitForWorkers(2);
  });

  test("begins anew when all workers are gone, with its data and checkpoints", async () => {
    const data = { x: [...rows.x, ...rows.x, ...rows.x], y: [...rows.y, ...rows.y, ...rows.y] };
    const undisturbed = await client.train({ ...four, data }).result();
    const flag = newFlag();
    const run = client.train({ ...four, data, callbacks: [inEpochThree(flag, "hang")] });
    await appears(flag);
    for (const { pid } of await client.workers()) process.kill(pid, "SIGKILL");
    const { history } = await run.result();
    expect(losses(history)).toEqual(losses(undisturbed.history));
    await client.waitForWorkers(2);
    await nothingKept();
  });

  test("leaves a worker that retires, from where it is, at the price of no failure", async () => {
    const flag = newFlag();
    const run = client.train({ ...four, callbacks: [inEpochThree(flag, "linger")], allowedFailures: 0 });
    const first = await run[Symbol.asyncIterator]().next();
    await appears(flag);
    const [retired] = await client.retireWorkers([(first.value as Epoch).worker]);
    const result = await run.result();
    goesOn(result);
    expect(result.history[3]?.worker).not.toBe(retired?.name);
    await cluster.scale(2);
    await nothingKept();
  });

  test("that would lose all its work ends where it is: the worker that retires waits", async () => {
    const flag = newFlag();
    const run = client.train({ ...four, callbacks: [inEpochThree(flag, "linger")], checkpoints: false });
    const first = await run[Symbol.asyncIterator]().next();
    await appears(flag);
    const { worker } = first.value as Epoch;
    await client.retireWorkers([worker]);
    const { history } = await run.result();
    expect(losses(history)).toEqual(losses(whole.history));
    expect(history.map((epoch) => `${epoch.worker} ${epoch.resumed}`)).toEqual(Array(4).fill(`${worker} 0`));
    await expect(run.checkpoint()).rejects.toMatchObject({ code: "FLOCK_TRAINING_OVER" });
    await cluster.scale(2);
  });
});

describe("a running training", () => {
  /** Without an end. */
  const endless = { ...four, epochs: 1_000_000 };

  test("writes a checkpoint when it is asked to, and stops after its batch with the best so far", async () => {
    const run = client.train({ ...endless, checkpointEveryEpochs: 1_000_000 });
    await run[Symbol.asyncIterator]().next();
    const info = await run.checkpoint();
    expect(info).toMatchObject({ where: expect.stringContaining("dataset training/"), epoch: expect.any(Number) });
    await run.stop();
    expect(run.status).toBe("stopped");
    const { stopReason, history, best, checkpoint } = await run.result();
    expect(stopReason).toBe("stopped by the client");
    expect(history.length).toBeGreaterThanOrEqual(info.epoch);
    expect(losses(history.slice(0, 4))).toEqual(losses(whole.history.slice(0, history.length)));
    expect(best?.best).toBe(true);
    await expect(run.checkpoint()).rejects.toMatchObject({ code: "FLOCK_TRAINING_OVER" });
    await run.stop();

    const epochs = history.length + 2;
    const more = await client.train({ ...four, epochs, resumeFrom: checkpoint }).result();
    const straight = await client.train({ ...four, epochs }).result();
    expect(losses(more.history)).toEqual(losses(straight.history));
    await nothingKept();
  });

  test("is cancelled with all that it has", async () => {
    const run = client.train(endless);
    const readers = [1, 2].map(async () => {
      for await (const { epoch } of run) if (epoch === 2) await run.cancel("enough");
    });
    await Promise.all(readers);
    await expect(run.result()).rejects.toMatchObject({
      code: "FLOCK_CANCELLED",
      message: expect.stringContaining("enough"),
    });
    expect(run.status).toBe("cancelled");
    await nothingKept();
  });

  test("that has not begun is stopped like one that is cancelled", async () => {
    const run = client.train({ ...endless, resources: { TPU: 1 }, checkpoints: false });
    await expect(run.checkpoint()).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    await run.stop();
    expect(run.status).toBe("stopped");
    await expect(run.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
  });
});

function broken(): tfjs.LayersModel {
  throw new RangeError("no such layer");
}

function notCompiled(_params: object, { layers, sequential }: TensorFlow): tfjs.LayersModel {
  return sequential({ layers: [layers.dense({ units: 1, inputShape: [4] })] });
}

function wild(params: object, flow: TensorFlow): tfjs.LayersModel {
  const model = notCompiled(params, flow);
  model.compile({ optimizer: flow.train.sgd(1e30), loss: "meanSquaredError" });
  return model;
}

describe("what is wrong with a training is said", () => {
  const fails = (options: Partial<typeof four>): Promise<unknown> =>
    client
      .train({ ...four, ...options })
      .result()
      .catch((error: unknown) => error);

  test("by its model", async () => {
    const thrown = (await fails({ model: broken })) as Error;
    expect(thrown).toMatchObject({ name: "RangeError", message: "no such layer" });
    expect(thrown.stack).toMatch(/training\.test\.ts/);
    expect(await fails({ model: notCompiled })).toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    expect(await fails({ model: wild })).toMatchObject({ code: "FLOCK_LOSS_NOT_FINITE" });
  });

  test("by its data", async () => {
    expect(await fails({ data: { x: [[1], [2]], y: [1, 0] } })).toMatchObject({
      ...{ code: "FLOCK_ML_INPUT", message: expect.stringContaining("[1, 1]") },
    });
    expect(await fails({ data: () => ({ x: [1], y: [1, 2] }) })).toMatchObject({ code: "FLOCK_ML_INPUT" });
    expect(await fails({ data: () => Promise.reject(new Error("no such table")) })).toMatchObject({
      message: "no such table",
    });
  });

  test("by its options, at once", () => {
    const refused = (options: object, code: string, text: string): void =>
      expect(() => client.train({ ...four, ...options })).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    refused({ epoch: 3 }, "FLOCK_OPTION_INVALID", 'no option "epoch"');
    refused({ batch_size: 3 }, "FLOCK_OPTION_INVALID", "Did you mean batchSize?");
    refused({ callbacks: [{}] }, "FLOCK_OPTION_INVALID", "callbacks[0] is no callback");
    refused({ callbacks: [csvLogger("log.csv")] }, "FLOCK_OPTION_INVALID", "callbacks[0], csvLogger, writes files");
    refused({ epochs: 0 }, "FLOCK_OPTION_INVALID", "a whole number from 1 up, not 0");
    refused({ monitor: "valAuc" }, "FLOCK_OPTION_INVALID", "there will be: loss, f1, valLoss, valF1");
    refused({ metrics: ["f3"] }, "FLOCK_ML_SCORER", "f3");
    refused({ resumeFrom: true }, "FLOCK_OPTION_INVALID", "takes a folder");
    refused({ priority: "high" }, "FLOCK_OPTION_INVALID", "priority takes a whole number");
    refused({ resources: { GPU: "1" } }, "FLOCK_OPTION_INVALID", "resources takes an object of amounts");
    refused({ validationData: rows }, "FLOCK_OPTION_INVALID", "exclude each other");
    refused({ model: { layers: [] } }, "FLOCK_OPTION_INVALID", "model takes a function");
    refused({ data: { x: [[1, 2], [3]], y: [1, 1] } }, "FLOCK_ML_INPUT", "data.x[1] has 1 values");
    refused({ data: { x: [[1, Number.NaN]], y: [1] } }, "FLOCK_ML_INPUT", "data.x[0][1] is NaN");
    refused({ data: { x: rows.x, y: [1] } }, "FLOCK_ML_INPUT", "data.x has 120 rows and data.y has 1");
    refused({ data: "rows.csv" }, "FLOCK_ML_INPUT", "data is a string");
  });
});
