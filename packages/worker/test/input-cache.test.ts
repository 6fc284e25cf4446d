import { decodeValue, encodeValue, registerClass } from "@taskflock/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FROZEN } from "../src/slot/frozen.ts";
import { InputCache } from "../src/slot/input-cache.ts";

describe("the cache of inputs", () => {
  it("keeps what was used last, within its bytes", () => {
    const cache = new InputCache(100);
    const made: number[] = [];
    const get = (serial: number, size = 40): unknown => cache.get(serial, size, () => made.push(serial) && { serial });
    get(1);
    get(2);
    get(1);
    get(3); // 2 goes
    get(1);
    get(2);
    get(4, 1000); // too large to be kept
    get(4, 1000);
    expect(made).toEqual([1, 2, 3, 2, 4, 4]);
    expect(cache.bytes).toBe(80);
  });

  it("lets go what was used once while many others were, and keeps what was used twice", () => {
    const cache = new InputCache(1000);
    const made: number[] = [];
    const get = (serial: number): unknown => cache.get(serial, 1, () => made.push(serial) && { serial });
    const x = get(1);
    get(2);
    expect(get(1)).toBe(x);
    for (let serial = 10; serial < 30; serial++) get(serial);
    made.length = 0;
    expect(get(1)).toBe(x);
    get(29);
    get(22);
    expect(made).toEqual([]);
    get(2);
    get(10);
    expect([made, cache.bytes]).toEqual([[2, 10], 11]);
  });

  it("keeps many inputs that tasks share: each comes back", () => {
    const cache = new InputCache(1000);
    const made: number[] = [];
    for (let task = 0; task < 5; task++) {
      for (let serial = 1; serial <= 20; serial++) cache.get(serial, 1, () => made.push(serial) && { serial });
    }
    expect(made.length).toBe(20 + 12);
    expect(cache.bytes).toBe(20);
  });

  it("is bounded in bytes and in what was used once, whatever is asked of it (property)", () => {
    const asks = fc.array(fc.record({ serial: fc.nat(30), again: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(asks, (all) => {
        const cache = new InputCache(200);
        const uses = new Map<number, number>();
        for (const { serial, again } of all) {
          for (let use = again ? 2 : 1; use > 0; use--) {
            expect(cache.get(serial, serial, () => ({ serial }))).toEqual({ serial });
            uses.set(serial, (uses.get(serial) ?? 0) + 1);
          }
          expect(cache.bytes).toBeLessThanOrEqual(200);
        }
        const once = [...uses].filter(([, count]) => count === 1).map(([serial]) => serial);
        const twice = [...uses].filter(([, count]) => count > 1).map(([serial]) => serial);
        const kept = cache.bytes - twice.reduce((sum, serial) => sum + serial, 0);
        expect(kept).toBeLessThanOrEqual(
          once
            .sort((a, b) => b - a)
            .slice(0, 8)
            .reduce((sum, serial) => sum + serial, 0),
        );
      }),
      { seed: 6 },
    );
  });
});

describe("inputs that tasks share", () => {
  const share = <T>(value: T): T => decodeValue(encodeValue(value).toBytes(), FROZEN) as T;

  it("cannot be changed, in depth", () => {
    const value = share({ list: [{ a: 1 }], map: new Map([[{ k: 1 }, { b: 2 }]]), set: new Set([{ c: 3 }]) });
    const [[key, held]] = [...value.map] as [[{ k: number }, { b: number }]];
    const [element] = [...value.set] as [{ c: number }];
    const changes: (() => unknown)[] = [
      () => (value.list = []),
      () => value.list.push({ a: 2 }),
      () => (value.list[0]!.a = 2),
      () => (key.k = 2),
      () => (held.b = 3),
      () => (element.c = 4),
    ];
    for (const change of changes) expect(change).toThrow(TypeError);
  });

  it("refuse to change as Maps, Sets and Dates, and say what to do", () => {
    const value = share({ map: new Map([["k", 1]]), set: new Set([1]), date: new Date(5) });
    const changes: (() => unknown)[] = [
      () => value.map.set("k", 2),
      () => value.map.delete("k"),
      () => value.map.clear(),
      () => value.set.add(2),
      () => value.set.delete(1),
      () => value.set.clear(),
      () => value.date.setFullYear(1999),
      () => value.date.setTime(0),
    ];
    for (const change of changes) {
      expect(change).toThrow(expect.objectContaining({ code: "FLOCK_ARGUMENT_MUTATED" }));
      expect(change).toThrow(/copy\(argument\)/);
    }
    expect([value.map.get("k"), value.set.has(1), value.date.getTime()]).toEqual([1, true, 5]);
  });

  it("travel as what they are, without what guards them", () => {
    const value = { map: new Map([["k", new Date(1)]]), set: new Set([1]) };
    const again = decodeValue(encodeValue(share(value)).toBytes()) as typeof value;
    expect(again).toStrictEqual(value);
    again.map.set("other", new Date(2));
    again.set.add(2);
    again.map.get("k")!.setTime(3);
    expect([again.map.size, again.set.size, again.map.get("k")!.getTime()]).toEqual([2, 2, 3]);
    expect(new Map(share(value).map).set("x", new Date(4)).size).toBe(2);
    expect(structuredClone(share(value).set).add(2).size).toBe(2);
  });

  it("are frozen with what hooks of classes make, and with what stands in errors", () => {
    class Model {
      parts: unknown = null;
    }
    registerClass(Model, {
      name: "frozen.Model",
      encode: () => 0,
      decode: () => Object.assign(new Model(), { parts: [{ a: 1 }, new Map([["k", { b: 2 }]]), new Set([[3]])] }),
    });
    const [model, error] = share([new Model(), new RangeError("no", { cause: { c: 4 } })]) as [Model, RangeError];
    const [plain, map, set] = model.parts as [object, Map<string, object>, Set<object>];
    const parts = [model, model.parts, plain, map, map.get("k"), set, [...set][0], error, error.cause];
    expect(parts.map(Object.isFrozen)).toEqual(parts.map(() => true));
    expect(() => map.set("l", {})).toThrow(/copy\(argument\)/);
  });

  it("may be of classes that freeze themselves", () => {
    class Prices extends Map<string, number> {
      constructor(entries: readonly (readonly [string, number])[]) {
        super(entries);
        Object.freeze(this);
      }
    }
    class Order {
      readonly rows: object[];
      constructor(rows: readonly object[]) {
        this.rows = [...rows];
        Object.freeze(this);
      }
    }
    registerClass(Prices, {
      name: "frozen.Prices",
      encode: (map) => [...map],
      decode: (entries) => new Prices(entries),
    });
    registerClass(Order, { name: "frozen.Order", encode: ({ rows }) => rows, decode: (rows) => new Order(rows) });
    const [prices, order] = share([new Prices([["k", 1]]), new Order([{ a: 1 }])]) as [Prices, Order];
    expect(prices.get("k")).toBe(1);
    expect(() => order.rows.push({})).toThrow(TypeError);
  });

  it("are frozen when they are large", () => {
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, [i]]));
    const shared = share({ wide, rows: Array.from({ length: 50 }, () => [0.5, 1.5]), list: Array.from(wide["key1"]!) });
    expect(() => {
      shared.wide["key7"] = [];
    }).toThrow(TypeError);
    expect(() => shared.wide["key7"]!.push(1)).toThrow(TypeError);
    expect(() => shared.rows[3]!.push(1)).toThrow(TypeError);
    expect(shared.wide).toStrictEqual(wide);
  });

  it("freeze with cycles, and leave typed arrays", () => {
    const value: Record<string, unknown> = { array: new Float64Array([1]), holes: [1, [2]], none: null };
    value["self"] = value;
    const shared = share(value);
    expect(Object.isFrozen(shared["self"])).toBe(true);
    (shared["array"] as Float64Array)[0] = 2;
    expect(Object.isFrozen((shared["holes"] as unknown[])[1])).toBe(true);
  });
});
