// What trainings, and searches over them, tell those who watch.

import type * as tfjs from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { TrainingDetails } from "../../src/details/training-details.ts";
import { type Epoch, earlyStopping, gridSearch, halvingSearch, training } from "../../src/index.ts";
import type { TrainingReport } from "../../src/training/run/report.ts";
import { TellingExecutor } from "../telling-executor.ts";

function net({ rate }: { readonly rate: number }, tf: typeof tfjs): tfjs.LayersModel {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3], activation: "sigmoid" })] });
  model.compile({ optimizer: tf.train.sgd(rate), loss: "meanSquaredError" });
  return model;
}

const x = Array.from({ length: 40 }, (_, i) => [0, 1, 2].map((j) => Math.sin(i * 7.3 + j * 3.1)));
const data = { x, y: x.map(([a = 0, b = 0]) => [a + b > 0 ? 1 : 0]) };
const params: { readonly rate: number } = { rate: 0.1 };
const spec = { model: net, params, batchSize: 10, seed: 3, metrics: ["f1"], backend: "cpu" } as const;

// Tasks of this process log to its console.
beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe("a training", () => {
  it("tells its model, each epoch as it ends, and how it ended", async () => {
    const executor = new TellingExecutor();
    const run = executor.train({ ...spec, epochs: 3, data, validationSplit: 0.25 });
    for await (const { epoch } of run) {
      // Both hear of an epoch in the same turn, or at its end.
      await Promise.resolve();
      expect(executor.of("epoch").length).toBeGreaterThanOrEqual(epoch);
    }
    const { history } = await run.result();
    expect(executor.refused).toEqual([]);
    expect(executor.told[0]).toEqual({
      ...{ e: "training", trial: -1, model: "net", parameters: 4, epochs: 3, samples: 30, workers: 1 },
    });
    expect(executor.of("epoch")).toEqual(
      history.map(({ epoch, seconds, best, logs: { learningRate, ...values } }) => ({
        ...{ e: "epoch", trial: -1, epoch, step: 3 * epoch, seconds, learningRate, values, isBest: best },
      })),
    );
    expect(Object.keys(executor.of("epoch")[0]?.values ?? {}).sort()).toEqual(["f1", "loss", "valF1", "valLoss"]);
    expect(executor.told.at(-1)).toEqual({ e: "remark", trial: -1, text: "done" });
    expect(executor.toldAtClose).toBe(executor.told.length);
  });

  it("tells why it stopped early, and what it failed with", async () => {
    const stopping = new TellingExecutor();
    const callbacks = [earlyStopping({ monitor: "loss", patience: 0, minDelta: 100 })];
    await stopping.train({ ...spec, epochs: 9, data, callbacks }).result();
    expect(stopping.told.at(-1)).toMatchObject({ e: "remark", text: expect.stringMatching(/^stopped early: .*loss/) });

    const failing = new TellingExecutor();
    const broken = (): never => {
      throw new Error("no model today");
    };
    await expect(failing.train({ ...spec, model: broken, data }).result()).rejects.toThrow();
    expect(failing.told).toMatchObject([{ e: "remark", trial: -1, text: expect.stringContaining("no model today") }]);
    expect(failing.toldAtClose).toBe(1);

    const cancelled = new TellingExecutor();
    const run = cancelled.train({ ...spec, epochs: 9, data });
    await run.cancel("enough");
    expect(cancelled.told.at(-1)).toEqual({ e: "remark", trial: -1, text: "cancelled: enough" });
  });
});

