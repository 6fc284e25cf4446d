import * as tf from "@tensorflow/tfjs";
import { beforeEach, describe, expect, it } from "vitest";
import { modelSummary, type SummaryModel } from "../src/index.ts";

describe("modelSummary", () => {
  beforeEach(() => tf.disposeVariables());

  it("tells several inputs and outputs, connections, and layers that are used twice", () => {
    const words = tf.input({ shape: [20], dtype: "int32", name: "words" });
    const extra = tf.input({ shape: [3], name: "extra" });
    const embedded = tf.layers.embedding({ inputDim: 1000, outputDim: 8, name: "embedding" }).apply(words);
    const filters = [3, 4].map((kernelSize) => {
      const found = tf.layers.conv1d({ filters: 4, kernelSize, name: `filters_${kernelSize}` }).apply(embedded);
      return tf.layers.globalMaxPooling1d({ name: `pool_${kernelSize}` }).apply(found) as tf.SymbolicTensor;
    });
    const joined = tf.layers.concatenate({ name: "join" }).apply([...filters, extra]);
    const scaled = tf.layers.batchNormalization({ name: "scale" }).apply(joined);
    const twice = tf.layers.dense({ units: 11, name: "twice" });
    const tags = tf.layers.dense({ units: 2, name: "tags" }).apply(twice.apply(twice.apply(scaled)));
    const score = tf.layers.dense({ units: 1, name: "score" }).apply(scaled);
    const model = tf.model({ name: "two", inputs: [words, extra], outputs: [tags, score] as tf.SymbolicTensor[] });
    expect(modelSummary(model)).toBe(
      [
        'Model: "two"',
        "____________________________________________________________________",
        "Layer (type)                 Output Shape   Param #  Connected to",
        "====================================================================",
        "words (InputLayer)           (None, 20)     0",
        "____________________________________________________________________",
        "embedding (Embedding)        (None, 20, 8)  8,000    words[0][0]",
        "____________________________________________________________________",
        "filters_3 (Conv1D)           (None, 18, 4)  100      embedding[0][0]",
        "____________________________________________________________________",
        "filters_4 (Conv1D)           (None, 17, 4)  132      embedding[0][0]",
        "____________________________________________________________________",
        "pool_3 (GlobalMaxPooling1D)  (None, 4)      0        filters_3[0][0]",
        "____________________________________________________________________",
        "pool_4 (GlobalMaxPooling1D)  (None, 4)      0        filters_4[0][0]",
        "____________________________________________________________________",
        "extra (InputLayer)           (None, 3)      0",
        "____________________________________________________________________",
        "join (Concatenate)           (None, 11)     0        pool_3[0][0]",
        "                                                     pool_4[0][0]",
        "                                                     extra[0][0]",
        "____________________________________________________________________",
        "scale (BatchNormalization)   (None, 11)     44       join[0][0]",
        "____________________________________________________________________",
        "twice (Dense)                (None, 11)     132      scale[0][0]",
        "                                                     twice[0][0]",
        "____________________________________________________________________",
        "tags (Dense)                 (None, 2)      24       twice[1][0]",
        "____________________________________________________________________",
        "score (Dense)                (None, 1)      12       scale[0][0]",
        "====================================================================",
        "Total params: 8,444",
        "Trainable params: 8,422",
        "Non-trainable params: 22",
        "____________________________________________________________________",
      ].join("\n"),
    );
  });

  it("leaves out the connections of a plain chain, and counts what is frozen", () => {
    const frozen = tf.layers.dense({ units: 4, inputShape: [3], name: "first", trainable: false });
    const model = tf.sequential({ name: "chain", layers: [frozen, tf.layers.dense({ units: 1, name: "second" })] });
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    expect(modelSummary(model)).toBe(
      [
        'Model: "chain"',
        "_____________________________________",
        "Layer (type)    Output Shape  Param #",
        "=====================================",
        "first (Dense)   (None, 4)     16",
        "_____________________________________",
        "second (Dense)  (None, 1)     5",
        "=====================================",
        "Total params: 21",
        "Trainable params: 5",
        "Non-trainable params: 16",
        "_____________________________________",
      ].join("\n"),
    );
  });

  it("leaves out what a layer is connected to in another model", () => {
    const shared = tf.layers.dense({ units: 2, name: "shared" });
    const [a, b] = [tf.input({ shape: [2], name: "a" }), tf.input({ shape: [2], name: "b" })];
    shared.apply(a);
    const output = tf.layers.dense({ units: 1, name: "out" }).apply(shared.apply(b)) as tf.SymbolicTensor;
    const lines = modelSummary(tf.model({ inputs: b, outputs: output })).split("\n");
    expect(lines.filter((line) => /\[\d\]/.test(line))).toEqual([
      "shared (Dense)  (None, 2)     6        b[0][0]",
      "out (Dense)     (None, 1)     3        shared[1][0]",
    ]);
  });

  it("tells several outputs of a layer, and that its shapes differ from use to use", () => {
    const input = tf.input({ shape: [4], name: "in" });
    const wide = tf.input({ shape: [6], name: "wide" });
    const flat = tf.layers.activation({ activation: "relu", name: "flat" });
    const outputs = [flat.apply(input), flat.apply(wide)] as tf.SymbolicTensor[];
    const lines = modelSummary(tf.model({ inputs: [input, wide], outputs })).split("\n");
    expect(lines).toContain("flat (Activation)  multiple      0        in[0][0]");
    const nested = tf.model({ name: "inner", inputs: [input, wide], outputs });
    const again = [tf.input({ shape: [4], name: "x" }), tf.input({ shape: [6], name: "y" })];
    const outer = tf.model({ inputs: again, outputs: nested.apply(again) as tf.SymbolicTensor[] });
    expect(modelSummary(outer)).toContain("(None, 4), (None, 6)");
  });

  it("refuses what is no model, and one without layers", () => {
    expect(() => modelSummary({} as SummaryModel)).toThrowError("modelSummary takes a tf.LayersModel, not an object.");
    expect(() => modelSummary(tf.sequential({ name: "empty" }))).toThrowError(
      'The model "empty" has no layers yet. Add them first.',
    );
  });
});
