// Sequences of different lengths as one tensor, as Keras's `pad_sequences` makes it.

import { FlockError } from "@taskflock/protocol/words";
import { type Check, count, either, oneOf } from "../estimators/parameter-checks.ts";
import { kindOf } from "../kinds.ts";
import { resolveOptions } from "../options.ts";
import type { Tensor } from "../training/types.ts";

export interface PadOptions {
  /** Columns; default: as many as the longest sequence has. */
  readonly maxLen?: number | null;
  /** Where shorter sequences are filled: before or after; default "pre". */
  readonly padding?: "pre" | "post";
  /** Where longer sequences lose what is too much: at the beginning or at the end; default "pre". */
  readonly truncating?: "pre" | "post";
  /** What fills; default 0. */
  readonly value?: number;
}

/** A tensor of whole numbers. */
export interface IntTensor extends Tensor {
  readonly data: Int32Array;
}

const whole: Check = (value) =>
  typeof value === "number" && value === (value | 0) ? null : "a whole number of 32 bits";

/** More columns than any tensor has: their numbers would not fit into one array. */
const mostColumns = 2 ** 31;
const columns: Check = (value) =>
  count(value) === null && (value as number) < mostColumns ? null : "a whole number above 0 and below 2³¹";

const checks: { readonly [K in keyof Required<PadOptions>]: Check } = {
  maxLen: either(oneOf(null), columns),
  padding: oneOf("pre", "post"),
  truncating: oneOf("pre", "post"),
  value: whole,
};

const defaults: Required<PadOptions> = { maxLen: null, padding: "pre", truncating: "pre", value: 0 };

/** One row of `maxLen` numbers per sequence. Throws FLOCK_OPTION_INVALID, or FLOCK_ML_INPUT for what is no whole number. */
export function padSequences(sequences: readonly ArrayLike<number>[], options: PadOptions = {}): IntTensor {
  const all = resolveOptions<Required<PadOptions>>("padSequences", options, defaults, checks);
  checkSequences(sequences);
  const cols = all.maxLen ?? sequences.reduce((most, { length }) => Math.max(most, length), 0);
  const data = new Int32Array(sequences.length * cols).fill(all.value);
  for (const [row, sequence] of sequences.entries()) {
    const taken = Math.min(sequence.length, cols);
    const from = all.truncating === "pre" ? sequence.length - taken : 0;
    const start = row * cols + (all.padding === "pre" ? cols - taken : 0);
    for (let k = 0; k < taken; k++) data[start + k] = checkedNumber(sequence[from + k], row);
  }
  return { data, shape: [sequences.length, cols] };
}

function checkSequences(sequences: unknown): void {
  if (!Array.isArray(sequences))
    throw wrongInput(`The sequences are ${kindOf(sequences)}. Give an array of sequences of whole numbers.`);
  const bad = sequences.findIndex((one: unknown) => !Array.isArray(one) && !ArrayBuffer.isView(one));
  if (bad >= 0)
    throw wrongInput(`Sequence ${bad} is ${kindOf(sequences[bad])}. Give an array of sequences of whole numbers.`);
}

function checkedNumber(value: unknown, row: number): number {
  if (whole(value) === null) return value as number;
  throw wrongInput(`Sequence ${row} holds ${String(value)}, which is no whole number of 32 bits.`);
}

function wrongInput(message: string): FlockError {
  return new FlockError("FLOCK_ML_INPUT", message);
}
