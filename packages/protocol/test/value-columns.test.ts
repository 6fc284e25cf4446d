import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue, registerClass } from "../src/value/index.ts";
import { isFlockError } from "../src/words/errors.ts";

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value).toBytes());
}

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

function dictionary(size: number, make: (index: number) => unknown, stem = "word"): Record<string, unknown> {
  return Object.fromEntries(list(size, (i) => [`${stem}${i}`, make(i)]));
}

const big = 1000;
const values: Record<string, unknown> = {
  bytes: list(big, (i) => (i % 256) - 128),
  "16-bit integers": list(big, (i) => i * 60 - 30_000),
  "32-bit integers": list(big, (i) => i * 4_000_000 - 2 ** 31),
  "integers beyond 32 bits": list(big, (i) => 2 ** 31 + i),
  fractions: list(big, (i) => i / 7),
  "numbers of every kind": list(big, (i) => [-0, 0, Number.NaN, Number.NEGATIVE_INFINITY, 5e-324, 0.5, 2 ** 53][i % 7]),
  "tiny integers and a few others": list(big, (i) => (i % 100 === 0 ? i / 3 : i % 50)),
  "numbers, then something else": [...list(big, (i) => i), "end"],
  "numbers around a hole": Object.assign(list(20, Number), { length: 21 }),
  strings: list(big, (i) => `string ${i}`),
  "strings of every length": list(300, (i) => "é".repeat(i)),
  "strings beyond Latin-1": list(big, (i) => (i % 300 === 0 ? "日本".repeat(i / 20) : "ÿ".repeat(i % 30))),
  "lone surrogates": list(20, (i) => `\ud800${i}\udfff`),
  "strings, one of them long": [...list(20, String), "x".repeat(256)],
  "empty strings": list(big, () => ""),
  "a Set of numbers": new Set(list(big, (i) => i * 1.5)),
  "a Set of strings": new Set(list(big, (i) => `element ${i}`)),
  "counts by word": new Map(list(big, (i) => [`word ${i}`, i])),
  "words by number": new Map(list(big, (i) => [i * 1000, `word ${i}`])),
  "objects by word": new Map(list(big, (i) => [`word ${i}`, { i }])),
  "anything by word": new Map(list(big, (i) => [`word ${i}`, [null, i, "text", [i], undefined, 1n][i % 6]])),
  "numbers in a large object": dictionary(big, (i) => i),
  "anything in a large object": dictionary(big, (i) => [null, i, "text", { i }, undefined, new Date(i)][i % 6]),
  "a large object without prototype": Object.assign(Object.create(null), dictionary(big, String)),
  "a large object with long names": dictionary(big, String, "n".repeat(400)),
  "a large object with wide names": dictionary(big, String, "日本"),
  "a large object with numbers for names": Object.fromEntries(list(big, (i) => [(i * 7919) % big, i])),
  "large objects alike": list(5, (row) => dictionary(300, (i) => row * i)),
  "large objects in large objects": dictionary(300, (i) => (i < 3 ? dictionary(300, () => i, `${i % 2}`) : i)),
};

