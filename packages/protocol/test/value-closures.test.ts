import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecodeHost, decodeValue, encodeValue, MAKERS, type ValueLeaf } from "../src/value/index.ts";
import { isFlockError } from "../src/words/errors.ts";
import {
  type AnyFunction,
  ClosureHost,
  closure,
  closureOf,
  decodeHost,
  encodeClosures,
  plainFunction,
} from "./closure-host.ts";

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeClosures(value), decodeHost);
}

function malformed(bytes: Uint8Array | readonly number[], host = decodeHost): boolean {
  try {
    decodeValue(Uint8Array.from(bytes), host);
    return false;
  } catch (error) {
    if (isFlockError(error, "FLOCK_VALUE_MALFORMED")) return true;
    throw error;
  }
}

describe("closures", () => {
  it("keep index and captured values, wherever they stand", () => {
    const value = { list: [closure(7, [1, "two"])], map: new Map([["f", closure(300, [])]]), plain: plainFunction };
    const decoded = roundTrip(value) as typeof value;
    expect(closureOf(decoded.list[0])).toMatchObject({ index: 7, captured: [1, "two"] });
    expect(closureOf(decoded.map.get("f"))).toMatchObject({ index: 300, captured: [] });
    expect(decoded.plain).toBe(plainFunction);
  });

  it("are one function when they are met twice, and the host is asked once", () => {
    const twice = closure(1, [{ a: 1 }]);
    const host = new ClosureHost();
    const bytes = encodeValue([twice, { twice }, closure(2, [twice])], { leaf: host.leaf }).toBytes();
    expect(host.ends).toBe(2);
    const [first, { twice: second }, around] = decodeValue(bytes, decodeHost) as [
      AnyFunction,
      { twice: AnyFunction },
      AnyFunction,
    ];
    expect(second).toBe(first);
    expect(closureOf(around).captured[0]).toBe(first);
  });

  it("share objects with each other and with the rest of the value", () => {
    const shared = { numbers: new Float64Array([1, 2]) };
    const [one, two, rest] = roundTrip([closure(1, [shared]), closure(2, [[shared]]), shared]) as [
      AnyFunction,
      AnyFunction,
      typeof shared,
    ];
    expect(rest).toEqual(shared);
    expect(closureOf(one).captured[0]).toBe(rest);
    expect((closureOf(two).captured[0] as unknown[])[0]).toBe(rest);
  });

  it("may refer to their own functions, and from inside others to theirs", () => {
    const helper = function helper(): void {};
    const inner = closure(2, []);
    const outer = closure(1, [], [helper]);
    closureOf(inner).captured = [inner, outer, helper];
    closureOf(outer).captured = [helper, { inner }, outer];
    const decoded = roundTrip(outer);
    const { captured, units } = closureOf(decoded);
    const inside = (captured[1] as { inner: AnyFunction }).inner;
    expect(captured[0]).toBe(units[1]);
    expect(captured[2]).toBe(decoded);
    expect(closureOf(inside).captured).toEqual([inside, decoded, units[1]]);
  });

  it("are ended when something in them is refused, which is named by its variable", () => {
    const ended: string[] = [];
    const leaf = (value: object): ValueLeaf | undefined => {
      const name = typeof value === "function" ? value.name : "";
      if (name === "") return undefined;
      const captured = name === "outer" ? [1, [inner]] : [{ a: new WeakMap() }];
      return { kind: "closure", index: 0, captured, names: ["config", "list"], end: () => ended.push(name) };
    };
    const inner = function inner(): void {};
    const outer = function outer(): void {};
    const path = (step: string | number): string => `argument ${step}`;
    expect(() => encodeValue([[outer]], { leaf, path })).toThrow(
      /^config\.a \(captured by list\[0\], captured by argument 0\[0\]\) is a WeakMap, which cannot travel/,
    );
    expect(ended).toEqual(["inner", "outer"]);
  });

  it("inside an error's field that cannot travel are taken back, with what they numbered", () => {
    const shared = { s: 1 };
    const error = Object.assign(new Error("e"), { field: closure(1, [shared, Symbol("x")]) });
    const [decoded, after] = roundTrip([error, shared]) as [typeof error, typeof shared];
    expect(decoded.field).toMatch(/cannot travel/);
    expect(after).toEqual(shared);
  });

  it("that capture themselves by way of another are refused when the host does not know them", () => {
    const first = closure(1, []);
    const second = closure(2, [{ first }]);
    closureOf(first).captured = [second];
    let ends = 0;
    const leaf = (value: object): ValueLeaf => {
      const { index, captured } = closureOf(value);
      return { kind: "closure", index, captured, end: () => ends++ };
    };
    expect(() => encodeValue([first], { leaf })).toThrow(/captured by itself/);
    expect(ends).toBe(3);
  });

  it("nested beyond the limit are refused, and what is not decodes", () => {
    const nested = (count: number): AnyFunction =>
      Array.from({ length: count }).reduce<AnyFunction>((inner) => closure(1, [inner]), closure(1, []));
    expect(() => encodeClosures(nested(200))).toThrow(/nested deeper than 1500 levels/);
    let depth = 0;
    for (let at = roundTrip(nested(150)); at !== undefined; at = closureOf(at).captured[0]) depth++;
    expect(depth).toBe(151);
  });

  it("leave no trace in the next value when they are refused", () => {
    const before = encodeValue([{ a: 1 }]).toBytes();
    expect(() => encodeClosures([closure(1, [Symbol("x")])])).toThrow(/symbol/);
    expect(encodeValue([{ a: 1 }]).toBytes()).toEqual(before);
  });
});

