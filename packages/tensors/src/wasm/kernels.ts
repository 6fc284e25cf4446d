// What the wasm backend lacks for training, does wrongly, or does so slowly that nobody would wait.
import type { KernelConfig } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { borrowedKernel } from "./borrowed.ts";
import { conv2DBackpropFilter, conv2DBackpropInput } from "./conv2d.ts";
import { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise.ts";
import { batchMatMul, fusedMatMul } from "./mat-mul.ts";
import { type OwnKernel, ownKernels } from "./memory.ts";
import { avgPoolGrad, maxPoolGrad } from "./pooling.ts";
import { samePadding } from "./same-padding.ts";
import { unsortedSegmentSum } from "./segments.ts";

function missing(tf: TensorFlow, own: OwnKernel): KernelConfig[] {
  return [conv2DBackpropFilter(tf, own), depthwiseFilterGradient(tf), depthwiseInputGradient(tf), unsortedSegmentSum()];
}

function mended(tf: TensorFlow, own: OwnKernel): KernelConfig[] {
  return [
    maxPoolGrad(tf),
    avgPoolGrad(tf),
    // Of volumes its own are wrong: maxima below 0 are not found, filters turned round, strides taken for 1.
    borrowedKernel(tf, "MaxPool3D"),
    borrowedKernel(tf, "MaxPool3DGrad"),
    borrowedKernel(tf, "Conv3DBackpropInputV2"),
    borrowedKernel(tf, "Conv3DBackpropFilterV2"),
    conv2DBackpropInput(tf, own),
    batchMatMul(own),
    fusedMatMul(own),
    ...samePadding(tf, own),
  ];
}

/** Registers them. What a newer version of the backend no longer lacks is left alone. */
export function mendWasmKernels(tf: TensorFlow): void {
  const own = ownKernels(tf);
  for (const kernel of missing(tf, own)) {
    if (tf.getKernel(kernel.kernelName, "wasm") == null) tf.registerKernel(kernel);
  }
  for (const kernel of mended(tf, own)) {
    tf.unregisterKernel(kernel.kernelName, "wasm");
    tf.registerKernel(kernel);
  }
}
