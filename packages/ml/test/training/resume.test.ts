import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Trainer } from "../../src/training/trainer.ts";
import type { TrainingPlan } from "../../src/training/types.ts";
import { labelled, net, run, tf, trainer } from "./stage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

afterAll(() => {
  tf.disposeVariables();
});

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.5),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  // TensorFlow.js subtracts epsilon there instead of adding it, which gives NaN for small gradients: hence the sign.
  "rmsprop, centered": () => tf.train.rmsprop(0.01, 0.9, 0.5, -1e-3, true),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, undefined, 0.01),
};

/** Runs `steps` steps, ending epochs on the way. */
async function walk(training: Trainer, steps: number): Promise<void> {
  for (let done = 0; done < steps; done++) {
    if (await training.step()) continue;
    await training.endEpoch();
    await training.step();
  }
}

/** The rest of a training from a checkpoint after `steps` steps, and an undisturbed one. */
async function compare(options: Partial<TrainingPlan>, steps: number): Promise<void> {
  const undisturbed = await trainer(options);
  const expected = await run(undisturbed);
  const first = await trainer(options);
  await walk(first, steps);
  const checkpoint = await first.checkpoint();
  // What the first does after its checkpoint must not matter.
  await first.step();
  const second = await trainer(options);
  await walk(second, 1);
  await second.restore(checkpoint);
  expect(await run(second)).toEqual(expected);
  expect((await second.artifact()).weightData).toEqual((await undisturbed.artifact()).weightData);
  expect((await second.bestArtifact()).weightData).toEqual((await undisturbed.bestArtifact()).weightData);
}

describe("a training that goes on from a checkpoint", () => {
  for (const [name, optimizer] of Object.entries(optimizers))
    it(`equals the undisturbed one exactly, in the middle of an epoch: ${name}`, async () => {
      await compare({ model: net({ optimizer, dropout: 0.3 }), metrics: ["accuracy"] }, 5);
    });

  it("equals it between two epochs, before the first step, and with batch normalisation and a changed learning rate", async () => {
    const slower = {
      name: "slower",
      onEpochBegin: (epoch: number, _state: unknown, context: { learningRate: number }) => {
        context.learningRate = 0.1 / epoch;
      },
    };
    const options = {
      model: net({ batchNorm: true, dropout: 0.1, optimizer: () => tf.train.momentum(0.1, 0.9) }),
      callbacks: [slower],
    };
    await compare(options, 3);
    await compare(options, 0);
    await compare(options, 4);
  });

  it("draws as the undisturbed one from layers with a seed and without: dropout, noise, initializers", async () => {
    const model = () => {
      const built = tf.sequential({
        layers: [
          tf.layers.dense({
            inputShape: [4],
            units: 8,
            kernelInitializer: tf.initializers.randomNormal({ seed: 5 }),
            activation: "relu",
          }),
          tf.layers.dropout({ rate: 0.2, seed: 3 }),
          tf.layers.gaussianNoise({ stddev: 0.1 }),
          tf.layers.alphaDropout({ rate: 0.1 }),
          tf.layers.dense({ units: 6, kernelInitializer: "orthogonal", biasInitializer: "truncatedNormal" }),
          tf.layers.gaussianDropout({ rate: 0.1 }),
          tf.layers.dense({ units: 3, kernelInitializer: "heUniform", activation: "sigmoid" }),
        ],
      });
      built.compile({ optimizer: "rmsprop", loss: "binaryCrossentropy" });
      return built;
    };
    await compare({ model }, 4);
  });

  it("goes on for more epochs than it was to have, and ends once", async () => {
    const ends: number[] = [];
    const counting = {
      name: "counting",
      start: () => ({ epochs: 0 }),
      onEpochEnd(epoch: number, _logs: unknown, state: { epochs: number }) {
        state.epochs = epoch;
      },
      onTrainEnd: (state: { epochs: number }) => void ends.push(state.epochs),
    };
    const expected = await run(await trainer({ epochs: 4 }));
    const short = await trainer({ epochs: 2, callbacks: [counting] });
    expect(await run(short)).toEqual(expected.slice(0, 2));
    const long = await trainer({ epochs: 4, callbacks: [counting] });
    await long.restore(await short.checkpoint());
    expect(await run(long)).toEqual(expected);
    const over = await trainer({ epochs: 4, callbacks: [counting] });
    await over.restore(await long.checkpoint());
    expect(over.done).toBe(true);
    await over.end();
    expect(ends).toEqual([2, 4]);
  });

  it("leaves Math.random as it was, also after an error, and to others while a model is built", async () => {
    const real = Math.random;
    let [inside, outside] = [real, 0];
    const model = async () => {
      inside = Math.random;
      await Promise.resolve();
      return net()();
    };
    const building = trainer({ model });
    Math.random();
    outside = Math.random();
    await building;
    expect(inside).not.toBe(real);
    const again = trainer({ model });
    expect(Math.random()).not.toBe(outside);
    await again;
    await expect(trainer({ model: () => Promise.reject(new Error("no")) })).rejects.toThrow("no");
    expect(Math.random).toBe(real);
  });

  it("refuses a checkpoint of another model, of other data in the middle of an epoch, cut, damaged or foreign", async () => {
    const training = await trainer();
    await walk(training, 1);
    const checkpoint = await training.checkpoint();
    const wider = () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
      model.compile({ optimizer: "adam", loss: "meanSquaredError" });
      return model;
    };
    const refused = (text: string) => ({ code: "FLOCK_CHECKPOINT_INVALID", message: expect.stringContaining(text) });
    await expect((await trainer({ model: wider })).restore(checkpoint)).rejects.toMatchObject(
      refused("has the shape [4, 6], and the model's weight"),
    );
    await expect((await trainer({}, labelled(30))).restore(checkpoint)).rejects.toMatchObject(refused("22 rows"));
    await expect((await trainer({ batchSize: 4 })).restore(checkpoint)).rejects.toMatchObject(
      refused("batches of 8 rows"),
    );
    await expect((await trainer({ metrics: ["f1"] })).restore(checkpoint)).rejects.toMatchObject(
      refused("the metrics none"),
    );
    const sgd = { model: net({ dropout: 0.3, optimizer: () => tf.train.sgd(1) }) };
    await expect((await trainer(sgd)).restore(checkpoint)).rejects.toMatchObject(refused("Adam"));
    const frozen = () => {
      const model = net({ dropout: 0.3 })();
      (model.layers.at(-1) as tf.layers.Layer).trainable = false;
      model.compile({ optimizer: tf.train.adam(0.01), loss: "binaryCrossentropy" });
      return model;
    };
    await expect((await trainer({ model: frozen })).restore(checkpoint)).rejects.toMatchObject(
      refused("has trained 4 weights, and the model now trains 2"),
    );
    await expect(training.restore(checkpoint.subarray(0, -1))).rejects.toMatchObject(refused("cut"));
    await expect(training.restore(checkpoint.subarray(0, 9))).rejects.toMatchObject(refused("not a checkpoint"));
    const damaged = checkpoint.slice();
    damaged[damaged.length - 9] = (damaged.at(-9) as number) ^ 1;
    await expect(training.restore(damaged)).rejects.toMatchObject(refused("damaged"));
    const newer = checkpoint.slice();
    newer[8] = 9;
    await expect(training.restore(newer)).rejects.toMatchObject(refused("format 9"));
    await training.restore(checkpoint);
    expect(training.batch).toBe(1);
  });
});