describe("closures whose captured values were encoded before", () => {
  function boundLeaf(fn: AnyFunction): ValueLeaf & { encoded: Uint8Array } {
    const host = new ClosureHost();
    host.open.push(closureOf(fn));
    const { index, captured } = closureOf(fn);
    return { kind: "boundClosure", index, encoded: encodeValue(captured, { leaf: host.leaf }).toBytes() };
  }

  it("are the same functions, with typed arrays of their own, wherever their bytes lie", () => {
    const big = new Float64Array([1.5, 2.5]);
    const captured: unknown[] = [{ big, again: big }, closure(9, [big])];
    const fn = closure(5, captured);
    captured.push(fn); // itself
    const leaf = boundLeaf(fn);
    for (let shift = 0; shift < 8; shift++) {
      const value = ["x".repeat(shift), fn, big, { fn }];
      const bytes = encodeValue(value, { leaf: (at) => (at === fn ? leaf : undefined) }).toBytes();
      const decoded = decodeValue(bytes, decodeHost) as typeof value;
      const [object, inner, self] = closureOf(decoded[1]).captured as [
        { big: typeof big; again: unknown },
        unknown,
        unknown,
      ];
      expect(object).toEqual({ big, again: big });
      expect(object.again).toBe(object.big);
      expect(object.big.buffer.byteLength).toBe(16);
      expect(closureOf(inner).captured[0]).toBe(object.big);
      expect(self).toBe(decoded[1]);
      expect(decoded[3]).toEqual({ fn: decoded[1] });
      expect(decoded[2]).toEqual(big);
    }
  });

  it("are made anew of bytes that lie elsewhere, each time", () => {
    const shared = [1];
    const fn = closure(5, [shared, { shared }]);
    const { encoded } = boundLeaf(fn);
    const bytes = encodeValue([fn, { fn }], { leaf: () => ({ kind: "dataClosure", index: 5, future: 3 }) }).toBytes();
    const asked: unknown[] = [];
    const leaf: DecodeHost["leaf"] = (...given) => {
      asked.push(given);
      return encoded;
    };
    const host: DecodeHost = { ...decodeHost, leaf };
    const decode = (): [AnyFunction, { fn: AnyFunction }] => decodeValue(bytes, host) as ReturnType<typeof decode>;
    const [[one, again], [other]] = [decode(), decode()];
    expect(asked).toEqual([
      ["future", 3],
      ["future", 3],
    ]);
    expect(again.fn).toBe(one);
    const [array, object] = closureOf(one).captured as [number[], { shared: unknown }];
    expect(object.shared).toBe(array);
    array.push(2);
    expect(closureOf(other).captured[0]).toEqual([1]);
  });

  it("are not looked for in what is no bytes, nor in themselves without end", () => {
    const fn = closure(5, []);
    const bytes = encodeValue([fn], { leaf: () => ({ kind: "dataClosure", index: 5, future: 0 }) }).toBytes();
    const decode = (data: unknown): unknown => decodeValue(bytes, { ...decodeHost, leaf: () => data });
    expect(() => decode([1])).toThrowError(/the data of a closure is no bytes/);
    expect(() => decode(bytes)).toThrowError(/nest deeper/);
  });

  it("may be as deep as any value", () => {
    let list: unknown = null;
    for (let i = 0; i < 1498; i++) list = [list];
    const fn = closure(5, [list]);
    const leaf = boundLeaf(fn);
    const bytes = encodeValue([[fn]], { leaf: () => leaf }).toBytes();
    expect(decodeValue(bytes, decodeHost)).toHaveLength(1);
  });

  it("cannot refer to functions of what stands around them", () => {
    const fn = closure(5, []);
    const wrong = { ...boundLeaf(fn), encoded: Uint8Array.of(1, 0xa1, 0xdc, 1, 0) };
    const around = closure(1, [fn]);
    const asked: ValueLeaf = { kind: "closure", index: 1, captured: [fn], end: () => {} };
    const bytes = encodeValue(around, { leaf: (value) => (value === fn ? wrong : asked) }).toBytes();
    expect(malformed(bytes)).toBe(true);
  });
});

