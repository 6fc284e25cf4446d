import { decodeValue, encodeValue } from "@taskflock/protocol";
import { describe, expect, it } from "vitest";
import { InputCache } from "../src/slot/input-cache.ts";

describe("the cache of inputs", () => {
  it("keeps what was used last, within its bytes", () => {
    const cache = new InputCache(100, true);
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

  it("gives the first task a value of its own, and keeps what a second one uses", () => {
    const cache = new InputCache(100);
    const get = (): number[] => cache.get(1, 40, () => [1, 2]) as number[];
    const first = get();
    first.push(3);
    expect(cache.bytes).toBe(0);
    const second = get();
    expect(second).toEqual([1, 2]);
    expect([Object.isFrozen(first), Object.isFrozen(second)]).toEqual([false, true]);
    expect([get() === second, cache.bytes]).toEqual([true, 40]);
  });

  it("remembers a bounded number of inputs that were used once", () => {
    const cache = new InputCache(100_000);
    const isKept = (serial: number): boolean => Object.isFrozen(cache.get(serial, 1, () => ({})));
    for (let serial = 1; serial <= 5000; serial++) isKept(serial);
    expect([isKept(4000), isKept(1)]).toEqual([true, false]);
  });
});

describe("inputs that tasks share", () => {
  const share = <T>(value: T): T =>
    new InputCache(1e6, true).get(1, 1, () => decodeValue(encodeValue(value).toBytes())) as T;

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

  it("freeze with cycles, and leave typed arrays", () => {
    const value: Record<string, unknown> = { array: new Float64Array([1]), holes: [1, [2]], none: null };
    value["self"] = value;
    const shared = share(value);
    expect(Object.isFrozen(shared["self"])).toBe(true);
    (shared["array"] as Float64Array)[0] = 2;
    expect(Object.isFrozen((shared["holes"] as unknown[])[1])).toBe(true);
  });
});
