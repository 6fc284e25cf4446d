import { Socket } from "node:net";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeInto, encodeValue, registerClass } from "../src/value/index.ts";
import { FlockError } from "../src/words/errors.ts";

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value).toBytes());
}

function refusal(value: unknown, path = "args"): string {
  try {
    encodeValue(value, { path });
  } catch (error) {
    expect(error).toBeInstanceOf(FlockError);
    expect((error as FlockError).code).toBe("FLOCK_NOT_SERIALIZABLE");
    return (error as FlockError).message;
  }
  throw new Error("the value was not refused");
}

const plain: Record<string, unknown> = {
  null: null,
  undefined: undefined,
  booleans: [true, false],
  integers: [0, 1, 127, 128, -1, -64, -65, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53, -(2 ** 53)],
  floats: [0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1.7976931348623157e308],
  strings: ["", "a", "ÿ".repeat(31), "ÿ".repeat(32), "Ā", "日本".repeat(40), "x".repeat(100_000), "\ud800 alone", "\0"],
  bigints: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, -(2n ** 64n), 3n ** 500n, -(3n ** 500n)],
  dates: [new Date(0), new Date(-1.5e12), new Date(Number.NaN)],
  regexps: [/a(b)?/giu, /[/\n]/, /(?:)/y],
  url: new URL("https://user@example.org:8786/a?b=c#d"),
  map: new Map<unknown, unknown>([
    ["a", 1],
    [{ k: 1 }, new Map()],
    [Number.NaN, null],
    [undefined, undefined],
  ]),
  set: new Set<unknown>([1, "1", Number.NaN, new Set([new Date(5)])]),
  "many keys": Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${i}`, i])),
  "strange keys": { "": 1, 日本: 2, "a b": 3, 7: 4, constructor: 5, hasOwnProperty: 6 },
  "bare object": Object.assign(Object.create(null), { a: 1 }),
  records: Array.from({ length: 50 }, (_, id) => ({ id, name: `n${id}`, nested: { id } })),
  "long array": Array.from({ length: 5000 }, (_, i) => i / 3),
  // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
  holes: [1, , undefined, , 5, ,],
};

describe("values that travel", () => {
  for (const [name, value] of Object.entries(plain)) {
    it(`carries ${name}`, () => expect(roundTrip(value)).toStrictEqual(value));
  }

  it("keeps holes apart from undefined, and a far index cheap", () => {
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    const near = roundTrip([1, , undefined, ,]) as unknown[];
    expect([near.length, 0 in near, 1 in near, 2 in near, 3 in near]).toEqual([4, true, false, true, false]);
    const far: unknown[] = ["first"];
    far[4e9] = "last";
    const encoded = encodeValue(far);
    expect(encoded.bytes).toBeLessThan(40);
    const decoded = decodeValue(encoded.toBytes()) as unknown[];
    expect([decoded.length, decoded[0], decoded[4e9]]).toEqual([4e9 + 1, "first", "last"]);
  });

  it("keeps apart names whose hashes are equal", () => {
    const alike = ["Aa", "BB", "C#", "AaAa", "AaBB", "BBAa", "BBBB", "ÿÿ", "", "x".repeat(25)];
    for (const name of [...alike, ...alike]) expect(roundTrip({ [name]: name })).toStrictEqual({ [name]: name });
    const objects = Array.from({ length: 5000 }, (_, i) => ({ [i.toString(36)]: i }));
    for (const object of [...objects, ...objects]) expect(roundTrip(object)).toStrictEqual(object);
  });

  it("keeps a RegExp's lastIndex", () => {
    const regexp = /a/g;
    regexp.lastIndex = 3;
    expect((roundTrip(regexp) as RegExp).lastIndex).toBe(3);
  });

  it("keeps cycles and shared references", () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { first: shared, second: shared, list: [shared] };
    value["self"] = value;
    const map = new Map<unknown, unknown>([["map", value]]);
    map.set(map, map);
    value["map"] = map;
    const decoded = roundTrip(value) as typeof value;
    expect(decoded["self"]).toBe(decoded);
    expect(decoded["second"]).toBe(decoded["first"]);
    expect((decoded["list"] as unknown[])[0]).toBe(decoded["first"]);
    const decodedMap = decoded["map"] as Map<unknown, unknown>;
    expect(decodedMap.get("map")).toBe(decoded);
    expect(decodedMap.get(decodedMap)).toBe(decodedMap);
  });

  it("keeps shared references among few objects and among many, also behind some that were taken back", () => {
    for (const count of [1, 31, 32, 33, 34, 100]) {
      const objects = Array.from({ length: count }, (_, i) => ({ [`key${i}`]: i }));
      const value = [objects, [...objects].reverse()];
      const [there, back] = roundTrip(value) as [object[], object[]];
      expect([there, back]).toStrictEqual(value);
      expect(there.every((object, i) => object === back[count - 1 - i])).toBe(true);
      // The first property of the error cannot travel: the numbers that it gave are taken back.
      for (const before of [0, 10, 40]) {
        const known = Array.from({ length: before }, (_, i) => ({ [`known${i}`]: i }));
        const error = Object.assign(new Error("no"), { first: [objects, Symbol("no")], second: value, third: known });
        const decoded = roundTrip([known, error]) as [object[], typeof error];
        expect(decoded[1].second).toStrictEqual(value);
        expect(decoded[1].third).toBe(decoded[0]);
      }
    }
  });

  it("counts objects of every kind alike, so that references behind them hold", () => {
    const shared = { end: true };
    const error = new TypeError("no", { cause: shared });
    const all = [
      new Date(1),
      /x/,
      new URL("http://a/"),
      error,
      new Map(),
      new Set([1]),
      Object.create(null),
      new Uint8Array(3),
    ];
    const decoded = roundTrip([all, shared, all]) as unknown[];
    expect(decoded[2]).toBe(decoded[0]);
    expect(((decoded[0] as unknown[])[3] as Error).cause).toBe(decoded[1]);
  });

  it("carries objects of another realm", () => {
    const foreign: unknown = runInNewContext(
      "({ list: [1, { a: 2 }], map: new Map([[1, 2]]), date: new Date(3), bytes: new Uint8Array([4, 5]), re: /x/g })",
    );
    expect(roundTrip(foreign)).toEqual({
      list: [1, { a: 2 }],
      map: new Map([[1, 2]]),
      date: new Date(3),
      bytes: new Uint8Array([4, 5]),
      re: /x/g,
    });
  });

  it("is safe against __proto__", () => {
    const value: unknown = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
    const decoded = roundTrip(value) as object;
    expect(Object.keys(decoded)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect("polluted" in decoded).toBe(false);
  });

  it("is identity on anything (property)", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundTrip(value)).toStrictEqual(value);
      }),
      { seed: 8786, numRuns: 1500 },
    );
  });

  it("keeps the shape of any graph (property)", () => {
    const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 40 });
    fc.assert(
      fc.property(edges, (links) => {
        interface Node {
          readonly id: number;
          readonly to: Node[];
        }
        const nodes: Node[] = Array.from({ length: 12 }, (_, id) => ({ id, to: [] }));
        for (const [from, to] of links) nodes[from]!.to.push(nodes[to]!);
        const decoded = roundTrip(nodes) as Node[];
        for (const [id, node] of nodes.entries()) {
          expect(decoded[id]!.id).toBe(id);
          expect(decoded[id]!.to.length).toBe(node.to.length);
          for (const [at, to] of node.to.entries()) expect(decoded[id]!.to[at]).toBe(decoded[to.id]);
        }
      }),
      { seed: 8787 },
    );
  });
});

describe("registered classes", () => {
  class Point {
    x = 0;
    other: Point | undefined;
    get double(): number {
      return this.x * 2;
    }
  }
  class Temperature {
    readonly #kelvin: number;
    constructor(kelvin: number) {
      this.#kelvin = kelvin;
    }
    get kelvin(): number {
      return this.#kelvin;
    }
  }
  class Box {
    content: unknown;
    constructor(content: unknown) {
      this.content = content;
    }
  }
  registerClass(Point, { name: "test.Point" });
  registerClass(Temperature, {
    name: "test.Temperature",
    encode: (instance) => ({ kelvin: instance.kelvin }),
    decode: ({ kelvin }) => new Temperature(kelvin),
  });
  registerClass(Box, { name: "test.Box", encode: ({ content }) => [content], decode: ([content]) => new Box(content) });

  it("carries fields, with cycles, without running the constructor", () => {
    const point = new Point();
    point.x = 21;
    point.other = point;
    const decoded = roundTrip({ point }) as { point: Point };
    expect(decoded.point).toBeInstanceOf(Point);
    expect(decoded.point.double).toBe(42);
    expect(decoded.point.other).toBe(decoded.point);
  });

  it("carries what encode() gives, once for shared instances, also when it encodes values itself", () => {
    const hot = new Temperature(500);
    const decoded = roundTrip([hot, { hot }, new Box(encodeValue([hot]).toBytes())]) as [
      Temperature,
      { hot: Temperature },
      Box,
    ];
    expect(decoded[0].kelvin).toBe(500);
    expect(decoded[1].hot).toBe(decoded[0]);
    expect((decodeValue(decoded[2].content as Uint8Array) as [Temperature])[0].kelvin).toBe(500);
  });

  it("refuses a cycle that passes through encode()", () => {
    const box = new Box(undefined);
    box.content = { inside: box };
    expect(refusal([box])).toContain(
      'args[0] (encoded as "test.Box")[0].inside is a reference to an object that contains it',
    );
  });

  it("refuses a name that belongs to another class, half a codec, and an empty name", () => {
    expect(() => registerClass(class Other {}, { name: "test.Point" })).toThrow(
      /"test.Point" belongs to another class/,
    );
    expect(() => registerClass(class Half {}, { name: "half", encode: () => 1 })).toThrow(/both encode and decode/);
    expect(() => registerClass(class Empty {}, { name: "" })).toThrow(/name that is not empty/);
    expect(() => registerClass(Point, { name: "test.Point" })).not.toThrow();
  });

  it("says which class is missing where bytes arrive", () => {
    const bytes = encodeValue(new Temperature(1)).toBytes();
    const at = Buffer.from(bytes).indexOf("Temperature");
    bytes[at] = "t".charCodeAt(0);
    expect(() => decodeValue(bytes)).toThrow(/class "test.temperature" is not registered in this process/);
  });
});

describe("what cannot travel is refused with its path", () => {
  class Unknown {}
  const cases: [string, unknown, RegExp][] = [
    [
      "a socket",
      [{ socket: new Socket() }],
      /^args\[0\]\.socket is a Socket, which cannot travel: .*registerClass\(Socket/,
    ],
    ["a promise", [{ a: [Promise.resolve(1)] }], /^args\[0\]\.a\[0\] is a Promise, .*await it first, or pass a Future/],
    ["a function", [{ "my key": function work() {} }], /^args\[0\]\["my key"\] is a function \(work\)/],
    ["a symbol", [Symbol("x")], /^args\[0\] is a symbol/],
    ["a WeakMap", new Map([["w", new WeakMap()]]), /^args\.get\("w"\) is a WeakMap/],
    ["in a Map's key", new Map([[new Unknown(), 1]]), /^args\.keys\(\)\[0\] is an Unknown/],
    ["in a Set", new Set([1, new WeakSet()]), /^args\.values\(\)\[1\] is a WeakSet/],
    ["a boxed number", [Object(1)], /^args\[0\] is a Number, .*plain number/],
    ["a generator", [(function* () {})()], /^args\[0\] is a.*spread it into an array/],
    ["an iterator", [new Map().entries()], /^args\[0\] is a Map Iterator, .*spread it/],
    [
      "an object that inherits",
      [Object.create({ a: 1 })],
      /^args\[0\] is an object of another prototype, which cannot travel: the prototype stays/,
    ],
    ["shared memory", [new SharedArrayBuffer(8)], /^args\[0\] is a SharedArrayBuffer/],
    ["a subclass of Map", [new (class Counter extends Map {})()], /^args\[0\] is a Counter, .*registerClass\(Counter/],
    ["a subclass of Array", [new (class List extends Array {})()], /^args\[0\] is a List/],
    [
      "a getter that throws",
      [
        {
          get bad() {
            throw new Error("no luck");
          },
        },
      ],
      /^Reading args\[0\]\.bad failed: no luck/,
    ],
  ];
  for (const [name, value, message] of cases) it(name, () => expect(refusal(value)).toMatch(message));

  it("nesting that would exhaust the stack", () => {
    let list: unknown = null;
    for (let i = 0; i < 100_000; i++) list = { next: list };
    expect(refusal(list)).toMatch(/^args(\.next)+… is nested deeper than 1500 levels/);
  });

  it("leaves nothing behind: the next value is encoded as before", () => {
    const before = encodeValue([{ a: 1 }]).toBytes();
    refusal([{ a: { b: Symbol("x") } }]);
    expect(encodeValue([{ a: 1 }]).toBytes()).toEqual(before);
  });
});

describe("leaves", () => {
  class Handle {
    readonly id: number;
    constructor(id: number) {
      this.id = id;
    }
  }
  const leaf = (value: object): { kind: "future" | "function"; index: number } | undefined => {
    if (value instanceof Handle) return { kind: "future", index: value.id };
    return typeof value === "function" ? { kind: "function", index: 7 } : undefined;
  };

  it("stand for futures and functions anywhere, and do not disturb references", () => {
    const shared = {};
    const value = [new Handle(300), { f: () => 1, shared }, new Map([["h", new Handle(2)]]), new Error("e"), shared];
    const bytes = encodeValue(value, { leaf }).toBytes();
    const decoded = decodeValue(bytes, { leaf: (kind, index) => `${kind} ${index}` }) as typeof value;
    expect(decoded[0]).toBe("future 300");
    expect(decoded[1]).toEqual({ f: "function 7", shared: {} });
    expect(decoded[2]).toEqual(new Map([["h", "future 2"]]));
    expect(decoded[4]).toBe((decoded[1] as { shared: object }).shared);
    expect(() => decodeValue(bytes)).toThrow(/no table of futures/);
  });

  it("are asked with the path", () => {
    const paths: string[] = [];
    encodeValue([{ model: () => 1 }], {
      path: "args",
      leaf: (_value, path) => {
        paths.push(path());
        return { kind: "function", index: 0 };
      },
    });
    expect(paths).toEqual(["args[0].model"]);
  });
});

describe("encodeInto", () => {
  it("writes the same bytes in place, or nothing when they do not fit", () => {
    const value = { a: [1, 2.5, "x"], b: new Float64Array([1, 2]) };
    const expected = encodeValue(value).toBytes();
    const target = new Uint8Array(expected.length + 8).fill(0xee);
    expect(encodeInto(value, target, 8)).toBe(expected.length);
    expect(target.subarray(8)).toEqual(expected);
    const short = new Uint8Array(expected.length - 1).fill(0xee);
    expect(encodeInto(value, short, 0)).toBe(-1);
    expect(short.every((byte) => byte === 0xee)).toBe(true);
    const wide = new Uint8Array(expected.length + 8).fill(0xee);
    expect(encodeInto(value, wide, 0, undefined, expected.length - 1)).toBe(-1);
    expect(wide.every((byte) => byte === 0xee)).toBe(true);
    expect(encodeInto(value, wide, 0, undefined, expected.length)).toBe(expected.length);
  });
});

describe("the objects of a value", () => {
  it("are told, each once and whole, the outermost first", () => {
    const part = { deep: [new Date(1)] };
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i === 5 ? part : i]));
    const told: object[] = [];
    const value = decodeValue(
      encodeValue({ part, map: new Map([[1, part]]), wide, list: [new Float64Array(2), 7] }).toBytes(),
      {
        each: (object) => told.push(object),
      },
    ) as { part: typeof part; map: Map<number, object>; wide: object; list: [object, number] };
    const { part: there, map, list } = value;
    expect(told).toStrictEqual([value, there, there.deep, there.deep[0], map, value.wide, list, list[0]]);
    expect(new Set(told).size).toBe(told.length);
    const none: object[] = [];
    expect(() =>
      decodeValue(
        encodeValue([[1]])
          .toBytes()
          .slice(0, -1),
        { each: (object) => none.push(object) },
      ),
    ).toThrow();
    expect(none).toEqual([]);
  });
});

describe("values among other bytes", () => {
  const values = [7, [], { a: "b" }, [new Float64Array([1, 2]), new Uint8Array(3).buffer], new Map([[1, 2]])];

  it("decode from where they stand, and from nowhere else", () => {
    for (const value of values) {
      const encoded = encodeValue(value).toBytes();
      const bytes = new Uint8Array(encoded.length + 16).fill(1);
      for (const start of [0, 3, 8]) {
        bytes.set(encoded, start);
        const end = start + encoded.length;
        expect(decodeValue(bytes, undefined, start, end)).toStrictEqual(value);
        expect(() => decodeValue(bytes, undefined, start, end - 1)).toThrow(/Bytes are not an encoded value/);
        expect(() => decodeValue(bytes, undefined, start, end + 1)).toThrow(/Bytes are not an encoded value/);
        expect(() => decodeValue(bytes, undefined, start, start)).toThrow(/Bytes are not an encoded value/);
      }
    }
  });

  it("are views of that memory where they are aligned in it", () => {
    const encoded = encodeValue(new Float64Array([1, 2])).toBytes();
    const bytes = new Uint8Array(64);
    bytes.set(encoded, 16);
    const at = (options?: { copy: boolean }): Float64Array =>
      decodeValue(bytes, options, 16, 16 + encoded.length) as Float64Array;
    expect([at().buffer === bytes.buffer, at({ copy: true }).buffer === bytes.buffer]).toEqual([true, false]);
  });
});
