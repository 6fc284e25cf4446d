// Gradients of a convolution, as matrix products.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { columnsOf, eachStretch, type Rows, runsOfRows } from "./columns.ts";
import {
  floats,
  free,
  type KernelCall,
  product,
  transposed,
  viewAs,
  type WasmMemory,
  wasmKernel,
  zeros,
} from "./memory.ts";

type Shape4 = [number, number, number, number];
type ConvInfo = backend_util.Conv2DInfo;

interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dataFormat: "NHWC" | "NCHW";
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

function convInfo(
  tf: TensorFlow,
  attrs: ConvAttributes,
  inShape: readonly number[],
  filter: readonly number[],
): ConvInfo {
  const { strides, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(inShape as Shape4, filter as Shape4, strides, 1, pad, dimRoundingMode);
}

/** By how much the loss changes with each weight of the filter: what it looked at, times the gradient of what it gave. */
export function conv2DBackpropFilter(tf: TensorFlow): KernelConfig {
  return wasmKernel(
    "Conv2DBackpropFilter",
    ({ inputs, attrs, memory }: KernelCall<ConvAttributes & { filterShape: Shape4 }>) => {
      const x = inputs["x"] as TensorInfo;
      const dy = inputs["dy"] as TensorInfo;
      const info = convInfo(tf, attrs, x.shape, attrs.filterShape);
      // Rows are channels of the output. The other way round the columns would have to be turned, which are larger.
      const sum = zeros(memory, [info.outChannels, columnsOf(info)]);
      for (const rows of runsOfRows(info)) {
        const part = filterGradient(tf, memory, info, rows, x, dy);
        const total = floats(memory, sum);
        const values = floats(memory, part);
        for (let i = 0; i < total.length; i += 1) total[i]! += values[i]!;
        free(memory, part);
      }
      const filter = transposed(tf, memory, sum);
      free(memory, sum);
      return { ...filter, shape: [...attrs.filterShape] };
    },
  );
}

function filterGradient(
  tf: TensorFlow,
  memory: WasmMemory,
  info: ConvInfo,
  rows: Rows,
  x: TensorInfo,
  dy: TensorInfo,
): TensorInfo {
  const places = (rows.end - rows.first) * info.outWidth;
  const columns = zeros(memory, [places, columnsOf(info)]);
  const gradient = part(memory, info, rows, dy);
  const turned = transposed(tf, memory, gradient);
  if (gradient.dataId !== dy.dataId) free(memory, gradient);
  const image = floats(memory, x);
  const into = floats(memory, columns);
  eachStretch(info, rows, (imageAt, columnAt, length) => {
    for (let i = 0; i < length; i += 1) into[columnAt + i] = image[imageAt + i]!;
  });
  const result = product(tf, memory, turned, columns);
  free(memory, turned, columns);
  return result;
}

/** The gradient of some rows of the output, as a matrix of places × channels. */
function part(memory: WasmMemory, info: ConvInfo, { first, end }: Rows, dy: TensorInfo): TensorInfo {
  const perRow = info.outWidth * info.outChannels;
  const shape = [(end - first) * info.outWidth, info.outChannels];
  if (end - first === info.batchSize * info.outHeight) return viewAs(dy, shape);
  const copy = memory.makeOutput(shape, "float32");
  floats(memory, copy).set(floats(memory, dy).subarray(first * perRow, end * perRow));
  return copy;
}

/** By how much the loss changes with each number of the image. The backend's own kernel computes it without SIMD. */
export function conv2DBackpropInput(tf: TensorFlow): KernelConfig {
  return wasmKernel(
    "Conv2DBackpropInput",
    ({ inputs, attrs, memory }: KernelCall<ConvAttributes & { inputShape: Shape4 }>) => {
      const dy = inputs["dy"] as TensorInfo;
      const filter = inputs["filter"] as TensorInfo;
      const info = convInfo(tf, attrs, attrs.inputShape, filter.shape);
      const turned = transposed(tf, memory, viewAs(filter, [columnsOf(info), info.outChannels]));
      const dx = zeros(memory, info.inShape);
      for (const rows of runsOfRows(info)) {
        const gradient = part(memory, info, rows, dy);
        const columns = product(tf, memory, gradient, turned);
        if (gradient.dataId !== dy.dataId) free(memory, gradient);
        const into = floats(memory, dx);
        const values = floats(memory, columns);
        eachStretch(info, rows, (imageAt, columnAt, length) => {
          for (let i = 0; i < length; i += 1) into[imageAt + i]! += values[columnAt + i]!;
        });
        free(memory, columns);
      }
      free(memory, turned);
      return dx;
    },
  );
}
