// Losses with class weights beside what they are by hand: tests of numbers, one batch each.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingPlan, TrainingSet } from "../../src/training/types.ts";
import { classed, labelled, net, tf, trainer } from "./stage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

afterAll(() => {
  tf.disposeVariables();
});

const rows = 6;
const all = Int32Array.from({ length: rows }, (_, i) => i);

/** Loss of the first rows, and what the model answers to them; nothing in the model is random but its weights. */
async function lossAndOutputs(
  data: TrainingSet,
  options: Partial<TrainingPlan>,
): Promise<{ loss: number; outputs: number[][]; targets: number[][] }> {
  const training = await trainer({ metrics: ["logLoss"], ...options }, data, null);
  const { loss, outputs } = await training.gradients(all);
  const table = (values: ArrayLike<number>) => {
    const width = values.length / rows;
    return Array.from({ length: rows }, (_, row) =>
      Array.from({ length: width }, (_, i) => values[row * width + i] as number),
    );
  };
  const width = data.y.data.length / (data.y.shape[0] as number);
  return { loss, outputs: table(outputs as Float32Array), targets: table(data.y.data.slice(0, rows * width)) };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const crossEntropy = (target: number, output: number): number =>
  -(target * Math.log(output) + (1 - target) * Math.log(1 - output));
const weights = [2, 0.5, 3];

describe("class weights", () => {
  it("weigh each label of multi-label targets by itself", async () => {
    const { loss, outputs, targets } = await lossAndOutputs(labelled(), { model: net(), classWeight: weights });
    const byHand = targets.map((row, i) =>
      mean(
        row.map((target, label) => (weights[label] as number) * crossEntropy(target, outputs[i]?.[label] as number)),
      ),
    );
    expect(loss).toBeCloseTo(mean(byHand), 5);
  });

  it("weigh rows by their class in one-hot targets, divided by the number of rows as in Keras", async () => {
    const model = net({ loss: "categoricalCrossentropy", activation: "softmax" });
    const { loss, outputs, targets } = await lossAndOutputs(classed(), { model, classWeight: weights });
    const byHand = targets.map((row, i) => {
      const label = row.indexOf(1);
      return (weights[label] as number) * -Math.log(outputs[i]?.[label] as number);
    });
    expect(loss).toBeCloseTo(mean(byHand), 5);
  });

  it("weigh rows by their class in targets that are class numbers, with an axis of one or without", async () => {
    const oneHot = classed();
    const classes = Float32Array.from({ length: 22 }, (_, row) =>
      (oneHot.y.data as Float32Array).subarray(row * 3, row * 3 + 3).indexOf(1),
    );
    const model = net({ loss: "sparseCategoricalCrossentropy", activation: "softmax" });
    const softmax = net({ loss: "categoricalCrossentropy", activation: "softmax" });
    const expected = (await lossAndOutputs(oneHot, { model: softmax, classWeight: weights })).loss;
    for (const shape of [[22], [22, 1]]) {
      const data = { x: oneHot.x, y: { data: Int32Array.from(classes), shape } };
      expect((await lossAndOutputs(data, { model, classWeight: weights })).loss).toBeCloseTo(expected, 5);
    }
  });

  it("weigh the two classes of a single label", async () => {
    const data = single();
    const { loss, outputs, targets } = await lossAndOutputs(data, {
      model: one("binaryCrossentropy"),
      classWeight: [0.25, 4],
    });
    const byHand = targets.map(
      ([target], i) => [0.25, 4][target as number]! * crossEntropy(target as number, outputs[i]?.[0] as number),
    );
    expect(loss).toBeCloseTo(mean(byHand), 5);
  });

  it("weigh each label of any loss that is a mean over labels", async () => {
    for (const loss of ["meanSquaredError", "meanAbsoluteError", "hinge", "squaredHinge", "logcosh"]) {
      const model = net({ loss });
      const plain = (await lossAndOutputs(labelled(), { model })).loss;
      const ones = (await lossAndOutputs(labelled(), { model, classWeight: [1, 1, 1] })).loss;
      const twos = (await lossAndOutputs(labelled(), { model, classWeight: [2, 2, 2] })).loss;
      expect(ones, loss).toBeCloseTo(plain, 5);
      expect(twos, loss).toBeCloseTo(2 * plain, 5);
    }
  });

  it("are refused where a loss is no mean over labels, and where their number is wrong", async () => {
    const refused = (text: string) => ({ code: "FLOCK_ML_PARAMETER", message: expect.stringContaining(text) });
    const cosine = lossAndOutputs(labelled(), { model: net({ loss: "cosineProximity" }), classWeight: weights });
    await expect(cosine).rejects.toMatchObject(refused("mean of its labels' losses"));
    const scalar = () => {
      const model = net()();
      model.compile({ optimizer: "sgd", loss: (target, output) => tf.losses.sigmoidCrossEntropy(target, output) });
      return model;
    };
    const one = lossAndOutputs(labelled(), { model: scalar, classWeight: weights });
    await expect(one).rejects.toMatchObject(refused("mean of its labels' losses"));
    const two = lossAndOutputs(labelled(), { model: net(), classWeight: [1, 2] });
    await expect(two).rejects.toMatchObject(refused("classWeight has 2 weights, but there are 3 labels"));
    const negative = lossAndOutputs(labelled(), { model: net(), classWeight: [1, -2, 1] });
    await expect(negative).rejects.toMatchObject(refused("classWeight[1] is -2"));
  });

  it("do not apply to validation", async () => {
    const training = await trainer({ model: net(), classWeight: weights, epochs: 1 }, labelled(), labelled());
    const unweighted = await trainer({ model: net(), epochs: 1 }, labelled(), labelled());
    const epochs = await Promise.all([training.endEpoch(), unweighted.endEpoch()]);
    expect(epochs[0].logs["valLoss"]).toBe(epochs[1].logs["valLoss"]);
  });
});

describe("the loss of an epoch", () => {
  it("is the mean over its rows, not over its batches, and has what regularizers add", async () => {
    // A learning rate of zero: every batch sees the same weights.
    const model = net({ optimizer: () => tf.train.sgd(0), l2: 0.1 });
    const training = await trainer({ model, shuffle: true, epochs: 1 }, labelled(22), labelled(22));
    while (await training.step());
    const { logs } = await training.endEpoch();
    expect(logs["loss"]).toBeCloseTo(logs["valLoss"] as number, 5);
    const plain = await trainer(
      { model: net({ optimizer: () => tf.train.sgd(0) }), epochs: 1 },
      labelled(22),
      labelled(22),
    );
    expect(logs["valLoss"]).toBeGreaterThan(((await plain.endEpoch()).logs["valLoss"] as number) + 0.01);
  });

  it("takes targets of one number each without their axis, instead of comparing all with all", async () => {
    const { x, y } = single();
    const flat = { x, y: { data: y.data, shape: [22] } };
    const model = one("meanSquaredError");
    expect((await lossAndOutputs(flat, { model })).loss).toBe((await lossAndOutputs({ x, y }, { model })).loss);
  });
});

function single(): TrainingSet {
  const { x } = labelled();
  return { x, y: { data: Uint8Array.from({ length: 22 }, (_, row) => row % 2), shape: [22, 1] } };
}

function one(loss: string): () => tf.LayersModel {
  return () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [4], activation: "sigmoid" })] });
    model.compile({ optimizer: "sgd", loss });
    return model;
  };
}
