import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { checkedSet, splitLast, toTensor } from "../../src/training/run/tensor-input.ts";

const refused = (text: string): unknown =>
  expect.objectContaining({ code: "FLOCK_ML_INPUT", message: expect.stringContaining(text) });

describe("arrays as users have them", () => {
  it("become tensors", () => {
    expect(
      toTensor("x", [
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ).toEqual({ data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] });
    expect(toTensor("x", [[[1], [2]]])).toEqual({ data: Float32Array.of(1, 2), shape: [1, 2, 1] });
    expect(toTensor("x", [Float32Array.of(1, 2), Float64Array.of(3, 4)]).shape).toEqual([2, 2]);
    expect(toTensor("x", [1, 0, 1])).toEqual({ data: Float32Array.of(1, 0, 1), shape: [3] });
    expect(toTensor("x", { rows: 1, cols: 2, data: Float64Array.of(1, 2) })).toEqual({
      ...{ data: Float32Array.of(1, 2), shape: [1, 2] },
    });
  });

  it("that are typed are taken as they are where models can take them", () => {
    const data = Int32Array.of(1, 2, 3, 4);
    expect(toTensor("x", { data, shape: [2, 2] }).data).toBe(data);
    expect(toTensor("x", data)).toEqual({ data, shape: [4] });
  });

  it("are refused with the place that is wrong", () => {
    expect(() => toTensor("x", [[1, 2], [3]])).toThrow(refused("x[1] has 1 values where the first one has 2"));
    expect(() => toTensor("x", [[1, 2], 3])).toThrow(refused("x[1] has 3 where"));
    expect(() => toTensor("x", [["1"]])).toThrow(refused('x[0][0] is "1", not a number'));
    expect(() => toTensor("x", Float32Array.of(0, Number.POSITIVE_INFINITY))).toThrow(
      refused("Infinity as its value 1"),
    );
    expect(() => toTensor("x", { data: Float32Array.of(1), shape: [2, 2] })).toThrow(refused("holds 4"));
    expect(() => toTensor("x", { data: Float32Array.of(1), shape: [1.5] })).toThrow(refused("lengths of axes"));
    expect(() => toTensor("x", [])).toThrow(refused("empty"));
    expect(() => toTensor("x", new Map())).toThrow(refused("It takes nested arrays"));
    expect(() => toTensor("x", { rows: 1, cols: 1, indptr: [0], data: Float64Array.of(1) })).toThrow(
      refused("nested arrays"),
    );
    expect(() => checkedSet("data", [1])).toThrow(refused("data is an array. It takes { x, y }"));
    expect(() => toTensor("x", [[Number.NaN]])).toThrow(refused("x[0][0] is NaN, not a finite number"));
    expect(() => toTensor("x", tf.tensor1d([1]))).toThrow(
      refused("{ data: await tensor.data(), shape: tensor.shape }"),
    );
    expect(() => checkedSet("data", { x: [1, 2] })).toThrow(refused("data has no y. It takes { x, y }"));
    expect(() => checkedSet("data", { x: [1, 2], y: [1] })).toThrow(refused("data.x has 2 rows and data.y has 1"));
  });
});

describe("a share of the last rows", () => {
  const set = checkedSet("data", {
    x: [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ],
    y: [1, 2, 3, 4, 5],
  });

  it("is split off as Keras does", () => {
    const { rest, last } = splitLast(set, 0.3);
    expect([...rest.y.data]).toEqual([1, 2, 3]);
    expect(last).toEqual({
      x: { data: Float32Array.of(4, 4, 5, 5), shape: [2, 2] },
      y: { data: Float32Array.of(4, 5), shape: [2] },
    });
  });

  it("that leaves nothing is refused", () => {
    expect(() => splitLast(set, 0.99)).toThrow(refused("none to train on"));
    expect(() => splitLast(set, 0)).toThrow(refused("none to validate with"));
  });
});
