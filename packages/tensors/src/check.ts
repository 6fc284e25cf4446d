// Does a backend compute? A package may load and still give nothing, or nonsense: a driver too old, a build for other processors.
import type { TensorFlow } from "./types.ts";

const a = [1, 2, 3, 4];
const b = [1, -1];
/** Of the sum of the squares of a·b, which is (−1, −1): worked out by hand. */
const expected = [
  [-1, -1],
  [-2, 2, -2, 2],
  [-8, -12],
];

/** What is wrong with the backend in use; null when a matrix product and its gradients come out right. */
export async function whatIsWrong(tf: TensorFlow): Promise<string | null> {
  const [product, gradientA, gradientB] = await compute(tf);
  for (const [i, values] of [product, gradientA, gradientB].entries()) {
    const off = expected[i]?.some((value, at) => !(Math.abs(value - (values?.[at] ?? Number.NaN)) < 1e-3));
    if (off)
      return `it computes a small ${i === 0 ? "matrix product" : "gradient"} as ${String(values)}, not ${expected[i]}`;
  }
  return null;
}

async function compute(tf: TensorFlow): Promise<Float32Array[]> {
  const tensors = tf.tidy(() => {
    const inputs = [tf.tensor2d(a, [2, 2]), tf.tensor2d(b, [2, 1])];
    const gradients = tf.grads((x, y) => tf.matMul(x, y).square().sum());
    return [tf.matMul(inputs[0]!, inputs[1]!), ...gradients(inputs)];
  });
  try {
    // Not `dataSync`: WebGPU can be read only so.
    return await Promise.all(tensors.map(async (tensor) => (await tensor.data()) as Float32Array));
  } finally {
    tf.dispose(tensors);
  }
}
