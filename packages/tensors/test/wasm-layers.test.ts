// Every usual layer, loss and optimizer trains on wasm as it does on the CPU backend.
import { loadTensors } from "@taskflock/tensors";
import { describe, expect, it } from "vitest";
import { expectClose, gradientsOf, onBoth, setWeights, tensor } from "./gradients.ts";
import { layerCases } from "./layers.ts";

const { tf } = await loadTensors({ backend: "wasm" });

describe("gradients of layers", () => {
  it.each(layerCases)("$name", async (layerCase) => {
    const { cpu, wasm } = await onBoth(tf, () => gradientsOf(tf, layerCase));
    expect(cpu.some((values) => values.some((value) => value !== 0))).toBe(true);
    expectClose(wasm, cpu);
  });

  it.each(layerCases)("$name of negative numbers", async (layerCase) => {
    const { cpu, wasm } = await onBoth(tf, () => gradientsOf(tf, layerCase, 2));
    expectClose(wasm, cpu);
  });
});

/** Two steps of a small model; the losses, and the weights afterwards. */
async function train(loss: string, optimizer: () => ReturnType<typeof tf.train.sgd>): Promise<Float32Array[]> {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: "softmax" })] });
  setWeights(tf, model);
  model.compile({ optimizer: optimizer(), loss });
  const x = tensor(tf, [5, 4]);
  const classes = [0, 2, 1, 1, 0];
  const y =
    loss === "sparseCategoricalCrossentropy" ? tf.tensor1d(classes) : tf.oneHot(classes, 3).toFloat().mul(0.8).add(0.1);
  const losses: number[] = [];
  for (let step = 0; step < 2; step += 1) losses.push((await model.trainOnBatch(x, y)) as number);
  return [Float32Array.from(losses), ...model.getWeights().map((weights) => weights.dataSync() as Float32Array)];
}

const losses = [
  ...[
    "meanSquaredError",
    "meanAbsoluteError",
    "meanAbsolutePercentageError",
    "meanSquaredLogarithmicError",
    "squaredHinge",
  ],
  ...["hinge", "categoricalHinge", "logcosh", "categoricalCrossentropy", "sparseCategoricalCrossentropy"],
  ...["binaryCrossentropy", "kullbackLeiblerDivergence", "poisson", "cosineProximity"],
];

describe("losses", () => {
  it.each(losses)("%s", async (loss) => {
    const runs = await onBoth(tf, () => train(loss, () => tf.train.sgd(0.1)));
    expectClose(runs.wasm, runs.cpu);
  });
});

const optimizers = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  "nesterov momentum": () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1),
  rmsprop: () => tf.train.rmsprop(0.1),
  "centered rmsprop": () => tf.train.rmsprop(0.1, 0.9, 0.1, 1e-7, true),
};

describe("optimizers", () => {
  it.each(Object.entries(optimizers))("%s", async (_, optimizer) => {
    const runs = await onBoth(tf, () =>
      train("categoricalCrossentropy", optimizer as () => ReturnType<typeof tf.train.sgd>),
    );
    expectClose(runs.wasm, runs.cpu);
  });
});
