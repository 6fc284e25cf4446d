// Searches over trainings, in this process: winners go on from their checkpoints, losers are left, failures cost their score.

import type * as tfjs from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, vi } from "vitest";
import {
  choice,
  type Epoch,
  earlyStopping,
  InlineExecutor,
  logUniform,
  type TrainingTrialEvent,
  training,
} from "../../src/index.ts";

interface NetParams {
  readonly units: number;
  readonly rate: number;
}

function net({ units, rate }: NetParams, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units, inputShape: [3], activation: "tanh" }));
  model.add(tf.layers.dropout({ rate: 0.1 }));
  model.add(tf.layers.dense({ units: 1, activation: "sigmoid" }));
  model.compile({ optimizer: tf.train.sgd(rate), loss: "meanSquaredError" });
  return model;
}

/** Its loss leaves all numbers at once. */
function wild({ rate }: NetParams, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
  model.compile({ optimizer: tf.train.sgd(rate), loss: "meanSquaredError" });
  return model;
}

const x = Array.from({ length: 60 }, (_, i) => [0, 1, 2].map((j) => Math.sin(i * 7.3 + j * 3.1)));
const data = { x, y: x.map(([a = 0, b = 0]) => [a + b > 0 ? 1 : 0]) };
const params: NetParams = { units: 4, rate: 0.1 };
const spec = { model: net, params, batchSize: 10, seed: 3, metrics: ["f1"], backend: "cpu" } as const;
const common = { estimator: training({ ...spec, epochs: 9 }), data, validationSplit: 0.25 };
const warnings: string[] = [];
const executor = new InlineExecutor({ onWarning: (text) => warnings.push(text) });
const rates = [0.001, 0.01, 0.1, 0.3, 1, 3];

// Tasks of this process log to its console.
beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

async function eventsOf<E>(search: AsyncIterable<E>): Promise<E[]> {
  const all: E[] = [];
  for await (const event of search) all.push(event);
  return all;
}
const losses = (history: readonly Epoch[]): unknown[] => history.map(({ epoch, logs }) => ({ epoch, ...logs }));

describe("halvingSearch over trainings", () => {
  it("trains losers no further, and winners as if they had never been interrupted", async () => {
    const search = executor.halvingSearch({ ...common, params: { rate: rates } });
    expect(search.brackets).toEqual([
      {
        bracket: 0,
        rungs: [
          { candidates: 6, resources: 3 },
          { candidates: 2, resources: 9 },
        ],
      },
    ]);
    const events = await eventsOf(search);
    expect(events.map(({ epochs }) => epochs)).toEqual([3, 3, 3, 3, 3, 3, 9, 9]);
    const first = events.slice(0, 6).map(({ trial, score }) => ({ trial, score }));
    const winners = first.sort((a, b) => a.score - b.score).slice(0, 2);
    expect(
      events
        .slice(6)
        .map(({ trial }) => trial)
        .sort(),
    ).toEqual(winners.map(({ trial }) => trial).sort());

    const found = await search.result();
    expect(found.bestScore).toBe(Math.min(...found.cvResults.testScore));
    expect(found.cvResults.rankTestScore[found.bestIndex]).toBe(1);
    const run = executor.train({
      ...spec,
      params: { ...params, ...found.bestParams },
      epochs: 9,
      data,
      validationSplit: 0.25,
    });
    const straight = await run.result();
    expect(losses(found.bestHistory)).toEqual(losses(straight.history));
    expect(found.bestScore).toBe(straight.best?.logs["valLoss"]);
    expect(found.bestModel.artifact.weightData).toEqual(straight.model.artifact.weightData);
    expect(found.bestHistory.filter(({ resumed }) => resumed === 0)).toHaveLength(3);
  });

  it("has a table of rungs", async () => {
    const search = executor.halvingSearch({ ...common, params: { rate: rates, units: [2] }, maxResources: 3 });
    const { cvResults, bestCheckpoint, bestHistory } = await search.result();
    expect(cvResults.iter).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    expect(cvResults.nResources).toEqual([1, 1, 1, 1, 1, 1, 3, 3]);
    expect(cvResults.epochs).toEqual(cvResults.nResources);
    expect(cvResults.paramRate?.slice(0, 6)).toEqual(rates);
    expect(cvResults.params[0]).toEqual({ rate: 0.001, units: 2 });
    expect(cvResults.bestEpoch.slice(0, 6)).toEqual([1, 1, 1, 1, 1, 1]);
    const more = { ...spec, params: { units: 2, rate: 0.1 }, epochs: 4, data, validationSplit: 0.25 };
    const gone = await executor.train({ ...more, resumeFrom: bestCheckpoint }).result();
    expect(losses(gone.history.slice(0, 3))).toEqual(losses(bestHistory));
  });

  it("trains one that has stopped by itself no further, but lets it win", async () => {
    const stops = training({
      ...spec,
      epochs: 9,
      callbacks: [earlyStopping({ monitor: "loss", patience: 0, minDelta: 100 })],
    });
    const events = await eventsOf(
      executor.halvingSearch({ ...common, estimator: stops, params: { rate: [0.1, 0.3, 1] } }),
    );
    expect(events).toHaveLength(4);
    const last = events.at(-1) as (typeof events)[number];
    expect(last).toMatchObject({ resources: 9, epochs: 2, stopReason: expect.stringContaining("loss"), seconds: 0 });
  });

  it("scores a training that fails as errorScore says", async () => {
    const fails = { ...common, estimator: training({ ...spec, model: wild, epochs: 3 }) };
    warnings.length = 0;
    const search = executor.halvingSearch({ ...fails, params: { rate: [1e-3, 1e30, 1e-2] } });
    const events = await eventsOf(search);
    expect(events[1]).toMatchObject({
      trial: 1,
      score: Number.NaN,
      epochs: 0,
      error: expect.stringContaining("The loss became"),
    });
    expect((await search.result()).bestParams.rate).toBeLessThan(1);
    expect(warnings[0]).toMatch(/^Trial 1 up to epoch 1 failed, its score is NaN: /);
    const raised = executor.gridSearch({ ...fails, params: { rate: [1e30] }, errorScore: "raise" });
    await expect(raised.result()).rejects.toMatchObject({ code: "FLOCK_ML_FIT" });
  });
});

