// What stands in the arguments of a call and is used by the function, too, is one thing there, as it is here.
import { describe, expect, test } from "vitest";
import { refusalOf, sameThere } from "./same-there.ts";
import { Shipping } from "./ship.ts";

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
  twice(): number {
    return scale(this.x);
  }
}
class Point3 extends Point {
  readonly z = 3;
}
const scale = (x: number): number => x * factor;
const factor = 2;
const known = [scale];
let count = 0;
const next = (): number => ++count;

describe("a function or class that is used and passed", () => {
  test("is the same", async () => {
    await sameThere((type: typeof Point) => [type === Point, new type(1) instanceof Point, type.name], Point);
    await sameThere((fn: typeof scale) => [known.includes(fn), fn === scale, fn(3)], scale);
    await sameThere((fn: typeof scale) => fn === scale, scale);
    await sameThere(
      (fn: unknown, other: unknown) => [fn === scale, other === scale],
      (x: number) => x,
      scale,
    );
  });

  test("wherever it stands", async () => {
    const table = new Map<string, unknown>([["scale", scale]]);
    await sameThere(
      ({ list, map, own }: { list: unknown[]; map: typeof table; own: { f: unknown } }) => {
        return [list[0] === scale, list[1] === list[0], map.get("scale") === scale, own.f === scale, list.length];
      },
      { list: [scale, scale], map: table, own: { f: scale } },
    );
  });

  test("with what other arguments hold", async () => {
    const shared = { n: 1 };
    const data = [shared];
    await sameThere(
      (fn: unknown, one: typeof shared, many: unknown[]) => [fn === scale, one === many[0], data[0] === one],
      scale,
      shared,
      [shared],
    );
    await sameThere(
      (fn: unknown, point: Point) => [fn === scale, point instanceof Point, point.twice()],
      scale,
      new Point(4),
    );
    await sameThere((point: Point) => [point instanceof Point, point instanceof Point3], new Point3(4));
    await sameThere(
      (type: unknown, point: object) => [type === point.constructor, point instanceof Point3],
      Point3,
      new Point3(1),
    );
  });

  test("shares the variables that it changes", async () => {
    await sameThere((fn: typeof next) => {
      count = 5;
      return [fn(), next(), fn(), count];
    }, next);
    count = 0;
  });

  test("also when it is the function itself, or stands in what other functions captured", async () => {
    const main = (fn: unknown): boolean => fn === main;
    await sameThere(main, main);
    const captures = (value: unknown) => (): unknown => value;
    await sameThere((fn: unknown, inner: () => unknown) => [fn === scale, typeof inner()], scale, captures([1, 2]));
  });

  test("by methods, async functions and generators that are called", async () => {
    const object = {
      method(fn: unknown): unknown[] {
        // biome-ignore lint/complexity/noArguments: what is tested is that there is one
        return [fn === scale, arguments.length];
      },
      async later(fn: unknown): Promise<unknown[]> {
        return [await fn, fn === scale];
      },
      *each(fn: unknown): Generator<boolean> {
        yield fn === scale;
      },
    };
    const [{ method, later, each }] = [object];
    await sameThere(method, scale);
    expect(await new Shipping().call(later, [scale])).toEqual([expect.any(Function), true]);
    expect([...(await new Shipping().call(each, [scale]))]).toEqual([true]);
    await sameThere((fn: unknown, ...rest: unknown[]) => [fn === scale, rest], scale, 1, undefined);
    await sameThere(({ length }: typeof scale, rest = length) => [rest, scale(1)], scale);
  });
});

describe("a function or class that uses what the called one uses", () => {
  test("uses the same class", async () => {
    const isPoint = (value: unknown): boolean => value instanceof Point;
    await sameThere(isPoint, new Point3(1));
    await sameThere((value: unknown) => value instanceof Point, { x: 1 });
    await sameThere((list: unknown[]) => list.map((value) => value instanceof Point), [new Point3(1), new Point(2), 3]);
    await sameThere((type: typeof Point3) => new type(1) instanceof Point, Point3);
    await sameThere(
      (make: () => object) => make() instanceof Point,
      () => new Point(3),
    );
    await sameThere(
      (make: () => object, is: typeof isPoint) => [is(make()), isPoint(make())],
      () => new Point3(3),
      isPoint,
    );
    const makers = [1, 2].map((x) => (): Point => new Point(x));
    await sameThere((...given: (() => Point)[]) => given.map((make) => [isPoint(make()), make().twice()]), ...makers);
  });

  test("changes the same variable", async () => {
    const advance = (by: number): number => (count += by);
    await sameThere((fn: typeof advance) => {
      count = 1;
      return [fn(3), count, fn(1), next(), count];
    }, advance);
    await sameThere(
      (read: () => number) => {
        count = 8;
        return read();
      },
      () => count,
    );
    count = 0;
  });

  test("has code of its own where they share nothing that matters", async () => {
    const shipping = new Shipping();
    const main = (fn: typeof scale): number => fn(1) + scale(factor);
    const before = shipping.defined.size;
    for (const by of [1, 2, 3]) expect(await shipping.call(main, [(x: number) => scale(x) + by])).toBe(6 + by);
    expect(shipping.defined.size).toBe(before + 2);
  });

  test("is refused when it is another one each time that it is read", () => {
    const object = {
      get fn() {
        return () => new Point(1);
      },
    };
    const shipping = new Shipping();
    const use = shipping.functions.use((given: typeof object) => given.fn() instanceof Point);
    expect(() => shipping.encoder.encode(use, [object])).toThrowError(
      /another function each time that it is read, as getters may/,
    );
  });
});

test("large arguments travel as data beside it", async () => {
  const table = new Float64Array(50_000).fill(2);
  const rows = Array.from({ length: 300_000 }, (_, row) => row);
  const fn = (given: unknown, values: Float64Array, list: number[]) => [
    given === scale,
    values.length,
    values[7],
    list.length,
  ];
  await sameThere(fn, scale, table, rows);
});

test("calls with the same arguments have the same bytes; others have others", () => {
  const shipping = new Shipping();
  const main = (fn: unknown, x: number): unknown => [fn === scale, x];
  const encoded = (...args: unknown[]): [string, unknown[]] => {
    const { payload, functions, entry } = shipping.encoder.encode(shipping.functions.use(main), args);
    return [Buffer.from(shipping.payloads.get(payload)).toString("hex"), [entry, ...functions]];
  };
  expect(encoded(scale, 1)).toEqual(encoded(scale, 1));
  expect(encoded(scale, 1)[0]).not.toBe(encoded(scale, 2)[0]);
  expect(encoded(scale, 1)[0]).not.toBe(encoded(next, 1)[0]);
});

test("refusals name what stands in the arguments, and who captured the rest", () => {
  const main = (fn: unknown, ...rest: unknown[]): unknown => [fn === scale, rest, held];
  const held: { value: unknown } = { value: 1 };
  expect(refusalOf(main, [scale, { deep: [Promise.resolve()] }])).toMatch(/^args\[1\]\.deep\[0\] is a Promise, which/);
  held.value = new WeakMap();
  expect(refusalOf(main, [scale])).toMatch(/^held\.value \(captured by the function\) is a WeakMap/);
});
