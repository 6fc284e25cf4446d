// What TensorFlow.js itself does with class weights, which docs/text-and-metrics.md tells and Taskflock does otherwise.
import * as tf from "@tensorflow/tfjs";
import { afterAll, describe, expect, it } from "vitest";

const weights = { 0: 2, 1: 10, 2: 5 };

/** The loss of one row by `model.fit`, by its loss without class weights. */
async function weightOfRow(labels: number[]): Promise<number> {
  const x = tf.ones([1, 2]);
  const y = tf.tensor2d([labels]);
  const losses: number[] = [];
  for (const classWeight of [undefined, weights]) {
    const dense = tf.layers.dense({ units: 3, activation: "sigmoid", inputShape: [2], kernelInitializer: "ones" });
    const model = tf.sequential({ layers: [dense] });
    model.compile({ optimizer: tf.train.sgd(0), loss: "binaryCrossentropy" });
    const { history } = await model.fit(x, y, { epochs: 1, verbose: 0, ...(classWeight && { classWeight }) });
    losses.push(history["loss"]?.[0] as number);
  }
  return (losses[1] as number) / (losses[0] as number);
}

describe("TensorFlow.js gives a row with several labels one weight", () => {
  afterAll(() => tf.disposeVariables());

  it.each([
    [[0, 1, 0], 10, "its only label's"],
    [[1, 1, 1], 2, "the first of its labels'"],
    [[0, 1, 1], 10, "the first of its labels'"],
    [[0, 0, 0], 2, "the first label's, which it does not have"],
  ])("%j: %d, %s", async (labels, weight) => {
    expect(await weightOfRow(labels)).toBeCloseTo(weight, 4);
  });
});
