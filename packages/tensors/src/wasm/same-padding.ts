// Convolutions with padding "same" whose steps go beyond their filter. The backend's own kernels then take what there is to pad, a number
// below 0, for a very large one, and give nothing but zeros.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { type KernelCall, type OwnKernel, wasmKernel } from "./memory.ts";

type Shape4 = [number, number, number, number];
type ConvInfo = backend_util.Conv2DInfo;

interface ConvAttributes {
  readonly strides: number | [number, number];
  /** null: none, as layers give it. */
  readonly dilations: number | [number, number] | null;
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** The convolutions, with the padding in numbers where it has to be: those say the same, and are read rightly. */
export function samePadding(tf: TensorFlow, own: OwnKernel): KernelConfig[] {
  const mended = (kernelName: string, depthwise: boolean): KernelConfig =>
    wasmKernel(kernelName, ({ inputs, attrs, memory }: KernelCall<ConvAttributes>) => {
      const pad = attrs.pad === "same" ? (paddingInNumbers(tf, inputs, attrs, depthwise) ?? attrs.pad) : attrs.pad;
      return own.run(memory, kernelName, inputs, { ...attrs, pad });
    });
  return [
    mended("Conv2D", false),
    mended("FusedConv2D", false),
    mended("DepthwiseConv2dNative", true),
    mended("FusedDepthwiseConv2D", true),
  ];
}

/** null: the padding is read rightly as it is. */
function paddingInNumbers(
  tf: TensorFlow,
  inputs: KernelCall<ConvAttributes>["inputs"],
  { strides, dilations, pad, dimRoundingMode }: ConvAttributes,
  depthwise: boolean,
): backend_util.ExplicitPadding | null {
  const shapes = [
    (inputs["x"] as TensorInfo).shape as Shape4,
    (inputs["filter"] as TensorInfo).shape as Shape4,
  ] as const;
  const info = tf.backend_util.computeConv2DInfo(...shapes, strides, dilations ?? 1, pad, dimRoundingMode, depthwise);
  if (!goesBeyond(info)) return null;
  const { top, bottom, left, right } = info.padInfo;
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/** Whether the last step ends before the image does. */
function goesBeyond(info: ConvInfo): boolean {
  const rest = (out: number, stride: number, filter: number, size: number): number =>
    (out - 1) * stride + filter - size;
  return (
    rest(info.outHeight, info.strideHeight, info.effectiveFilterHeight, info.inHeight) < 0 ||
    rest(info.outWidth, info.strideWidth, info.effectiveFilterWidth, info.inWidth) < 0
  );
}
