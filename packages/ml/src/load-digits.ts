// The digits data set, read from this package's own file.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Matrix } from "./matrix.ts";

export interface Digits {
  /** 1,797 × 64: how dark each pixel is, 0 to 16; 8 × 8 images row by row. */
  readonly data: Matrix;
  /** The digit that each row shows, 0 to 9. */
  readonly target: Int32Array;
  readonly targetNames: readonly string[];
  readonly featureNames: readonly string[];
  readonly description: string;
  /** A fixed split of the rows: 1,257 to train, 540 to test; the one that the reference results were made with. */
  readonly split7030: { readonly train: Int32Array; readonly test: Int32Array };
}

function loadSplit(): Digits["split7030"] {
  const { train, test } = JSON.parse(readFileSync(new URL("../data/digits-split-7030.json", import.meta.url), "utf8"));
  return { train: Int32Array.from(train), test: Int32Array.from(test) };
}

/** Loads 1,797 handwritten digits (UCI, "Optical Recognition of Handwritten Digits", CC BY 4.0). */
export function loadDigits(): Digits {
  const text = gunzipSync(readFileSync(new URL("../data/digits.csv.gz", import.meta.url))).toString("utf8");
  const lines = text.trim().split("\n");
  const cols = 64;
  const data = new Float64Array(lines.length * cols);
  const target = new Int32Array(lines.length);
  for (const [row, line] of lines.entries()) {
    const cells = line.split(",");
    for (let column = 0; column < cols; column++) data[row * cols + column] = Number(cells[column]);
    target[row] = Number(cells[cols]);
  }
  return {
    data: { rows: lines.length, cols, data },
    target,
    targetNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    featureNames: Array.from({ length: cols }, (_, pixel) => `pixel_${Math.floor(pixel / 8)}_${pixel % 8}`),
    description:
      "1,797 handwritten digits of 8 × 8 pixels (E. Alpaydin, C. Kaynak, UCI Machine Learning Repository, CC BY 4.0)",
    split7030: loadSplit(),
  };
}
