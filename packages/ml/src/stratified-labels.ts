// Splits rows that have several labels each, so that every label has its share on both sides (Sechidis and others, 2011).

import { shuffle } from "./random.ts";
import { rowSize } from "./tensors.ts";
import type { Tensor } from "./training/types.ts";

/**
 * Rows of each of the sides, which have `sizes[side]` rows, all rows together. The rarest label is dealt out first: it has the
 * fewest rows to choose from.
 */
export function stratifiedByLabels(y: Tensor, sizes: readonly number[], random: () => number): Int32Array[] {
  const labels = rowSize(y);
  const rows = y.shape[0] as number;
  const rowsWith = rowsByLabel(y, rows, labels, random);
  const left = Int32Array.from(rowsWith, (own) => own.length);
  const room = Int32Array.from(sizes);
  const wanted = sizes.map((size) => Float64Array.from(rowsWith, (own) => (own.length * size) / rows));
  const sideOf = new Int32Array(rows).fill(-1);
  const place = (row: number, side: number): void => {
    sideOf[row] = side;
    room[side] = (room[side] as number) - 1;
    for (let label = 0; label < labels; label++) {
      if (y.data[row * labels + label] === 0) continue;
      left[label] = (left[label] as number) - 1;
      const own = wanted[side] as Float64Array;
      own[label] = (own[label] as number) - 1;
    }
  };
  for (let label = rarest(left); label >= 0; label = rarest(left)) {
    for (const row of rowsWith[label] as Int32Array) {
      if (sideOf[row] === -1) place(row, neediest(wanted, room, label));
    }
  }
  const unlabelled = shuffle(
    Int32Array.from(sideOf.keys()).filter((row) => sideOf[row] === -1),
    random,
  );
  for (const row of unlabelled) place(row, room.indexOf(Math.max(...room)));
  return sizes.map((_, side) =>
    shuffle(
      Int32Array.from(sideOf.keys()).filter((row) => sideOf[row] === side),
      random,
    ),
  );
}

function rowsByLabel({ data }: Tensor, rows: number, labels: number, random: () => number): Int32Array[] {
  const order = shuffle(
    Int32Array.from({ length: rows }, (_, row) => row),
    random,
  );
  return Array.from({ length: labels }, (_, label) => order.filter((row) => data[row * labels + label] !== 0));
}

/** The label with the fewest rows left, but some; -1 when all are placed. */
function rarest(left: Int32Array): number {
  let found = -1;
  for (const [label, count] of left.entries()) {
    if (count > 0 && (found < 0 || count < (left[found] as number))) found = label;
  }
  return found;
}

/** Of the sides with room that which wants most rows of the label; of those that want as many, the one with the most room. */
function neediest(wanted: readonly Float64Array[], room: Int32Array, label: number): number {
  let best = -1;
  for (const [side, own] of wanted.entries()) {
    if (room[side] === 0) continue;
    const more = best < 0 ? 1 : (own[label] as number) - (wanted[best]?.[label] as number);
    if (more > 0 || (more === 0 && (room[side] as number) > (room[best] as number))) best = side;
  }
  return best;
}
