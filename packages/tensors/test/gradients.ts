// Gradients of models and functions, computed by one backend and by another.

import type { TensorFlow } from "@taskflock/tensors";
import type { LayersModel, Scalar, Tensor, Variable } from "@tensorflow/tfjs";
import { expect } from "vitest";
import { type LayerCase, modelOf } from "./layers.ts";

/** Numbers that repeat at no small distance, some of them negative: as initial weights and as inputs. */
export function numbers(length: number, shift = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.cos((i + shift) * 1.7) - 0.4);
}

export function tensor(tf: TensorFlow, shape: readonly number[], shift = 0): Tensor {
  return tf.tensor(numbers(sizeOf(shape), shift), [...shape]);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A sum in which every number counts differently, so that no mistake cancels out. */
export function weighted(tf: TensorFlow, y: Tensor): Scalar {
  return tf.sum(tf.mul(y, tensor(tf, y.shape, 0.5)));
}

/** What the model gives, and the gradients of its weights and of its input, which is lowered by `below`. */
export function gradientsOf(tf: TensorFlow, layerCase: LayerCase, below = 0): Float32Array[] {
  return tf.tidy(() => {
    const model = modelOf(tf, layerCase);
    setWeights(tf, model);
    const shape = [layerCase.batch ?? 2, ...layerCase.inputShape];
    const x = inputOf(tf, layerCase, shape, below);
    const loss = (input: Tensor) => weighted(tf, model.apply(input, { training: true }) as Tensor);
    const variables = model.trainableWeights.map((weight) => weight.read() as Variable);
    const ofWeights = variables.length === 0 ? [] : Object.values(tf.variableGrads(() => loss(x), variables).grads);
    const ofInput = layerCase.words === undefined ? [tf.grad(loss)(x)] : [];
    return [loss(x), ...ofWeights, ...ofInput].map((result) => result.dataSync() as Float32Array);
  });
}

function inputOf(tf: TensorFlow, { words }: LayerCase, shape: number[], below: number): Tensor {
  if (words === undefined) return tensor(tf, shape).sub(below);
  return tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7) % words),
    shape,
  );
}

export function setWeights(tf: TensorFlow, model: LayersModel): void {
  model.setWeights(model.getWeights().map(({ shape }, i) => tf.abs(tensor(tf, shape, i)).mul(0.5)));
}

export function expectClose(got: readonly Float32Array[], wanted: readonly Float32Array[], tolerance = 1e-4): void {
  expect(got.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  const far = got.flatMap((values, i) =>
    Array.from(values, (value, at) => ({ i, at, value, wanted: wanted[i]![at]! })).filter(
      // NaN is far from everything.
      ({ value, wanted: right }) => !(Math.abs(value - right) <= tolerance * (1 + Math.abs(right))),
    ),
  );
  expect(far).toEqual([]);
}

/** Runs `compute` on the CPU backend and on wasm; the engine is left on wasm. */
export async function onBoth<T>(tf: TensorFlow, compute: () => T | Promise<T>): Promise<{ cpu: T; wasm: T }> {
  await tf.setBackend("cpu");
  const cpu = await compute();
  await tf.setBackend("wasm");
  return { cpu, wasm: await compute() };
}
