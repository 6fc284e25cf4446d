// A convolution as a matrix product: what each place of the output looked at, as a row of a matrix, and back.
import type { backend_util } from "@tensorflow/tfjs";

type ConvInfo = backend_util.Conv2DInfo;

/** A run of places of the output: whole rows of images, which follow each other through the batch. */
export interface Rows {
  readonly first: number;
  readonly end: number;
}

/** Rows whose columns take at most this many numbers (32 MiB) are computed at once. */
const most = 8 * 1024 * 1024;

export function* runsOfRows(info: ConvInfo): Generator<Rows> {
  const total = info.batchSize * info.outHeight;
  const perRow = info.outWidth * columnsOf(info);
  const step = Math.max(1, Math.floor(most / perRow));
  for (let first = 0; first < total; first += step) yield { first, end: Math.min(total, first + step) };
}

export function columnsOf(info: ConvInfo): number {
  return info.filterHeight * info.filterWidth * info.inChannels;
}

/** Calls `visit` for each stretch of numbers that lies side by side in the image and in the columns. */
export function eachStretch(
  info: ConvInfo,
  rows: Rows,
  visit: (imageAt: number, columnAt: number, length: number) => void,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, filterHeight, filterWidth, padInfo } = info;
  const filterRow = filterWidth * inChannels;
  for (let row = rows.first; row < rows.end; row += 1) {
    const image = Math.floor(row / outHeight) * inHeight;
    const top = (row % outHeight) * strideHeight - padInfo.top;
    for (let column = 0; column < outWidth; column += 1) {
      const left = column * info.strideWidth - padInfo.left;
      // What of the filter's width lies inside of the image.
      const from = Math.max(0, -left);
      const to = Math.min(filterWidth, inWidth - left);
      if (to <= from) continue;
      const base = ((row - rows.first) * outWidth + column) * filterHeight * filterRow + from * inChannels;
      for (let y = Math.max(0, -top); y < filterHeight && top + y < inHeight; y += 1) {
        const imageAt = ((image + top + y) * inWidth + left + from) * inChannels;
        visit(imageAt, base + y * filterRow, (to - from) * inChannels);
      }
    }
  }
}
