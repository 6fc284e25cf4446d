// The tagger's kind of model, and recurrent layers: on a backend the same seed gives the same, also after a checkpoint.
import { loadTensors, type TensorBackend, type TensorFlow } from "@taskflock/tensors";
import type { LayersModel } from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { earlyStopping } from "../../src/training/callbacks/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import type { TrainingSet } from "../../src/training/types.ts";
import { plan, run, surroundings } from "./stage.ts";

const [length, words, labels] = [12, 30, 3];

export function texts(rows: number): TrainingSet {
  const x = Int32Array.from({ length: rows * length }, (_, i) => (i * i * 7 + i * 3) % words);
  const y = Uint8Array.from({ length: rows * labels }, (_, i) =>
    Number((x[Math.floor(i / labels) * length] as number) % labels === i % labels),
  );
  return { x: { data: x, shape: [rows, length] }, y: { data: y, shape: [rows, labels] } };
}

export function convolutions(_params: object, tf: TensorFlow): LayersModel {
  const input = tf.input({ shape: [length], dtype: "int32" });
  const embedded = tf.layers.embedding({ inputDim: words, outputDim: 5 }).apply(input) as ReturnType<typeof tf.input>;
  const pooled = [3, 4].map((kernelSize) => {
    const found = tf.layers.conv1d({ filters: 4, kernelSize, activation: "selu" }).apply(embedded);
    return tf.layers.globalMaxPooling1d().apply(found) as ReturnType<typeof tf.input>;
  });
  const dropped = tf.layers.dropout({ rate: 0.2 }).apply(tf.layers.concatenate().apply(pooled));
  const output = tf.layers.dense({ units: labels, activation: "sigmoid" }).apply(dropped) as ReturnType<
    typeof tf.input
  >;
  return compiled(tf.model({ inputs: input, outputs: output }), tf);
}

function recurrent(_params: object, tf: TensorFlow): LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.embedding({ inputDim: words, outputDim: 4, inputLength: length }));
  model.add(tf.layers.lstm({ units: 3, dropout: 0.2, recurrentDropout: 0.2 }));
  model.add(tf.layers.dense({ units: labels, activation: "sigmoid" }));
  return compiled(model, tf);
}

function compiled(model: LayersModel, tf: TensorFlow): LayersModel {
  model.compile({ optimizer: tf.train.adam(0.02), loss: "binaryCrossentropy" });
  return model;
}

/** Tests of a backend: one for each process, as a process has one backend. */
export function testBackend(backend: TensorBackend): void {
  for (const [name, model] of Object.entries({ convolutions, recurrent }))
    it(`a training with ${name} goes on from the middle of an epoch as the undisturbed one, and leaves no tensors`, async () => {
      const { tf, ...choice } = await loadTensors({ backend });
      expect(choice.backend).toBe(backend);
      const options = {
        model,
        epochs: 2,
        metrics: ["f1", "auc"],
        classWeight: [1, 2, 3],
        callbacks: [earlyStopping({ patience: 5 })],
      };
      const create = () => Trainer.create(tf, plan(options), texts(20), texts(9), surroundings());
      const expected = await run(await create());
      const first = await create();
      for (let step = 0; step < 2; step++) await first.step();
      const before = tf.memory().numTensors;
      await first.step();
      expect(tf.memory().numTensors).toBe(before);
      await first.endEpoch();
      await first.step();
      const second = await create();
      await second.restore(await first.checkpoint());
      expect(await run(second)).toEqual(expected);
      expect(expected.flat().every(Number.isFinite)).toBe(true);
    });
}
