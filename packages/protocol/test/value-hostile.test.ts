import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue, registerClass } from "../src/value/index.ts";
import { isFlockError } from "../src/words/errors.ts";

class Pair {
  a = 1;
}
registerClass(Pair, { name: "hostile.Pair" });

/** Decodes; anything but a value or FLOCK_VALUE_MALFORMED fails the test. */
function survive(bytes: Uint8Array): boolean {
  try {
    decodeValue(bytes, { leaf: () => 0 });
    return true;
  } catch (error) {
    if (isFlockError(error, "FLOCK_VALUE_MALFORMED")) return false;
    throw error;
  }
}

const shared = new Float64Array([1, 2, 3]);
const specimen = encodeValue(
  [
    { a: 1, b: [1.5, "text", "日本", -70_000, 2n ** 70n, 5n], c: new Map([[1, new Set([2])]]) },
    [new Date(1), /a/g, new URL("http://a/b"), new RangeError("no", { cause: { x: 1 } }), new AggregateError([1])],
    [
      shared,
      shared.subarray(1),
      shared.buffer,
      new Uint16Array(3),
      Buffer.from("b"),
      // biome-ignore lint/suspicious/noSparseArray: part of the specimen
      [1, , 3],
      new Pair(),
      Object.create(null),
    ],
    [() => 1, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, null]))],
  ],
  { leaf: (value) => (typeof value === "function" ? { kind: "function", index: 0 } : undefined) },
).toBytes();

describe("bytes that nobody vouches for", () => {
  it("the specimen itself decodes", () => expect(survive(specimen)).toBe(true));

  it("random bytes decode or are malformed (property)", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), bytes, (layout, rest) => {
        survive(Uint8Array.of(layout, ...rest));
      }),
      { seed: 1, numRuns: 10_000 },
    );
  });

  it("mutated bytes decode or are malformed (property)", () => {
    const change = fc.record({ at: fc.nat(specimen.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = specimen.slice();
        for (const { at, to } of changes) bytes[at] = to;
        survive(bytes);
      }),
      { seed: 2, numRuns: 10_000 },
    );
  });

  it("every shorter and longer copy is malformed", () => {
    for (let length = 0; length < specimen.length; length++) expect(survive(specimen.slice(0, length))).toBe(false);
    const longer = new Uint8Array(specimen.length + 1);
    longer.set(specimen);
    expect(survive(longer)).toBe(false);
  });

  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const attacks: Record<string, number[]> = {
    "an array of 4 billion": [1, 0xc8, ...huge, 1],
    "an object of 4 billion": [1, 0xca, ...huge, 1],
    "a Map of 4 billion": [1, 0xd1, ...huge, 1],
    "a Set of 4 billion": [1, 0xd2, ...huge, 1],
    "a string of 4 billion": [1, 0xc6, ...huge, 1],
    "a wide string of 4 billion": [1, 0xc7, ...huge, 1],
    "a bigint of 4 billion digits": [1, 0xce, ...huge, 0x31],
    "a number without end": [1, 0xc6, ...Array.from({ length: 100 }, () => 0xff)],
    "a reference to nothing": [1, 0xcc, 9],
    "a key that refers to nothing": [1, 0xb1, 1, 1],
    "an array longer than arrays can be": [1, 0xc8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xc9, 0],
    "a view without memory": [1, 0xd6, 4, 1],
    "regions of 4 billion": [2, 6, 0, 0, 0, 0xc0, ...huge, 0, 0],
    "holes outside an array": [1, 0xc9, 0],
    "a class nobody registered": [1, 0xd7, 5 * 4, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0],
    "an empty value": [],
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    it(`${name} is malformed`, () => expect(survive(Uint8Array.from(bytes))).toBe(false));
  }

  it("nesting beyond the limit is malformed, and does not exhaust the stack", () => {
    for (const open of [[0xa1], [0xb1, 4, 0x61], [0xd1, 1, 0], [0xd2, 1]]) {
      const bytes = Uint8Array.from([1, ...Array.from({ length: 100_000 }, () => open).flat()]);
      expect(survive(bytes)).toBe(false);
    }
  });
});
