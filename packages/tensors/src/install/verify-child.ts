// Run by `verify`: loads the package, computes, and prints what it stands on.

import type { NativeModule } from "./installed.ts";
import { loadNative } from "./native-load.ts";

const tf = loadNative(JSON.parse(process.argv[2] ?? "") as NativeModule);

function expectSame(what: string, got: ArrayLike<number>, wanted: readonly number[]): void {
  const near = wanted.every((value, i) => Math.abs(value - (got[i] ?? Number.NaN)) < 1e-4);
  if (!near) throw new Error(`${what} gives ${Array.from(got).slice(0, 8)}, not ${wanted.slice(0, 8)}`);
}

/** Of whole numbers, so that it is exact. */
function checkProduct(): void {
  const size = 64;
  const numbers = (seed: number): number[] => Array.from({ length: size * size }, (_, i) => ((i * seed) % 7) - 3);
  const [a, b] = [numbers(5), numbers(11)];
  const at = (matrix: readonly number[], row: number, column: number): number => matrix[row * size + column] ?? 0;
  const wanted = a.map((_, i) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += at(a, Math.floor(i / size), k) * at(b, k, i % size);
    return sum;
  });
  expectSame(
    "a matrix product",
    tf.matMul(tf.tensor2d(a, [size, size]), tf.tensor2d(b, [size, size])).dataSync(),
    wanted,
  );
}

/** One step of gradient descent on (w·x − y)², worked out by hand: w − 0.1 · 2 · (w·x − y) · x. */
function checkGradientStep(): void {
  const weights = tf.variable(tf.tensor2d([1, 2], [2, 1]));
  const inputs = tf.tensor2d([3, -1], [1, 2]);
  tf.train.sgd(0.1).minimize(() => tf.matMul(inputs, weights).sub(2).square().asScalar());
  expectSame("a gradient step", weights.dataSync(), [1.6, 1.8]);
}

checkProduct();
checkGradientStep();
// It takes another way through the package, which Node 23 broke.
expectSame("the largest two", tf.topk(tf.tensor1d([1, 5, 3]), 2).values.dataSync(), [5, 3]);
const backend = tf.backend() as { isUsingGpuDevice?: boolean; binding?: { TF_Version?: string } };
const verified = { tensorflow: backend.binding?.TF_Version ?? "unknown", gpu: backend.isUsingGpuDevice === true };
process.stdout.write(`\n${JSON.stringify(verified)}\n`);