describe("instances that travel with their class", () => {
  it("are instances, without running a constructor or a setter", () => {
    const type = closure(1, ["captured"]);
    let ran = 0;
    Object.defineProperty(type.prototype, "x", { set: () => ran++, configurable: true });
    const instance: object = Object.create(type.prototype);
    Object.defineProperty(instance, "x", { value: 5, enumerable: true });
    const decoded = roundTrip([instance, instance, type]) as [object, object, AnyFunction];
    expect(Object.getPrototypeOf(decoded[0])).toBe(decoded[2].prototype);
    expect(closureOf(decoded[2]).captured).toEqual(["captured"]);
    expect(decoded[1]).toBe(decoded[0]);
    expect({ ...decoded[0] }).toEqual({ x: 5 });
    expect(ran).toBe(0);
  });

  it("may be captured by their own class", () => {
    const type = closure(1, []);
    const instance: object = Object.create(type.prototype);
    closureOf(type).captured = [instance, type];
    for (const value of [instance, type]) {
      const decoded = roundTrip({ value }) as { value: object };
      const decodedType = (typeof value === "function" ? decoded.value : decoded.value.constructor) as AnyFunction;
      const captured = closureOf(decodedType).captured;
      expect(captured[1]).toBe(decodedType);
      expect(Object.getPrototypeOf(captured[0])).toBe(decodedType.prototype);
      if (value === instance) expect(captured[0]).toBe(decoded.value);
    }
  });

  it("of a class that extends a builtin are refused; errors stay errors", () => {
    const leaf = (value: object): ValueLeaf | undefined =>
      typeof value === "function" ? { kind: "function", index: 0 } : { kind: "instance", type: value.constructor };
    for (const type of [Map, Set, Array, Date, Uint8Array, WeakMap, Number] as (new () => object)[]) {
      const value = new (class Own extends type {})();
      expect(() => encodeValue([value], { leaf })).toThrow(/value\[0\] is an Own, which cannot travel/);
    }
    class Mine extends RangeError {}
    const error = decodeValue(encodeValue(new Mine("m"), { leaf }).toBytes()) as Error;
    expect([error instanceof RangeError, error.message]).toEqual([true, "m"]);
  });

  const madeLeaf = (value: object): ValueLeaf =>
    typeof value === "function"
      ? { kind: "function", index: 0 }
      : { kind: "instance", type: value.constructor, made: new Set(["handle"]) };
  class Handler {
    readonly before = [1];
    readonly handle = (x: number): unknown => [x, this.before];
    readonly after = 2;
  }
  const makers = {
    handle(this: Handler) {
      return (x: number) => [x, this.before, "made"];
    },
  };

  it("get functions from their class, each its own, in their places", () => {
    const there = class extends class {} {};
    Object.defineProperty(Object.getPrototypeOf(there), MAKERS, { value: makers });
    const instance = new Handler();
    const bytes = encodeValue([instance, instance.handle, new Handler()], { leaf: madeLeaf }).toBytes();
    const [one, handle, other] = decodeValue(bytes, { leaf: () => there }) as [Handler, unknown, Handler];
    expect(Object.getPrototypeOf(one)).toBe(there.prototype);
    expect(Object.keys(one)).toEqual(["before", "handle", "after"]);
    expect(one.handle(5)).toEqual([5, [1], "made"]);
    expect((one.handle(5) as unknown[])[1]).toBe(one.before);
    expect(handle).toBe(one.handle);
    expect((other.handle(5) as unknown[])[1]).toBe(other.before);
  });

  it("that have a function of their class are malformed where no class makes it; the host may make it", () => {
    const bytes = encodeValue(new Handler(), { leaf: madeLeaf }).toBytes();
    const withMakers = (value: unknown): object => Object.defineProperty(class {}, MAKERS, { value });
    for (const type of [
      class {},
      withMakers(null),
      withMakers({}),
      withMakers({ handle: 1 }),
      withMakers({ handle() {} }),
    ]) {
      const decode = (): unknown => decodeValue(bytes, { leaf: () => type });
      expect(decode).toThrowError(/no class makes the field "handle" of an instance/);
    }
    const asked: unknown[] = [];
    const made = (...args: unknown[]): unknown => {
      asked.push(...args);
      return plainFunction;
    };
    const decoded = decodeValue(bytes, { leaf: () => Handler, made }) as Handler;
    expect(decoded.handle).toBe(plainFunction);
    expect(asked).toEqual([Handler, "handle", decoded]);
  });

  it("name the class of a refusal inside it", () => {
    class Own {}
    const leaf = (value: object, path: () => string): ValueLeaf => {
      if (typeof value !== "function") return { kind: "instance", type: Own };
      throw new RangeError(path());
    };
    expect(() => encodeValue({ a: new Own() }, { leaf })).toThrow(/value\.a \(its class Own\)/);
  });
});

