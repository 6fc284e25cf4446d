// Gradients of a convolution, as matrix products. Channels come last; the backend convolves no others.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { columnsOf, eachStretch, type Rows, runsOfRows } from "./columns.ts";
import { floats, free, type KernelCall, type OwnKernel, viewAs, type WasmMemory, wasmKernel, zeros } from "./memory.ts";

type Shape4 = [number, number, number, number];
type ConvInfo = backend_util.Conv2DInfo;

interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dataFormat: "NHWC" | "NCHW";
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

type FilterCall = KernelCall<ConvAttributes & { readonly filterShape: Shape4 }>;
type InputCall = KernelCall<ConvAttributes & { readonly inputShape: Shape4 }>;

/** One gradient being computed. */
interface Work {
  readonly own: OwnKernel;
  readonly memory: WasmMemory;
  readonly info: ConvInfo;
}

function convInfo(
  tf: TensorFlow,
  attrs: ConvAttributes,
  image: readonly number[],
  filter: readonly number[],
): ConvInfo {
  const { strides, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(image as Shape4, filter as Shape4, strides, 1, pad, dimRoundingMode);
}

/** By how much the loss changes with each weight of the filter: what it looked at, times the gradient of what it gave. */
export function conv2DBackpropFilter(tf: TensorFlow, own: OwnKernel): KernelConfig {
  return wasmKernel("Conv2DBackpropFilter", ({ inputs, attrs, memory }: FilterCall) => {
    const x = inputs["x"] as TensorInfo;
    const dy = inputs["dy"] as TensorInfo;
    const info = convInfo(tf, attrs, x.shape, attrs.filterShape);
    const work = { own, memory, info };
    // Rows are channels of the output. The other way round the columns would have to be turned, which are larger.
    const sum = zeros(memory, [info.outChannels, columnsOf(info)]);
    for (const rows of runsOfRows(info)) {
      const part = filterGradient(work, rows, x, dy);
      const total = floats(memory, sum);
      const values = floats(memory, part);
      for (let i = 0; i < total.length; i += 1) total[i]! += values[i]!;
      free(memory, part);
    }
    const filter = own.transposed(memory, sum);
    free(memory, sum);
    return { ...filter, shape: [...attrs.filterShape] };
  });
}

function filterGradient(work: Work, rows: Rows, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { own, memory, info } = work;
  const columns = zeros(memory, [(rows.end - rows.first) * info.outWidth, columnsOf(info)]);
  const gradient = gradientOf(work, rows, dy);
  const turned = own.transposed(memory, gradient);
  if (gradient.dataId !== dy.dataId) free(memory, gradient);
  const image = floats(memory, x);
  const into = floats(memory, columns);
  eachStretch(info, rows, (imageAt, columnAt, length) => {
    for (let i = 0; i < length; i += 1) into[columnAt + i] = image[imageAt + i]!;
  });
  const result = own.product(memory, turned, columns);
  free(memory, turned, columns);
  return result;
}

/** The gradient of some rows of the output, as a matrix of places × channels: a copy, unless it is of all rows. */
function gradientOf({ memory, info }: Work, { first, end }: Rows, dy: TensorInfo): TensorInfo {
  const perRow = info.outWidth * info.outChannels;
  const shape = [(end - first) * info.outWidth, info.outChannels];
  if (end - first === info.batchSize * info.outHeight) return viewAs(dy, shape);
  const copy = memory.makeOutput(shape, "float32");
  floats(memory, copy).set(floats(memory, dy).subarray(first * perRow, end * perRow));
  return copy;
}

/** By how much the loss changes with each number of the image. The backend's own kernel computes it without SIMD. */
export function conv2DBackpropInput(tf: TensorFlow, own: OwnKernel): KernelConfig {
  return wasmKernel("Conv2DBackpropInput", ({ inputs, attrs, memory }: InputCall) => {
    if (attrs.dataFormat === "NCHW") return own.run(memory, "Conv2DBackpropInput", inputs, attrs);
    const dy = inputs["dy"] as TensorInfo;
    const filter = inputs["filter"] as TensorInfo;
    const info = convInfo(tf, attrs, attrs.inputShape, filter.shape);
    const turned = own.transposed(memory, viewAs(filter, [columnsOf(info), info.outChannels]));
    const dx = zeros(memory, info.inShape);
    for (const rows of runsOfRows(info)) addImage({ own, memory, info }, rows, dy, turned, dx);
    free(memory, turned);
    return dx;
  });
}

function addImage(work: Work, rows: Rows, dy: TensorInfo, filter: TensorInfo, dx: TensorInfo): void {
  const { own, memory, info } = work;
  const gradient = gradientOf(work, rows, dy);
  const columns = own.product(memory, gradient, filter);
  if (gradient.dataId !== dy.dataId) free(memory, gradient);
  const into = floats(memory, dx);
  const values = floats(memory, columns);
  eachStretch(info, rows, (imageAt, columnAt, length) => {
    for (let i = 0; i < length; i += 1) into[imageAt + i]! += values[columnAt + i]!;
  });
  free(memory, columns);
}