describe("other searches over trainings", () => {
  it("gridSearch gives each candidate all epochs; options of the training are searched, too", async () => {
    const estimator = training({ ...spec, epochs: 2, monitor: "valF1" });
    const search = executor.gridSearch({ ...common, estimator, params: { batchSize: [5, 15], units: [2, 5] } });
    const events = await eventsOf(search);
    expect(events.map((event) => event.epochs)).toEqual([2, 2, 2, 2]);
    const { bestScore, bestModel, bestParams } = await search.result();
    expect(bestScore).toBe(Math.max(...events.map(({ score }) => score)));
    const again = {
      ...spec,
      params: { ...params, units: bestParams.units ?? 0 },
      batchSize: bestParams.batchSize ?? 0,
    };
    const run = executor.train({ ...again, epochs: 2, monitor: "valF1", data, validationSplit: 0.25 });
    expect(bestModel.artifact.weightData).toEqual((await run.result()).model.artifact.weightData);
  });

  it("randomSearch draws, with one seed for all trainings", async () => {
    const search = executor.randomSearch({
      ...{ ...common, estimator: training({ ...spec, epochs: 1 }), nIter: 3, seed: 8 },
      params: { rate: logUniform(1e-3, 1), batchSize: choice([10, 20]) },
    });
    const { cvResults } = await search.result();
    expect(cvResults.params).toHaveLength(3);
    expect(new Set(cvResults.params.map(({ rate }) => rate)).size).toBe(3);
  });

  it("hyperbandSearch runs its brackets side by side", async () => {
    const estimator = training({ ...spec, epochs: 4 });
    const search = executor.hyperbandSearch({
      ...common,
      estimator,
      params: { rate: logUniform(1e-3, 3) },
      factor: 2,
      seed: 2,
    });
    const events = await eventsOf(search);
    const most = new Map<number, number>();
    for (const { bracket, epochs } of events) most.set(bracket, Math.max(epochs, most.get(bracket) ?? 0));
    expect([...most]).toEqual([
      [2, 4],
      [1, 4],
      [0, 4],
    ]);
    const { bestScore } = await search.result();
    expect(bestScore).toBe(Math.min(...events.map(({ score }) => score)));
  });

  it("stop with the best so far", async () => {
    const search = executor.halvingSearch({ ...common, params: { rate: rates } });
    for await (const { done } of search) if (done === 3) await search.stop();
    expect(search.status).toBe("stopped");
    const { cvResults, bestScore, bestModel } = await search.result();
    expect(cvResults.testScore.length).toBeGreaterThanOrEqual(3);
    expect(bestScore).toBe(Math.min(...cvResults.testScore));
    expect(bestModel.artifact.weightData.length).toBeGreaterThan(0);
  });

  it("refuse at once what cannot be", () => {
    const refused = (options: object, text: string, code = "FLOCK_OPTION_INVALID"): void =>
      expect(() => executor.halvingSearch({ ...common, params: { rate: rates }, ...options })).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    refused({ cv: 3 }, 'halvingSearch over trainings has no option "cv"');
    refused({ params: { depth: [1] } }, 'no parameter "depth". It has: batchSize', "FLOCK_ML_PARAMETER");
    refused({ params: { batchSize: [0] } }, "batchSize takes a whole number from 1 up, not 0");
    refused({ estimator: training({ ...spec, monitor: "auc" }) }, "there will be: loss, f1, valLoss");
    refused({ checkpoints: false }, "checkpoints must be a folder");
    refused({ data: { x: [[1]], y: [1, 2] } }, "data.x has 1 rows", "FLOCK_ML_INPUT");
    refused({ minResources: 20 }, "more than maxResources, 9");
  });

  it("know the types of parameters", () => {
    const search = executor.randomSearch({ ...common, params: { units: [1, 2], shuffle: [true] }, nIter: 1 });
    type Event = typeof search extends AsyncIterable<infer E> ? E : never;
    expectTypeOf<Event["params"]["rate"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Event>().toExtend<TrainingTrialEvent<NetParams>>();
    void search.cancel();
    // @ts-expect-error units are numbers
    expect(() => executor.gridSearch({ ...common, params: { units: ["many"], depth: [2] } })).toThrow();
  });
});
