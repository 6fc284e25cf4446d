import { describe, expect, it } from "vitest";
import { type IntTensor, type PadOptions, padSequences } from "../../src/index.ts";
import { textReference } from "./reference.ts";

const rowsOf = ({ data, shape: [rows = 0, cols = 0] }: IntTensor): number[][] =>
  Array.from({ length: rows }, (_, row) => [...data.subarray(row * cols, (row + 1) * cols)]);

describe("padSequences", () => {
  it.each(textReference.pads.map((pad) => [JSON.stringify(pad.options), pad] as const))(
    "is Keras's with %s",
    (_, pad) => {
      const padded = padSequences(textReference.sequences, pad.options);
      expect(rowsOf(padded)).toEqual(pad.padded);
      expect(padded.data).toBeInstanceOf(Int32Array);
    },
  );

  it("fills and cuts at the beginning by default, and takes typed arrays", () => {
    expect(rowsOf(padSequences([Int32Array.of(1), Int32Array.of(2, 3, 4)], { maxLen: 2 }))).toEqual([
      [0, 1],
      [3, 4],
    ]);
  });

  it("makes an empty tensor of nothing", () => {
    expect(padSequences([])).toEqual({ data: new Int32Array(0), shape: [0, 0] });
    expect(padSequences([[], []]).shape).toEqual([2, 0]);
  });

  it.each([
    [{ maxLen: 0 }, "padSequences: maxLen must be one of null, or a whole number above 0 and below 2³¹, but is 0."],
    [{ padding: "left" }, 'padSequences: padding must be one of "pre", "post", but is "left".'],
    [{ value: 0.5 }, "padSequences: value must be a whole number of 32 bits, but is 0.5."],
    [{ value: 2 ** 31 }, "padSequences: value must be a whole number of 32 bits, but is 2147483648."],
    [
      { maxLen: 1e12 },
      "padSequences: maxLen must be one of null, or a whole number above 0 and below 2³¹, but is 1000000000000.",
    ],
    [{ maxlen: 3 }, 'padSequences: there is no parameter "maxlen"; it has maxLen, padding, truncating, value.'],
  ])("refuses %j", (options, message) => {
    expect(() => padSequences([[1]], options as PadOptions)).toThrowError(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID", message }),
    );
  });

  it("refuses what is no whole number", () => {
    expect(() => padSequences([[1], [2, 2.5]])).toThrowError(
      "Sequence 1 holds 2.5, which is no whole number of 32 bits.",
    );
    expect(() => padSequences([[-(2 ** 31), 2 ** 31]])).toThrowError("Sequence 0 holds 2147483648");
  });

  it.each([
    [undefined, "The sequences are undefined."],
    [[1, 2], "Sequence 0 is a number."],
    [[[1], null], "Sequence 1 is null."],
    [["ab"], "Sequence 0 is a string."],
  ])("refuses %j", (sequences, message) => {
    expect(() => padSequences(sequences as number[][])).toThrowError(
      expect.objectContaining({ code: "FLOCK_ML_INPUT", message: expect.stringContaining(message) }),
    );
  });
});