describe("columns", () => {
  for (const [name, value] of Object.entries(values)) {
    it(`carry ${name}`, () => expect(roundTrip(value)).toStrictEqual(value));
  }

  it("keep the order of properties, and make ordinary objects", () => {
    const value = dictionary(big, (i) => i, "z");
    value["a"] = 1;
    const decoded = roundTrip(value) as Record<string, unknown>;
    expect(Object.keys(decoded)).toEqual(Object.keys(value));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(decoded, "a")).toEqual({
      value: 1,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  });

  it("are safe against __proto__", () => {
    const value = dictionary(big, (i) => i);
    Object.defineProperty(value, "__proto__", { value: { polluted: true }, enumerable: true });
    const decoded = roundTrip(value) as Record<string, unknown>;
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.hasOwn(decoded, "__proto__")).toBe(true);
    expect(decoded["polluted"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("keep what is shared between and behind them", () => {
    const shared = { n: 1 };
    const wide = dictionary(big, (i) => (i % 3 === 0 ? shared : i));
    wide["self"] = wide;
    const map = new Map<unknown, unknown>([...list(20, (i) => [`k${i}`, wide] as const)]);
    const decoded = roundTrip([list(20, Number), new Set(list(20, Number)), wide, map, shared, wide]) as unknown[];
    const there = decoded[2] as typeof wide;
    expect([there["self"], decoded[5], (decoded[3] as typeof map).get("k7")]).toEqual([there, there, there]);
    expect(there["word3"]).toBe(decoded[4]);
  });

  it("take the fewest bytes that their numbers need", () => {
    const bytesOf = (value: unknown): number => encodeValue(value).bytes;
    expect(bytesOf(list(big, (i) => i % 100))).toBeLessThan(big + 10);
    expect(bytesOf(list(big, (i) => i * 30))).toBeLessThan(2 * big + 10);
    expect(bytesOf(list(big, (i) => i * 3000))).toBeLessThan(4 * big + 10);
    expect(bytesOf(list(big, (i) => i / 3))).toBeLessThan(8 * big + 10);
    expect(bytesOf(list(big, (i) => (i % 10 === 0 ? i / 3 : 0)))).toBeLessThan(2 * big);
    const row = dictionary(300, () => 1, "column");
    expect(bytesOf(list(100, () => ({ ...row })))).toBeLessThan(100 * 310 + 300 * 10);
  });

  it("do not hold a whole block of text for a long string of it", () => {
    const texts = list(200, (i) => `${i} ${"text ".repeat(40)}`);
    expect((roundTrip(texts) as string[])[150]).toBe(texts[150]);
  });

  it("name what cannot travel by its place", () => {
    const refusal = (value: unknown): string => {
      try {
        encodeValue(value, { path: "args" });
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error("the value was not refused");
    };
    const socket = Symbol("socket");
    expect(refusal([dictionary(big, (i) => (i === 700 ? { socket } : i))])).toMatch(/^args\[0\]\.word700\.socket is /);
    expect(refusal(new Map(list(20, (i) => [`w${i}`, i === 7 ? [socket] : null])))).toMatch(/^args\.get\("w7"\)\[0\] /);
    const getter = Object.defineProperty(
      dictionary(big, (i) => i),
      "word5",
      {
        enumerable: true,
        get: () => {
          throw new Error("not now");
        },
      },
    );
    expect(refusal({ getter })).toBe("Reading args.getter.word5 failed: not now");
  });

  it("of objects alike in values of their own have the same names, and nothing else in common", () => {
    const copies = list(3, (round) => {
      const encoded = encodeValue(dictionary(big, (i) => i + round)).toBytes();
      const bytes = new Uint8Array(new SharedArrayBuffer(encoded.length));
      bytes.set(encoded);
      return decodeValue(bytes) as Record<string, number>;
    });
    copies[0]!["word1"] = -1;
    delete copies[0]!["word2"];
    copies[0]!["more"] = 1;
    expect(copies[1]).toStrictEqual(dictionary(big, (i) => i + 1));
    expect(copies[2]).toStrictEqual(dictionary(big, (i) => i + 2));
    // As many names, of as many bytes; and fewer that begin alike.
    expect(roundTrip(dictionary(big, (i) => i, "vord"))).toStrictEqual(dictionary(big, (i) => i, "vord"));
    expect(roundTrip(dictionary(big - 1, (i) => i, "vord"))).toStrictEqual(dictionary(big - 1, (i) => i, "vord"));
    expect(roundTrip(dictionary(big + 1, (i) => i, "vord"))).toStrictEqual(dictionary(big + 1, (i) => i, "vord"));
  });

  it("with very long lists of names are read as well", () => {
    const value = dictionary(6000, (i) => i, "n".repeat(200));
    expect(roundTrip(value)).toStrictEqual(value);
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it("hold what getters gave when they were read", () => {
    const texts = list(40, String);
    let reads = 0;
    let length = 100;
    const longer = (): string => {
      length += 100;
      return "y".repeat(length);
    };
    Object.defineProperty(texts, 7, { enumerable: true, get: () => "x".repeat(++reads) });
    const decoded = roundTrip(texts) as string[];
    expect(decoded[7]).toMatch(/^x+$/);
    expect(decoded.toSpliced(7, 1)).toEqual(list(40, String).toSpliced(7, 1));
    Object.defineProperty(texts, 8, { enumerable: true, get: longer });
    expect(() => encodeValue(texts)).toThrow(/changed while it was read/);
  });

  it("are written anew after a large object that could not travel with an error", () => {
    const error = new Error("no");
    const keys = dictionary(300, (i) => i);
    Object.assign(error, { first: { ...keys, word299: Symbol("no") }, second: keys, third: keys });
    const decoded = roundTrip(error) as Error & Record<string, unknown>;
    expect(decoded["first"]).toBe("[an Object that cannot travel]");
    expect([decoded["second"], decoded["third"]]).toEqual([keys, keys]);
  });

  it("stand in each other, around what a class makes of them", () => {
    class Held {
      held: unknown;
    }
    registerClass(Held, {
      name: "columns.Held",
      encode: ({ held }) => held,
      decode: (held) => Object.assign(new Held(), { held }),
    });
    let deep: unknown = Object.assign(new Held(), { held: list(20, Number) });
    for (let level = 0; level < 3; level++) deep = dictionary(300, (i) => (i === 9 ? deep : i));
    expect(roundTrip(deep)).toStrictEqual(deep);
  });

  it("are identity on arrays, Maps and Sets of anything (property)", () => {
    const item = fc.oneof(
      fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 60 }),
      fc.array(fc.double(), { maxLength: 60 }),
      fc.array(fc.oneof(fc.integer(), fc.integer({ min: -9, max: 9 })), { maxLength: 60 }),
      fc.array(fc.string({ unit: "binary", maxLength: 50 }), { maxLength: 60 }),
      fc.array(fc.string({ maxLength: 300 }), { maxLength: 40 }),
      fc.array(fc.anything(), { maxLength: 30 }),
    );
    fc.assert(
      fc.property(item, item, (keys, held) => {
        const map = new Map(keys.map((key, i) => [key, held[i % Math.max(1, held.length)]] as const));
        const value = { keys, set: new Set(keys), map };
        expect(roundTrip(value)).toStrictEqual(value);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

/** Decodes; anything but a value or FLOCK_VALUE_MALFORMED fails the test. */
function survives(bytes: Uint8Array): boolean {
  try {
    decodeValue(bytes);
    return true;
  } catch (error) {
    if (isFlockError(error, "FLOCK_VALUE_MALFORMED")) return false;
    throw error;
  }
}

describe("columns that nobody vouches for", () => {
  const specimen = encodeValue([
    dictionary(260, (i) => i),
    dictionary(260, (i) => (i % 2 === 0 ? { i } : "text")),
    Object.assign(Object.create(null), dictionary(260, String, "日")),
    new Map(list(20, (i) => [`word ${i}`, i / 3])),
    new Map(list(20, (i) => [i * 1000, "a string that is long"])),
    new Set(list(20, (i) => i * 100_000)),
    list(20, (i) => i / 7),
  ]).toBytes();

  it("decode or are malformed when they were changed (property)", () => {
    const change = fc.record({ at: fc.nat(specimen.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = specimen.slice();
        for (const { at, to } of changes) bytes[at] = to;
        survives(bytes);
        expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      }),
      { seed: 5, numRuns: 5000 },
    );
  });

  it("are malformed when they are cut short", () => {
    expect(survives(specimen)).toBe(true);
    for (let length = 0; length < specimen.length; length += 3) expect(survives(specimen.slice(0, length))).toBe(false);
  });

  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const attacks: Record<string, number[]> = {
    "an array column of 4 billion": [1, 0xe2, ...huge, 1, 0],
    "a column of 4 billion strings": [1, 0xe2, ...huge, 5, 0, 1],
    "a Set column of 4 billion": [1, 0xe3, ...huge, 4, 0],
    "a Map column of 4 billion": [1, 0xe4, ...huge, 1, 0],
    "an object of 4 billion keys": [1, 0xe5, 0, ...huge, 0],
    "numbers of no known kind": [1, 0xe2, 1, 9, 0],
    "an array's column of tagged values": [1, 0xe2, 1, 0, 7],
    "strings of no known form": [1, 0xe2, 1, 5, 2, 1, 0x61],
    "strings that are longer than the bytes": [1, 0xe2, 2, 5, 0, 255, 255, 0x61],
    "wide strings that are longer than the bytes": [1, 0xe2, 1, 5, 1, 1, 0x61],
    "numbers that end too early": [1, 0xe2, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    "the keys of no object before": [1, 0xe5, 2, 1, 0, 7],
    "keys without values": [1, 0xe5, 0, 1, 0, 1, 0x61],
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    it(`${name} are malformed`, () => expect(survives(Uint8Array.from(bytes))).toBe(false));
  }

  it("nest no deeper than the limit", () => {
    const open = [0xe5, 0, 1, 0, 1, 0x61, 0];
    const bytes = Uint8Array.from([1, ...list(50_000, () => open).flat()]);
    expect(survives(bytes)).toBe(false);
  });
});