describe("any graph of objects, closures and instances", () => {
  const kinds = ["array", "object", "map", "closure", "instance"] as const;
  const node = fc.record({ kind: fc.constantFrom(...kinds), to: fc.array(fc.nat(9), { maxLength: 4 }) });

  function build(nodes: readonly { kind: (typeof kinds)[number]; to: number[] }[]): unknown[] {
    const types = nodes.map((_, index) => closure(index, []));
    const made = nodes.map(({ kind, to }, index): object => {
      if (kind === "array") return [];
      if (kind === "object") return {};
      if (kind === "map") return new Map();
      return kind === "closure" ? types[index]! : Object.create(types[(to[0] ?? index) % types.length]!.prototype);
    });
    for (const [index, { kind, to }] of nodes.entries()) {
      const targets = to.map((at) => made[at % made.length]!);
      const from = made[index]!;
      if (kind === "closure") closureOf(from).captured = [{ targets }, ...targets];
      else if (kind === "map")
        for (const [at, target] of targets.entries()) (from as Map<unknown, unknown>).set(at, target);
      else Object.assign(from, targets);
    }
    return made;
  }

  /** Walks both graphs in step: what is one object in the first is one in the second, and the other way round. */
  function same(original: unknown, decoded: unknown, pairs = new Map<unknown, unknown>(), back = new Map()): void {
    if ((typeof original !== "object" && typeof original !== "function") || original === null) {
      expect(decoded).toBe(original);
      return;
    }
    if (pairs.has(original) || back.has(decoded)) {
      expect(pairs.get(original)).toBe(decoded);
      expect(back.get(decoded)).toBe(original);
      return;
    }
    pairs.set(original, decoded);
    back.set(decoded, original);
    expect(typeof decoded).toBe(typeof original);
    if (typeof original === "function") {
      expect(closureOf(decoded).index).toBe(closureOf(original).index);
      same(closureOf(original).captured, closureOf(decoded).captured, pairs, back);
      return;
    }
    const constructors = [original.constructor, (decoded as object).constructor];
    if (constructors[0] === constructors[1]) expect([Object, Array, Map]).toContain(constructors[0]);
    else same(constructors[0], constructors[1], pairs, back);
    const entries = (of: object): unknown[] => (of instanceof Map ? [...of] : Object.entries(of)).flat();
    const [left, right] = [entries(original), entries(decoded as object)];
    expect(right).toHaveLength(left.length);
    for (const [at, value] of left.entries()) same(value, right[at], pairs, back);
  }

  it("keeps its shape (property)", () => {
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 10 }), (nodes) => {
        const value = build(nodes);
        same(value, roundTrip(value));
      }),
      { seed: 8788, numRuns: 700 },
    );
  });

  it("from bytes that nobody vouches for decodes or is malformed (property)", () => {
    const made = build([
      { kind: "closure", to: [1, 2, 0] },
      { kind: "object", to: [3, 0] },
      { kind: "instance", to: [3, 1] },
      { kind: "closure", to: [0, 3, 4] },
      { kind: "map", to: [1, 4] },
    ]);
    const inner = closure(11, [new Float64Array(2), made[1]]);
    const host = new ClosureHost();
    const specimen = encodeValue([made, new Float64Array(3), inner], {
      leaf: (value, path) =>
        value === inner ? { kind: "boundClosure", index: 5, encoded: encodeClosures([made]) } : host.leaf(value, path),
    }).toBytes();
    expect(malformed(specimen)).toBe(false);
    const change = fc.record({ at: fc.nat(specimen.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = specimen.slice();
        for (const { at, to } of changes) bytes[at] = to;
        malformed(bytes);
      }),
      { seed: 4, numRuns: 10_000 },
    );
    for (let length = 0; length < specimen.length; length++) expect(malformed(specimen.slice(0, length))).toBe(true);
  });
});

