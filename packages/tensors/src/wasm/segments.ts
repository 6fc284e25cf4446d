// The gradient of looking rows up (an embedding, `tf.gather`): what came back for a row is added up.
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { type KernelCall, wasmKernel } from "./memory.ts";

export function unsortedSegmentSum(): KernelConfig {
  return wasmKernel("UnsortedSegmentSum", ({ inputs, attrs, memory }: KernelCall<{ numSegments: number }>) => {
    const x = inputs["x"] as TensorInfo;
    const segmentIds = inputs["segmentIds"] as TensorInfo;
    const rowShape = x.shape.slice(segmentIds.shape.length);
    const length = rowShape.reduce((product, size) => product * size, 1);
    const out = memory.makeOutput([attrs.numSegments, ...rowShape], x.dtype);
    const sums = memory.typedArrayFromHeap(out).fill(0);
    const values = memory.typedArrayFromHeap(x);
    const ids = memory.typedArrayFromHeap(segmentIds);
    for (let row = 0; row < ids.length; row += 1) {
      const id = ids[row]!;
      // As in TensorFlow: what belongs to no segment is left out.
      if (id < 0 || id >= attrs.numSegments) continue;
      const to = id * length;
      const from = row * length;
      for (let i = 0; i < length; i += 1) sums[to + i]! += values[from + i]!;
    }
    return out;
  });
}
