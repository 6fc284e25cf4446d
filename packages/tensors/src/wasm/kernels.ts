// What the wasm backend lacks for training, or does wrongly.
import type { KernelConfig } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { borrowedKernel } from "./borrowed.ts";
import { conv2DBackpropFilter, conv2DBackpropInput } from "./conv2d.ts";
import { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise.ts";
import { maxPoolGrad } from "./max-pool.ts";
import { unsortedSegmentSum } from "./segments.ts";

function added(tf: TensorFlow): KernelConfig[] {
  return [
    conv2DBackpropFilter(tf),
    depthwiseFilterGradient(tf),
    depthwiseInputGradient(tf),
    unsortedSegmentSum(),
    borrowedKernel(tf, "Einsum"),
  ];
}

function mended(tf: TensorFlow): KernelConfig[] {
  return [maxPoolGrad(tf), conv2DBackpropInput(tf)];
}

/** Registers them. A kernel that a newer version of the backend brings itself is left alone. */
export function mendWasmKernels(tf: TensorFlow): void {
  const known = new Set(tf.getKernelsForBackend("wasm").map(({ kernelName }) => kernelName));
  for (const kernel of added(tf)) {
    if (!known.has(kernel.kernelName)) tf.registerKernel(kernel);
  }
  for (const kernel of mended(tf)) {
    if (known.has(kernel.kernelName)) tf.unregisterKernel(kernel.kernelName, "wasm");
    tf.registerKernel(kernel);
  }
}