describe("bytes and hosts that do not fit", () => {
  const attacks: Record<string, number[]> = {
    "a function outside any closure": [1, 0xdb, 0],
    "a function of a closure around none": [1, 0xdd, 0, 0xa1, 0xdc, 1, 0],
    "a function that the closure does not have": [1, 0xdd, 0, 0xa1, 0xdb, 3],
    "a closure that is its own captured value by reference": [1, 0xdd, 0, 0xa1, 0xcc, 0],
    "captured values that are no array": [1, 0xdd, 0, 0xb0],
    "captured values that are missing": [1, 0xdd, 0],
    "bound values longer than the bytes": [1, 0xde, 0, 9, 1, 0xa0],
    "bound values that are no value": [1, 0xde, 0, 1, 9],
    "bound values with something behind": [1, 0xde, 0, 3, 1, 0xa0, 0],
    "bound values that are no array": [1, 0xde, 0, 2, 1, 0xb0],
    "bound values that refer outside": [1, 0xa2, 0xb0, 0xde, 0, 4, 1, 0xa1, 0xcc, 1],
    "an instance of a number": [1, 0xdf, 5, 0],
    "an instance of an object": [1, 0xdf, 0xb0, 0],
    "an instance of itself": [1, 0xdf, 0xcc, 0, 0],
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    it(`${name}: malformed`, () => expect(malformed(bytes)).toBe(true));
  }

  it("closures and instances nested beyond the limit are malformed, and do not exhaust the stack", () => {
    for (const open of [[0xdd, 0, 0xa1], [0xdf]]) {
      expect(malformed([1, ...Array.from({ length: 50_000 }, () => open).flat()])).toBe(true);
    }
    let bytes = [1, 0xa0];
    for (let i = 0; i < 2000; i++) bytes = [1, 0xa1, 0xde, 0, (bytes.length % 128) | 0x80, bytes.length >> 7, ...bytes];
    expect(malformed(bytes)).toBe(true);
  });

  const valid = [1, 0xa2, 0xdd, 0, 0xa1, 5, 6];
  it("a host that binds never, twice, or too late is stopped", () => {
    let kept: (units: readonly unknown[]) => unknown = () => 0;
    expect(malformed(valid, { ...decodeHost, closure: () => 0 })).toBe(true);
    const twice = (_: number, bind: (units: unknown[]) => unknown): unknown[] => [bind([]), bind([])];
    expect(malformed(valid, { ...decodeHost, closure: twice })).toBe(true);
    const keeps = (_: number, bind: (units: readonly unknown[]) => unknown): unknown => {
      kept = bind;
      return bind([]);
    };
    expect(decodeValue(Uint8Array.from(valid), { closure: keeps })).toEqual([[5], 6]);
    expect(() => kept([])).toThrow(/too late/);
    expect(() => decodeValue(Uint8Array.from(valid))).toThrow(/no table of closures/);
  });

  it("a host that swallows what bind throws does not go on", () => {
    const swallows = (_: number, bind: (units: unknown[]) => unknown): unknown => {
      try {
        return bind([]);
      } catch {
        return "swallowed";
      }
    };
    expect(malformed([1, 0xa2, 0xdd, 0, 0xa1, 0xdb, 0, 6], { ...decodeHost, closure: swallows })).toBe(true);
  });

  it("what a host throws is passed on", () => {
    const throws = (): never => {
      throw new RangeError("of the host");
    };
    expect(() => decodeValue(Uint8Array.from(valid), { closure: throws })).toThrow(RangeError);
  });
});

it("values without closures keep the bytes that they had before there were any", () => {
  const shared = new Float64Array([1, 2, 3]);
  const error = Object.assign(new RangeError("no", { cause: { x: 1 } }), { stack: "s" });
  const value = [
    { a: 1, b: [1.5, "text", "日本", -70_000, 2n ** 70n, 5n], c: new Map<unknown, unknown>([[1, new Set([2])]]) },
    [new Date(1), /a/g, new URL("http://a/b"), error],
    // biome-ignore lint/suspicious/noSparseArray: part of the specimen
    [shared, shared.subarray(1), shared.buffer, new Uint16Array(3), [1, , 3], Object.create(null), shared],
    [() => 1, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, null]))],
  ];
  const leaf = (at: object): ValueLeaf | undefined =>
    typeof at === "function" ? { kind: "function", index: 0 } : undefined;
  const bytes = encodeValue(value, { leaf }).toBytes();
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "4b5b177162d8d30097b3efe94e0fb5fcc48d08455481930ef0cb95ff27ea69d2",
  );
});
