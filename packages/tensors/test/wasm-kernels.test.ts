// Each kernel that was added to the wasm backend, or mended, against the CPU backend.

import { loadTensors } from "@taskflock/tensors";
import type { Scalar, Tensor, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { expectClose, onBoth, tensor, weighted } from "./gradients.ts";

const { tf } = await loadTensors({ backend: "wasm" });

interface KernelCase {
  readonly kernel: string;
  readonly name: string;
  /** Shapes of what is differentiated by. */
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: Tensor[]) => Tensor;
}

const conv2d = (
  name: string,
  x: number[],
  w: number[],
  strides: [number, number] = [1, 1],
  pad: "same" | "valid" | number = "valid",
) =>
  ["Conv2DBackpropFilter", "Conv2DBackpropInput"].map((kernel) => ({
    kernel,
    name,
    shapes: [x, w],
    f: (image: Tensor, filter: Tensor) => tf.conv2d(image as Tensor4D, filter as Tensor4D, strides, pad),
  }));

const depthwise = (name: string, x: number[], w: number[], strides: number) =>
  ["Filter", "Input"].map((what) => ({
    kernel: `DepthwiseConv2dNativeBackprop${what}`,
    name,
    shapes: [x, w],
    f: (image: Tensor, filter: Tensor) => tf.depthwiseConv2d(image as Tensor4D, filter as Tensor4D, strides, "same"),
  }));

const conv3d = (name: string, x: number[], w: number[], strides: [number, number, number]) =>
  ["Filter", "Input"].map((what) => ({
    kernel: `Conv3DBackprop${what}V2`,
    name,
    shapes: [x, w],
    f: (image: Tensor, filter: Tensor) => tf.conv3d(image as Tensor5D, filter as Tensor5D, strides, "same"),
  }));

const maxPool = (name: string, shape: number[], size: [number, number], strides: number, pad: "same" | "valid") => ({
  kernel: "MaxPoolGrad",
  name,
  shapes: [shape],
  f: (x: Tensor) => tf.maxPool(x as Tensor4D, size, strides, pad),
});

const cases: KernelCase[] = [
  ...conv2d("a square filter", [2, 5, 6, 3], [3, 3, 3, 4]),
  ...conv2d("same padding and strides", [2, 6, 7, 2], [3, 2, 2, 3], [2, 3], "same"),
  ...conv2d("a padding of 2, wider than the image needs", [1, 3, 3, 1], [3, 3, 1, 2], [1, 1], 2),
  ...conv2d("same padding, steps beyond the filter", [2, 6, 4, 2], [1, 2, 2, 3], [2, 1], "same"),
  ...conv2d("a filter as wide as the image", [2, 9, 5, 1], [3, 5, 1, 4]),
  ...conv2d("a filter of one place", [2, 3, 3, 4], [1, 1, 4, 2]),
  ...depthwise("one filter a channel", [2, 5, 5, 3], [3, 3, 3, 1], 1),
  ...depthwise("two filters a channel, strides", [2, 6, 6, 3], [3, 2, 3, 2], 2),
  ...depthwise("steps beyond the filter", [2, 6, 4, 3], [2, 1, 3, 2], 3),
  ...[
    [false, true],
    [true, false],
    [true, true],
  ].map(([transposeA = false, transposeB = false]) => ({
    kernel: "_FusedMatMul",
    name: `turned: ${transposeA}, ${transposeB}`,
    shapes: [transposeA ? [4, 3] : [3, 4], transposeB ? [5, 4] : [4, 5], [5]],
    f: (a: Tensor, b: Tensor, bias: Tensor) =>
      tf.fused.matMul({ a: a as Tensor2D, b: b as Tensor2D, transposeA, transposeB, bias, activation: "relu" }),
  })),
  ...(["linear", "relu", "elu", "sigmoid"] as const).map((activation) => ({
    kernel: "_FusedMatMul",
    name: `a stack, ${activation}`,
    shapes: [[3, 2, 4], [3, 5, 4], [5]],
    f: (a: Tensor, b: Tensor, bias: Tensor) =>
      tf.fused.matMul({ a: a as Tensor3D, b: b as Tensor3D, transposeB: true, bias, activation }),
  })),
  {
    kernel: "FusedConv2D",
    name: "same padding, steps beyond the filter",
    shapes: [[2, 4, 6, 2], [1, 2, 2, 3], [3]],
    f: (x, filter, bias) =>
      tf.fused.conv2d({
        x: x as Tensor4D,
        filter: filter as Tensor4D,
        bias: bias as Tensor,
        strides: [1, 3],
        pad: "same",
        activation: "relu",
      }),
  },
  ...conv3d("a cube", [2, 3, 3, 3, 2], [2, 2, 2, 2, 3], [1, 1, 1]),
  ...conv3d("strides", [1, 4, 4, 5, 2], [2, 2, 2, 2, 3], [1, 2, 1]),
  maxPool("windows side by side", [2, 6, 6, 3], [2, 2], 2, "valid"),
  maxPool("windows that overlap, same padding", [2, 5, 7, 2], [3, 3], 2, "same"),
  maxPool("a window over all of a column", [2, 9, 1, 4], [7, 1], 1, "valid"),
  {
    kernel: "MaxPoolGrad",
    name: "windows whose maximum is negative",
    shapes: [[2, 6, 6, 3]],
    f: (x) => tf.maxPool(x.sub(10) as Tensor4D, 2, 2, "valid"),
  },
  ...["MaxPool3D", "MaxPool3DGrad"].map((kernel) => ({
    kernel,
    name: "windows whose maximum is negative",
    shapes: [[2, 4, 4, 4, 2]],
    f: (x: Tensor) => tf.maxPool3d(x.sub(10) as Tensor5D, 2, 2, "valid"),
  })),
  {
    kernel: "MaxPoolGrad",
    name: "equal maxima: the first has the gradient",
    shapes: [[1, 4, 4, 2]],
    f: (x) => tf.maxPool(x.mul(0).add(-1) as Tensor4D, 2, 2, "valid").mul(tf.maxPool(x as Tensor4D, 2, 2, "valid")),
  },
  {
    kernel: "AvgPoolGrad",
    name: "windows that overlap",
    shapes: [[2, 5, 7, 2]],
    f: (x) => tf.avgPool(x as Tensor4D, 3, 2, "valid"),
  },
  {
    kernel: "UnsortedSegmentSum",
    name: "rows looked up, some twice, some never",
    shapes: [[5, 2, 3]],
    f: (x) =>
      tf.gather(
        x,
        tf.tensor2d(
          [
            [4, 0, 4],
            [2, 2, 4],
          ],
          [2, 3],
          "int32",
        ),
      ),
  },
  {
    kernel: "UnsortedSegmentSum",
    name: "columns looked up",
    shapes: [[3, 4]],
    f: (x) => tf.gather(x, tf.tensor1d([3, 1, 3], "int32"), 1),
  },
  ...[false, true].flatMap((turnA) =>
    [false, true].map((turnB) => ({
      kernel: "BatchMatMul",
      name: `turned: ${turnA}, ${turnB}`,
      shapes: [turnA ? [4, 3] : [3, 4], turnB ? [5, 4] : [4, 5]],
      f: (a: Tensor, b: Tensor) => tf.matMul(a, b, turnA, turnB),
    })),
  ),
  {
    kernel: "BatchMatMul",
    name: "stacks",
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    f: (a, b) => tf.matMul(a as Tensor3D, b as Tensor3D, false, true),
  },
];

