import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue, VALUE_ALIGNMENT } from "../src/value/index.ts";

const types = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

function roundTrip<T>(value: T): T {
  return decodeValue(encodeValue(value).toBytes()) as T;
}

/** The value's bytes at `start` of shared memory, as they lie in an arena. */
function inArena(value: unknown, start: number): Uint8Array {
  const encoded = encodeValue(value);
  const arena = new Uint8Array(new SharedArrayBuffer(start + encoded.bytes + 16)).fill(0xee);
  encoded.writeTo(arena, start);
  expect(arena.subarray(0, start).every((byte) => byte === 0xee)).toBe(true);
  expect(arena.subarray(start + encoded.bytes).every((byte) => byte === 0xee)).toBe(true);
  return arena.subarray(start, start + encoded.bytes);
}

describe("typed arrays", () => {
  for (const type of types) {
    it(`carries ${type.name}, also empty and of odd length`, () => {
      for (const length of [0, 1, 3, 1000]) {
        const array = new type(Array.from({ length }, (_, i) => i));
        const decoded = roundTrip(["x", array]) as [string, typeof array];
        expect(decoded[1]).toStrictEqual(array);
      }
    });
  }

  it("carries 64-bit integers, DataView, Buffer and Float16Array where there is one", () => {
    const wide = [new BigInt64Array([-1n, 2n ** 62n]), new BigUint64Array([2n ** 64n - 1n])];
    expect(roundTrip(wide)).toStrictEqual(wide);
    const view = roundTrip(new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2));
    expect([view instanceof DataView, view.byteLength, view.getUint8(0)]).toEqual([true, 2, 2]);
    const buffer = roundTrip(Buffer.from("flock"));
    expect([Buffer.isBuffer(buffer), buffer.toString()]).toEqual([true, "flock"]);
    const half: unknown = Reflect.get(globalThis, "Float16Array");
    if (typeof half === "function") {
      const array: object = Reflect.construct(half, [[1.5, 2]]);
      expect(roundTrip(array)).toStrictEqual(array);
    }
  });

  it("are views over the bytes, without a copy, also in shared memory", () => {
    const bytes = inArena(
      { name: "x", data: new Float64Array([1, 2, 3]), small: new Int32Array([4]) },
      4 * VALUE_ALIGNMENT,
    );
    const decoded = decodeValue(bytes) as { name: string; data: Float64Array; small: Int32Array };
    expect(decoded.name).toBe("x");
    expect(decoded.data.buffer).toBe(bytes.buffer);
    expect(decoded.small.buffer).toBe(bytes.buffer);
    expect([...decoded.data, ...decoded.small]).toEqual([1, 2, 3, 4]);
  });

  it("get memory of their own when the start is not aligned, or when asked", () => {
    const value = { data: new Float64Array([1, 2, 3]), text: "é".repeat(100), wide: "日".repeat(100) };
    const odd = inArena(value, 13);
    expect(decodeValue(odd)).toStrictEqual(value);
    const aligned = inArena(value, 16);
    const copied = decodeValue(aligned, { copy: true }) as typeof value;
    expect(copied).toStrictEqual(value);
    expect(copied.data.buffer).not.toBe(aligned.buffer);
    expect(copied.data.buffer.byteLength).toBe(24);
  });

  it("over shared memory are copied into the value", () => {
    const shared = new Float64Array(new SharedArrayBuffer(16));
    shared.set([1, 2]);
    expect([...roundTrip(shared)]).toEqual([1, 2]);
  });

  it("bring only their own part of a large buffer", () => {
    const large = new Float64Array(100_000);
    expect(encodeValue([large.subarray(10, 20), large.subarray(90_000, 90_010)]).bytes).toBeLessThan(250);
    expect(encodeValue([Buffer.from("secret"), Buffer.from("flock")]).bytes).toBeLessThan(80);
  });

  it("share memory after decoding exactly where they did before", () => {
    const memory = new ArrayBuffer(64);
    const all = new Uint8Array(memory);
    for (let i = 0; i < 64; i++) all[i] = i;
    // Overlapping, and starting off the alignment of the widest.
    const value = {
      low: new Uint8Array(memory, 3, 10),
      mid: new Uint16Array(memory, 6, 4),
      apart: new Float64Array(memory, 32, 2),
    };
    const decoded = roundTrip(value);
    expect(decoded).toStrictEqual(value);
    decoded.mid[0] = 0xffff;
    expect([decoded.low[3], decoded.low[4], decoded.low[5]]).toEqual([255, 255, 8]);
  });

  it("and their ArrayBuffer stay one when the buffer itself travels", () => {
    const memory = new ArrayBuffer(24);
    const doubles = new Float64Array(memory);
    doubles.set([1, 2, 3]);
    const decoded = roundTrip({ doubles, memory, tail: new Float64Array(memory, 16, 1), again: doubles });
    expect(decoded.memory).toBeInstanceOf(ArrayBuffer);
    expect(decoded.memory.byteLength).toBe(24);
    expect(decoded.doubles.buffer).toBe(decoded.memory);
    expect(decoded.tail.buffer).toBe(decoded.memory);
    expect(decoded.again).toBe(decoded.doubles);
    expect(roundTrip({ memory: new ArrayBuffer(0) }).memory.byteLength).toBe(0);
  });

  it("of a detached buffer are refused rather than sent empty", () => {
    const array = new Float64Array(4);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expect(() => encodeValue([array])).toThrow(/value\[0\] is a Float64Array over a detached ArrayBuffer/);
    expect(() => encodeValue([array.buffer])).toThrow(/value\[0\] is a detached ArrayBuffer/);
  });

  it("write zeros between regions, over whatever the memory held", () => {
    const value = [new Uint8Array([1]), new Uint8Array([2])];
    expect([...inArena(value, 8)]).toEqual([...encodeValue(value).toBytes()]);
  });

  it("refuses to write beyond the target", () => {
    const encoded = encodeValue([1, 2, 3]);
    expect(() => encoded.writeTo(new Uint8Array(encoded.bytes), 1)).toThrow(/was to be written/);
  });
});
