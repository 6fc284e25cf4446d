import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Trainer } from "../../src/training/trainer.ts";
import type { CallbackHooks } from "../../src/training/types.ts";
import { classed, labelled, net, plan, run, surroundings, tf, trainer, written0 } from "./stage.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

afterAll(() => {
  tf.disposeVariables();
});

describe("a training", () => {
  it("learns, and tells each epoch's figures", async () => {
    const training = await trainer({
      epochs: 20,
      metrics: ["accuracy"],
      model: net({ optimizer: () => tf.train.adam(0.05) }),
    });
    await run(training);
    const [first, last] = [training.history[0]?.logs, training.history.at(-1)?.logs];
    expect(Object.keys(first ?? {})).toEqual(["loss", "accuracy", "valLoss", "valAccuracy", "learningRate"]);
    expect(last?.["loss"]).toBeLessThan((first?.["loss"] as number) * 0.7);
    expect(training.history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it("gives the same losses for the same seed, and others for another", async () => {
    const losses = await run(await trainer());
    expect(await run(await trainer())).toEqual(losses);
    expect(await run(await trainer({ seed: 43 }))).not.toEqual(losses);
  });

  it("equals model.fit of TensorFlow.js where that is deterministic: no shuffling, no dropout", async () => {
    const training = await trainer({ shuffle: false, model: net({ l2: 0.01 }) });
    const { model } = await untrained({ l2: 0.01 });
    const [data, validation] = [labelled(), labelled(10, 2)];
    const asTensor = ({
      data: values,
      shape,
    }: {
      data: Float32Array | Int32Array | Uint8Array;
      shape: readonly number[];
    }) => tf.tensor(values, [...shape]);
    const history = await model.fit(asTensor(data.x), asTensor(data.y), {
      epochs: 3,
      batchSize: 8,
      shuffle: false,
      validationData: [asTensor(validation.x), asTensor(validation.y)],
      verbose: 0,
    });
    await run(training);
    training.history.forEach(({ logs }, i) => {
      expect(logs["loss"]).toBeCloseTo(history.history["loss"]?.[i] as number, 5);
    });
    const weights = (await training.artifact()).weightData;
    const expected = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
    const actual = [...new Float32Array(weights.slice().buffer)];
    for (const [i, weight] of actual.entries()) expect(weight).toBeCloseTo(expected[i] as number, 5);
  });

  it("shards' gradients, averaged by weight, are those of the whole batch, regularizers counted once", async () => {
    const training = await trainer({ model: net({ l2: 0.1 }) });
    const rows = training.nextBatch() as Int32Array;
    const whole = await training.gradients(rows);
    const shards = await Promise.all(
      [rows.subarray(0, 3), rows.subarray(3, 3), rows.subarray(3)].map((shard) => training.gradients(shard)),
    );
    const weight = shards.reduce((sum, shard) => sum + shard.weight, 0);
    expect(weight).toBe(whole.weight);
    whole.flat.forEach((gradient, i) => {
      const averaged = shards.reduce((sum, shard) => sum + (shard.weight / weight) * (shard.flat[i] as number), 0);
      expect(averaged).toBeCloseTo(gradient, 6);
    });
    expect(shards.reduce((sum, shard) => sum + (shard.weight / weight) * shard.loss, 0)).toBeCloseTo(whole.loss, 6);
  });

  it("gradients and apply do what step does", async () => {
    const [stepped, applied] = [await trainer(), await trainer()];
    for (let i = 0; i < 3; i++) {
      await stepped.step();
      const rows = applied.nextBatch() as Int32Array;
      const batch = await applied.gradients(rows);
      await applied.apply(batch.flat);
      await applied.endBatch(rows, batch);
    }
    expect((await applied.artifact()).weightData).toEqual((await stepped.artifact()).weightData);
    expect(applied.nextBatch()).toBeNull();
    expect((await applied.endEpoch()).logs).toEqual((await stepped.endEpoch()).logs);
  });

  it("leaves no tensors behind", async () => {
    const training = await trainer({
      metrics: ["accuracy"],
      classWeight: [1, 2, 3],
      model: net({ l2: 0.1, batchNorm: true, dropout: 0.2 }),
      epochs: 9,
    });
    const epoch = async () => {
      while (await training.step());
      await training.endEpoch();
      const checkpoint = await training.checkpoint();
      const rows = training.nextBatch() as Int32Array;
      await training.apply((await training.gradients(rows)).flat);
      await training.restore(checkpoint);
    };
    await epoch();
    const before = tf.memory().numTensors;
    await epoch();
    await epoch();
    expect(tf.memory().numTensors).toBe(before);
    training.dispose();
  });

  it("keeps the weights of the best epoch", async () => {
    const training = await trainer({
      monitor: "loss",
      mode: "max",
      epochs: 4,
      model: net({ optimizer: () => tf.train.adam(0.05) }),
    });
    while (await training.step());
    expect((await training.endEpoch()).best).toBe(true);
    const first = await training.artifact();
    await run(training);
    expect(training.history.map(({ best }) => best)).toEqual([true, false, false, false]);
    expect(training.bestEpoch).toBe(1);
    expect(await training.bestArtifact()).toEqual(first);
    expect((await training.artifact()).weightData).not.toEqual(first.weightData);
  });

  it("ends within an epoch when a callback says so, as Keras's does, with the figures until then", async () => {
    const hasty = {
      name: "hasty",
      onBatchEnd: (step: number, _logs: unknown, _state: unknown, context: { stopTraining(reason: string): void }) => {
        if (step === 5) context.stopTraining("enough");
      },
    };
    const training = await trainer({ epochs: 4, callbacks: [hasty] });
    let steps = 0;
    while (!training.done) {
      while (await training.step()) steps++;
      await training.endEpoch();
    }
    expect([steps, training.epoch, training.stopReason]).toEqual([5, 2, "enough"]);
    expect(training.history[1]?.logs["loss"]).toBeGreaterThan(0);
  });

  it("frees everything", async () => {
    for (const optimizer of ["sgd", "adam", "rmsprop", "adamax", "adadelta", "adagrad"]) {
      const before = tf.memory().numTensors;
      const training = await trainer({ model: net({ optimizer: () => optimizer, dropout: 0.1 }) });
      await training.step();
      training.dispose();
      expect(tf.memory().numTensors, optimizer).toBe(before);
    }
  });

  it("leaves frozen layers as they are, also after a checkpoint", async () => {
    const model = () => {
      const built = net({ batchNorm: true })();
      (built.layers[0] as tf.layers.Layer).trainable = false;
      built.compile({ optimizer: "adam", loss: "binaryCrossentropy" });
      return built;
    };
    const training = await trainer({ model, epochs: 1 });
    const frozen = async (one: Trainer) => {
      const { weightSpecs, weightData } = await one.artifact();
      const specs = weightSpecs as { name: string; shape: number[] }[];
      const at = specs.findIndex(({ shape }) => shape.join() === "4,6");
      const offset = specs
        .slice(0, at)
        .reduce((sum, { shape }) => sum + shape.reduce((size, length) => size * length, 4), 0);
      return weightData.slice(offset, offset + 4 * 4 * 6);
    };
    const kept = await frozen(training);
    await training.step();
    const again = await trainer({ model, epochs: 1 });
    await again.restore(await training.checkpoint());
    expect(await run(again)).toEqual(await run(training));
    expect(await frozen(training)).toEqual(kept);
    expect(await frozen(again)).toEqual(kept);
  });

  it("says that metrics of compile are not computed", async () => {
    const written = written0();
    const model = compiledWith({ optimizer: "sgd", metrics: ["accuracy"] });
    await Trainer.create(tf, plan({ model }), labelled(), null, surroundings(written));
    expect(written.lines.join()).toContain("Metrics of model.compile (");
  });

  it("stops with a coded error when the loss is not finite, and says where", async () => {
    const data = classed();
    (data.x.data as Float32Array)[0] = Number.NaN;
    const training = await trainer({ shuffle: false, epochs: 1 }, data);
    await expect(training.step()).rejects.toMatchObject({
      code: "FLOCK_LOSS_NOT_FINITE",
      message: expect.stringContaining("epoch 1, step 1 of 3"),
    });
  });

  it("refuses what it cannot train", async () => {
    const uncompiled = () => tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
    await expect(trainer({ model: uncompiled })).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    const frozen = () => {
      const model = net()();
      model.trainable = false;
      model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
      return model;
    };
    await expect(trainer({ model: frozen })).rejects.toMatchObject({ code: "FLOCK_TRAINING_MODEL" });
    await expect(trainer({ model: () => null as unknown as tf.LayersModel })).rejects.toMatchObject({
      code: "FLOCK_TRAINING_MODEL",
    });
    const narrow = { x: { data: new Float32Array(6), shape: [2, 3] }, y: labelled(2).y };
    await expect(trainer({}, narrow)).rejects.toThrow("x has the shape [2, 3], but the model takes [rows, 4].");
    const data = labelled();
    const short = { x: data.x, y: labelled(3).y };
    await expect(Trainer.create(tf, plan(), short, null, surroundings())).rejects.toMatchObject({
      code: "FLOCK_ML_INPUT",
    });
  });
});

describe("a training refuses what would give wrong figures in silence", () => {
  const sparse = { model: net({ loss: "sparseCategoricalCrossentropy", activation: "softmax" }) };
  const classes = (...values: number[]) => ({
    x: labelled(values.length).x,
    y: { data: Float32Array.from(values), shape: [values.length] },
  });

  it("classes that the model has no output for, in the data and to validate with", async () => {
    expect((await (await trainer(sparse, classes(0, 2, 1), classes(2))).nextBatch())?.length).toBe(3);
    for (const [value, at] of [
      [3, 2],
      [-1, 2],
      [0.5, 2],
      [Number.NaN, 2],
    ] as const) {
      const message = `y has ${value} as its value ${at}: the model has the classes 0 to 2.`;
      await expect(trainer(sparse, classes(0, 1, value))).rejects.toMatchObject({ code: "FLOCK_ML_INPUT", message });
      await expect(trainer(sparse, classes(0), classes(0, 1, value))).rejects.toMatchObject({ message });
    }
  });

  it("no rows to validate with", async () => {
    await expect(trainer({}, labelled(), labelled(0))).rejects.toMatchObject({ code: "FLOCK_ML_INPUT" });
  });

  it.each([
    [["f1", "f1"], "f1"],
    [[{ name: "f1", as: "loss" }], "loss"],
    [[{ name: "f1", as: "learningRate" }], "learningRate"],
    [[{ name: "f1", as: "valLoss" }], "valLoss"],
  ] as const)("two figures of one name: %j", async (metrics, name) => {
    await expect(trainer({ metrics })).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
      message: expect.stringContaining(`two figures of the name ${name}.`),
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, "0.5" as unknown as number])("a learning rate of %s", async (rate) => {
    const onEpochBegin: CallbackHooks["onEpochBegin"] = (_epoch, _state, context) => {
      context.learningRate = rate;
    };
    const training = await trainer({ callbacks: [{ name: "own", onEpochBegin }] });
    await expect(training.step()).rejects.toMatchObject({ code: "FLOCK_ML_PARAMETER" });
  });
});

function compiledWith(how: { optimizer: string; metrics?: string[] }): () => tf.LayersModel {
  return () => {
    const model = net()();
    model.compile({ loss: "binaryCrossentropy", ...how });
    return model;
  };
}

/** The model as the trainer builds it, by a checkpoint of nothing. */
async function untrained(options: Parameters<typeof net>[0]): Promise<{ model: ReturnType<ReturnType<typeof net>> }> {
  let model: ReturnType<ReturnType<typeof net>> | null = null;
  const build = () => {
    model = net(options)();
    return model;
  };
  await trainer({ model: build });
  if (model === null) throw new Error("not built");
  return { model };
}
