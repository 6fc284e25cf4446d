// What becomes of something right: bytes that are turned, cut, doubled and mixed; fields of another type, of absurd size, or absent.

import type { Random } from "./random.ts";
import type { Row } from "./samples.ts";

/** Where a number says how much follows. */
const COUNTS: readonly number[] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** `other`: of which pieces come in. */
export function mutateBytes(random: Random, bytes: Buffer, other: Buffer): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let times = random.pick([1, 1, 1, 2, 5]); times > 0 && out.length > 0; times--) out = once(random, out, other);
  return out;
}

function once(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const at = random.below(bytes.length);
  switch (random.below(10)) {
    case 0:
    case 1:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 2:
      bytes[at] = random.below(256);
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length))]);
    case 6: {
      const to = Math.min(bytes.length, at + random.between(1, 16));
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    }
    case 7:
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(random.pick(COUNTS), at);
      return bytes;
    case 8:
      if (at + 8 <= bytes.length) bytes.writeDoubleLE(random.pick(NUMBERS), at);
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(random.between(1, 12)), bytes.subarray(at)]);
  }
}

const NUMBERS: readonly number[] = [
  ...[0, -0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 47 + 1, 2 ** 53, -(2 ** 53), 1e308],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

/** The record with one field, at any depth, that is not as it should be. */
export function mutateRow(random: Random, row: Row): Row {
  const out: Row = { ...row };
  const names = Object.keys(out);
  const name = names.length === 0 ? "t" : random.pick(names);
  const value = out[name];
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  if (isRecord && !random.oneIn(3)) {
    out[name] = mutateRow(random, value as Row);
    return out;
  }
  switch (random.below(7)) {
    case 0:
      delete out[name];
      return out;
    case 1:
      out[random.pick(["constructor", "toString", "x", "__proto__x", ""])] = strange(random);
      return out;
    case 2:
      out[name] = Array.isArray(value) ? value.concat([strange(random)]) : [value];
      return out;
    case 3:
      out[name] = typeof value === "number" ? String(value) : random.pick(NUMBERS);
      return out;
    default:
      out[name] = strange(random);
      return out;
  }
}

/** Something that no field takes, or few do. */
export function strange(random: Random): unknown {
  switch (random.below(9)) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
      return random.pick(["", "1", "true", "\u0000", "\ud800", "x".repeat(random.pick([300, 5_000, 70_000]))]);
    case 2:
      return nested(random.pick([20, 47, 48, 49, 200]));
    case 3:
      return Object.fromEntries(Array.from({ length: random.pick([100, 2_000]) }, (_, i) => [`k${i}`, i]));
    case 4:
      return new Array(random.pick([100, 5_000])).fill(random.pick([0, null, ""]));
    case 5:
      return random.bytes(random.pick([0, 1, 300]));
    case 6:
      return random.pick([null, true, false]);
    case 7:
      return { t: "hello" };
    default:
      return random.pick([-1, 2 ** 31, 2 ** 53, 0.5]);
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}
