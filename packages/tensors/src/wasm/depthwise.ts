// Gradients of a depthwise convolution: each channel of the image has filters of its own, `multiplier` of them.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { floats, type KernelCall, wasmKernel, zeros } from "./memory.ts";

type Shape4 = [number, number, number, number];
type ConvInfo = backend_util.Conv2DInfo;

interface DepthwiseAttributes {
  readonly strides: number | [number, number];
  readonly dilations: number | [number, number];
  readonly pad: "valid" | "same" | number;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

function depthwiseInfo(
  tf: TensorFlow,
  attrs: DepthwiseAttributes,
  inShape: readonly number[],
  filter: readonly number[],
): ConvInfo {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  const shapes = [inShape as Shape4, filter as Shape4] as const;
  return tf.backend_util.computeConv2DInfo(...shapes, strides, dilations, pad, dimRoundingMode, true);
}

export function depthwiseFilterGradient(tf: TensorFlow): KernelConfig {
  type Attributes = DepthwiseAttributes & { readonly filterShape: Shape4 };
  return wasmKernel("DepthwiseConv2dNativeBackpropFilter", ({ inputs, attrs, memory }: KernelCall<Attributes>) => {
    const info = depthwiseInfo(tf, attrs, (inputs["x"] as TensorInfo).shape, attrs.filterShape);
    const dw = zeros(memory, attrs.filterShape);
    const x = floats(memory, inputs["x"] as TensorInfo);
    const dy = floats(memory, inputs["dy"] as TensorInfo);
    const sums = floats(memory, dw);
    const multiplier = info.outChannels / info.inChannels;
    eachMeeting(info, (imageAt, filterAt, outAt) => {
      for (let i = 0; i < info.outChannels; i += 1)
        sums[filterAt + i]! += x[imageAt + Math.floor(i / multiplier)]! * dy[outAt + i]!;
    });
    return dw;
  });
}

export function depthwiseInputGradient(tf: TensorFlow): KernelConfig {
  type Attributes = DepthwiseAttributes & { readonly inputShape: Shape4 };
  return wasmKernel("DepthwiseConv2dNativeBackpropInput", ({ inputs, attrs, memory }: KernelCall<Attributes>) => {
    const info = depthwiseInfo(tf, attrs, attrs.inputShape, (inputs["filter"] as TensorInfo).shape);
    const dx = zeros(memory, info.inShape);
    const dy = floats(memory, inputs["dy"] as TensorInfo);
    const weights = floats(memory, inputs["filter"] as TensorInfo);
    const sums = floats(memory, dx);
    const multiplier = info.outChannels / info.inChannels;
    eachMeeting(info, (imageAt, filterAt, outAt) => {
      for (let i = 0; i < info.outChannels; i += 1)
        sums[imageAt + Math.floor(i / multiplier)]! += weights[filterAt + i]! * dy[outAt + i]!;
    });
    return dx;
  });
}

/** Calls `visit` for each place of the output and each place of the filter that lies inside of the image there. */
function eachMeeting(info: ConvInfo, visit: (imageAt: number, filterAt: number, outAt: number) => void): void {
  const { inHeight, inWidth, outHeight, outWidth, padInfo } = info;
  for (let row = 0; row < info.batchSize * outHeight; row += 1) {
    const image = Math.floor(row / outHeight) * inHeight;
    const top = (row % outHeight) * info.strideHeight - padInfo.top;
    for (let column = 0; column < outWidth; column += 1) {
      const left = column * info.strideWidth - padInfo.left;
      const outAt = (row * outWidth + column) * info.outChannels;
      for (let fy = 0; fy < info.filterHeight; fy += 1) {
        const y = top + fy * info.dilationHeight;
        if (y < 0 || y >= inHeight) continue;
        for (let fx = 0; fx < info.filterWidth; fx += 1) {
          const x = left + fx * info.dilationWidth;
          if (x < 0 || x >= inWidth) continue;
          const imageAt = ((image + y) * inWidth + x) * info.inChannels;
          visit(imageAt, (fy * info.filterWidth + fx) * info.outChannels, outAt);
        }
      }
    }
  }
}
