// Gradients of pooling.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { floats, type KernelCall, wasmKernel, zeros } from "./memory.ts";

type Shape4 = [number, number, number, number];
type PoolInfo = backend_util.Conv2DInfo;

interface PoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/**
 * Each window hands its gradient to where its maximum was: of equal ones to the first, as the CPU backend does. The wasm backend's
 * own begins each search at 0, and so finds no maximum below.
 */
export function maxPoolGrad(tf: TensorFlow): KernelConfig {
  return wasmKernel("MaxPoolGrad", ({ inputs, attrs, memory }: KernelCall<PoolAttributes>) => {
    const info = infoOf(tf, attrs, inputs["input"] as TensorInfo);
    const dx = zeros(memory, info.inShape);
    const [x, dy, sums] = [inputs["input"]!, inputs["dy"]!, dx].map((tensor) => floats(memory, tensor));
    const places = new Int32Array(info.inChannels);
    eachWindow(info, (window, at) => {
      findMaxima(x!, places, window, info.inWidth);
      for (const [channel, place] of places.entries()) sums![place]! += dy![at + channel]!;
    });
    return dx;
  });
}

/** Each window hands equal parts to what it averaged. The backend's own counts padding too, which was no part of the average. */
export function avgPoolGrad(tf: TensorFlow): KernelConfig {
  return wasmKernel("AvgPoolGrad", ({ inputs, attrs, memory }: KernelCall<PoolAttributes>) => {
    const info = infoOf(tf, attrs, inputs["input"] as TensorInfo);
    const dx = zeros(memory, info.inShape);
    const [dy, sums] = [inputs["dy"]!, dx].map((tensor) => floats(memory, tensor));
    const channels = info.inChannels;
    eachWindow(info, (window, at) => {
      const part = 1 / ((window.rowsEnd - window.rows) * (window.columnsEnd - window.columns));
      eachPlace(window, info.inWidth, (place) => {
        for (let channel = 0; channel < channels; channel += 1)
          sums![place * channels + channel]! += dy![at + channel]! * part;
      });
    });
    return dx;
  });
}

function infoOf(tf: TensorFlow, attrs: PoolAttributes, { shape }: TensorInfo): PoolInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computePool2DInfo(shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
}

/** What of a window lies inside of its image. Rows count through the whole batch. */
interface Window {
  readonly rows: number;
  readonly rowsEnd: number;
  readonly columns: number;
  readonly columnsEnd: number;
}

/** Calls `visit` for each window, with where its results begin in the output. */
function eachWindow(info: PoolInfo, visit: (window: Window, at: number) => void): void {
  const { inHeight, inWidth, outHeight, outWidth, padInfo } = info;
  for (let row = 0; row < info.batchSize * outHeight; row += 1) {
    const image = Math.floor(row / outHeight) * inHeight;
    const top = (row % outHeight) * info.strideHeight - padInfo.top;
    for (let column = 0; column < outWidth; column += 1) {
      const left = column * info.strideWidth - padInfo.left;
      const window = {
        rows: image + Math.max(0, top),
        rowsEnd: image + Math.min(inHeight, top + info.filterHeight),
        columns: Math.max(0, left),
        columnsEnd: Math.min(inWidth, left + info.filterWidth),
      };
      visit(window, (row * outWidth + column) * info.inChannels);
    }
  }
}

function eachPlace({ rows, rowsEnd, columns, columnsEnd }: Window, width: number, visit: (at: number) => void): void {
  for (let row = rows; row < rowsEnd; row += 1) {
    for (let column = columns; column < columnsEnd; column += 1) visit(row * width + column);
  }
}

/** Where the maximum of each channel lies. Channels lie side by side, so that they are the innermost loop. */
function findMaxima(x: Float32Array, maxima: Int32Array, window: Window, width: number): void {
  const channels = maxima.length;
  maxima.fill(-1);
  eachPlace(window, width, (place) => {
    const at = place * channels;
    for (let channel = 0; channel < channels; channel += 1) {
      const best = maxima[channel]!;
      if (best < 0 || x[at + channel]! > x[best]!) maxima[channel] = at + channel;
    }
  });
}