describe("a training that goes on elsewhere", () => {
  const epoch = (n: number): Epoch => ({
    ...{
      epoch: n,
      epochs: 4,
      logs: { loss: 1 / n, learningRate: 0.1 },
      seconds: 1,
      best: true,
      worker: "w",
      resumed: 0,
    },
  });
  const report = (news: Partial<TrainingReport>): TrainingReport => ({
    ...{ training: true, attempt: 1, worker: "w1", about: null, epochs: [], epochsBefore: 0, backend: null },
    ...{ checkpoint: null, checkpointBytes: 0, answered: 0, refusal: null },
    ...news,
  });
  const about = { model: "sequential_1", parameters: 10, samples: 100, steps: 5 };

  it("says so, and tells no epoch, checkpoint or head twice", () => {
    const executor = new TellingExecutor();
    const { scope } = executor.openRun("train", 4);
    const details = new TrainingDetails(scope, { trial: -1, builder: "model", epochs: 4, workers: 1 });
    const checkpoint = { where: "s3://b/p", name: "epoch-0002", epoch: 2, step: 0 };
    details.hear(report({}), 0);
    details.hear(report({ about, epochs: [epoch(1), epoch(2)], checkpoint, checkpointBytes: 500 }), 0);
    details.hear(report({ about, epochs: [epoch(1), epoch(2)], checkpoint, checkpointBytes: 500 }), 0);
    details.hear(report({ attempt: 2, worker: "w2" }), 0);
    // Reports overtaken by later ones are not sent: the first that is heard may be of some epochs later.
    const again = { attempt: 2, worker: "w2", about, epochsBefore: 2 };
    details.hear(report({ ...again, epochs: [epoch(1), epoch(2), epoch(3)] }), 0);
    details.hear(report({ ...again, epochs: [epoch(1), epoch(2), epoch(3)] }), 0);
    details.hear(report({ worker: "w3", about }), 1);
    const texts = executor.told.map((entry) => {
      if (entry.e === "remark") return entry.text;
      if (entry.e === "checkpoint") return `${entry.where}, ${entry.bytes} bytes, after epoch ${entry.epoch}`;
      return entry.e === "epoch" ? `epoch ${entry.epoch}, step ${entry.step}` : entry.e;
    });
    expect(texts).toEqual([
      "training",
      "epoch 1, step 5",
      "epoch 2, step 10",
      "epoch-0002 in s3://b/p, 500 bytes, after epoch 2",
      "resumed after epoch 2 on w2: its task on w1 was lost or had to leave",
      "epoch 3, step 15",
      "began anew on w3: its task on w2 was lost or had to leave",
    ]);
    // A name that says nothing gives way to that of TensorFlow.js.
    expect(executor.of("training")[0]?.model).toBe("sequential_1");
  });
});

describe("a search over trainings", () => {
  it("tells each trial's epochs beside the rounds that it comes to", async () => {
    const executor = new TellingExecutor();
    const rates = [0.001, 0.1, 1];
    const estimator = training({ ...spec, epochs: 3 });
    const search = halvingSearch(executor, {
      estimator,
      params: { rate: rates },
      data,
      validationSplit: 0.25,
      minResources: 1,
    });
    const events: string[] = [];
    for await (const { trial, iter, resources } of search) events.push(`${trial} ${iter} ${resources}`);
    const { cvResults, bestIndex, bestScore } = await search.result();
    expect(executor.refused).toEqual([]);
    expect(executor.told[0]).toEqual({
      ...{ e: "search", kind: "halving search", estimator: "net", parameters: ["rate"] },
      ...{ scorings: ["valLoss"], mode: "min", folds: 1, total: 3 },
    });
    const rounds = executor
      .of("candidate")
      .map(({ candidate, round, resources }) => `${candidate} ${round} ${resources}`);
    expect(rounds.sort()).toEqual(events.sort());
    expect(
      executor
        .of("training")
        .map(({ trial }) => trial)
        .sort(),
    ).toEqual([0, 1, 2]);
    const epochs = executor.of("epoch");
    for (const trial of rates.keys()) {
      const own = epochs.filter((entry) => entry.trial === trial).map(({ epoch }) => epoch);
      expect(own).toEqual(Array.from({ length: own.length }, (_, i) => i + 1));
      expect(own.length).toBe(Math.max(...cvResults.epochs.filter((_, row) => cvResults.trial[row] === trial)));
    }
    const best = cvResults.trial[bestIndex];
    expect(executor.of("best")).toEqual([{ e: "best", candidate: best, refitSeconds: null }]);
    expect(
      executor
        .of("fold")
        .filter(({ candidate }) => candidate === best)
        .at(-1)?.scores,
    ).toEqual([bestScore]);
    // To come to a further round is no loss.
    expect(executor.of("remark")).toEqual([]);
  });

  it("tells of trials that failed", async () => {
    const executor = new TellingExecutor();
    executor.warn = () => {};
    const wild = ({ rate }: { readonly rate: number }, tf: typeof tfjs): tfjs.LayersModel => {
      if (rate > 1) throw new Error("too wild");
      return net({ rate }, tf);
    };
    const estimator = training({ ...spec, model: wild, epochs: 1 });
    await gridSearch(executor, { estimator, params: { rate: [0.1, 2] }, data }).result();
    expect(executor.refused).toEqual([]);
    expect(executor.of("fold").find(({ candidate }) => candidate === 1)).toMatchObject({
      ...{ scores: [null], fitSeconds: 0, error: expect.stringContaining("too wild") },
    });
    expect(executor.of("remark")).toMatchObject([{ trial: 1, text: expect.stringMatching(/^failed: .*too wild/) }]);
  });
});
