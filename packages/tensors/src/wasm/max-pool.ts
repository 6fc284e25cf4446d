// The gradient of max pooling. The backend's own starts each window's search at 0, and so finds none below.
import type { backend_util, KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { TensorFlow } from "../types.ts";
import { floats, type KernelCall, wasmKernel, zeros } from "./memory.ts";

interface PoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: "valid" | "same" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Each window hands its gradient to where its maximum was: of equal ones to the first, as the CPU backend does. */
export function maxPoolGrad(tf: TensorFlow): KernelConfig {
  return wasmKernel("MaxPoolGrad", ({ inputs, attrs, memory }: KernelCall<PoolAttributes>) => {
    const input = inputs["input"] as TensorInfo;
    const dy = inputs["dy"] as TensorInfo;
    const shape = input.shape as [number, number, number, number];
    const { filterSize, strides, pad, dimRoundingMode } = attrs;
    const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const dx = zeros(memory, shape);
    handGradientsBack(info, floats(memory, input), floats(memory, dy), floats(memory, dx));
    return dx;
  });
}

function handGradientsBack(info: backend_util.Conv2DInfo, x: Float32Array, dy: Float32Array, dx: Float32Array): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, padInfo } = info;
  const places = new Int32Array(inChannels);
  let out = 0;
  for (let row = 0; row < info.batchSize * outHeight; row += 1) {
    const image = Math.floor(row / outHeight) * inHeight;
    const top = (row % outHeight) * info.strideHeight - padInfo.top;
    const rows = { from: image + Math.max(0, top), to: image + Math.min(inHeight, top + info.effectiveFilterHeight) };
    for (let column = 0; column < outWidth; column += 1) {
      const left = column * info.strideWidth - padInfo.left;
      const columns = { from: Math.max(0, left), to: Math.min(inWidth, left + info.effectiveFilterWidth) };
      findMaxima(x, places, rows, columns, inWidth);
      for (let channel = 0; channel < inChannels; channel += 1) {
        const place = places[channel]!;
        if (place >= 0) dx[place]! += dy[out]!;
        out += 1;
      }
    }
  }
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where the maximum of each channel lies. Channels lie side by side, so that they are the innermost loop. */
function findMaxima(x: Float32Array, places: Int32Array, rows: Span, columns: Span, width: number): void {
  const channels = places.length;
  places.fill(-1);
  for (let row = rows.from; row < rows.to; row += 1) {
    for (let column = columns.from; column < columns.to; column += 1) {
      const at = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) {
        const best = places[channel]!;
        if (best < 0 || x[at + channel]! > x[best]!) places[channel] = at + channel;
      }
    }
  }
}