describe("gradients", () => {
  it.each(cases)("$kernel: $name", async ({ kernel, shapes, f }) => {
    const compute = (): Float32Array[] =>
      tf.tidy(() => {
        const inputs = shapes.map((shape, i) => tensor(tf, shape, i));
        const gradients = tf.grads((...given: Tensor[]) => weighted(tf, f(...given)) as Scalar);
        return [f(...inputs), ...gradients(inputs)].map((result) => result.dataSync() as Float32Array);
      });
    const { cpu, wasm } = await onBoth(tf, compute);
    expectClose(wasm, cpu);
    const { kernelNames } = await tf.profile(() => void compute());
    expect(kernelNames).toContain(kernel);
  });

  it("of a convolution too large to be computed at once add up", () => {
    const [height, width] = [700, 600];
    const sums = tf.tidy(() => {
      const inputs = [tf.ones([1, height, width, 1]), tf.ones([5, 5, 1, 1])];
      const gradients = tf.grads((x, w) => tf.sum(tf.conv2d(x as Tensor4D, w as Tensor4D, 1, "valid")));
      const [ofImage, ofFilter] = gradients(inputs);
      return { image: ofImage!.dataSync(), filter: ofFilter!.dataSync() };
    });
    const places = (height - 4) * (width - 4);
    expect([...sums.filter]).toEqual(Array(25).fill(places));
    // The middle is looked at 25 times, a corner once.
    expect([sums.image[350 * width + 300], sums.image[0], sums.image[2 * width + 1]]).toEqual([25, 1, 6]);
  });

  // The CPU backend is no witness here: it counts padding in the gradient, though not in the average.
  it("of averages beside padding are those of a linear function: gradient · x is the function", () => {
    const [value, product] = tf.tidy(() => {
      const x = tensor(tf, [2, 5, 7, 2]);
      const f = (input: Tensor): Scalar => weighted(tf, tf.avgPool(input as Tensor4D, 3, 2, "same"));
      return [f(x), tf.sum(tf.mul(tf.grad(f)(x), x))].map((result) => result.dataSync()[0]!);
    });
    expect(product).toBeCloseTo(value!, 4);
  });

  it("free what they need in between", () => {
    const step = (): void =>
      tf.tidy(() => {
        const inputs = [tensor(tf, [2, 6, 6, 2]), tensor(tf, [3, 3, 2, 4])];
        tf.grads((x, w) => tf.sum(tf.maxPool(tf.conv2d(x as Tensor4D, w as Tensor4D, 1, "same"), 2, 2, "same")))(
          inputs,
        );
      });
    step();
    const backend = tf.backend();
    const before = backend.numDataIds();
    for (let i = 0; i < 3; i += 1) step();
    expect(backend.numDataIds()).toBe(before);
  });
});
