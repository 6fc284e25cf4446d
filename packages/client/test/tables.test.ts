// The pure parts: the gate, the replacement of large values, waiting and collecting.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Gate } from "../src/gate.ts";
import { type Future, range } from "../src/index.ts";
import { LARGE_LEAF_BYTES, LargeReplacer } from "../src/large-values.ts";
import { ArgumentRows, readMapItems } from "../src/map-items.ts";
import { TestCluster } from "./cluster-harness.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("the gate keeps the order of what is passed and held, whichever is ready first", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      async (holds, order) => {
        const gate = new Gate();
        const done: number[] = [];
        const open: (() => void)[] = [];
        for (const [index, isHeld] of holds.entries()) {
          if (isHeld) gate.hold(new Promise((resolve) => open.push(() => resolve(() => void done.push(index)))));
          else gate.pass(() => void done.push(index));
        }
        for (const pick of [...order, ...open.map(() => 0)]) {
          if (open.length > 0) open.splice(pick % open.length, 1)[0]!();
          await Promise.resolve();
        }
        await new Promise((resolve) => setImmediate(resolve));
        expect(done).toEqual(holds.map((_, index) => index));
        expect(gate.closed).toBe(false);
      },
    ),
    { seed: 7, numRuns: 100 },
  );
});

test("large parts are replaced where they stand; shared references and cycles survive", () => {
  const large = new Uint8Array(LARGE_LEAF_BYTES + 1);
  const small = new Uint8Array(LARGE_LEAF_BYTES);
  const shared = { large };
  const value: Record<string, unknown> = {
    list: [shared, shared, small],
    map: new Map([["k", large]]),
    set: new Set([large]),
  };
  value["self"] = value;
  const copy = new LargeReplacer(
    () => "data",
    () => false,
    () => expect.unreachable("there is no instance"),
  ).copy(value) as typeof value & { list: unknown[] };
  expect(copy["self"]).toBe(copy);
  expect(copy.list[0]).toEqual({ large: "data" });
  expect(copy.list[0]).toBe(copy.list[1]);
  expect(copy.list[2]).toBe(small);
  expect(copy["map"]).toEqual(new Map([["k", "data"]]));
  expect(copy["set"]).toEqual(new Set(["data"]));
  expect(value["map"]).toEqual(new Map([["k", large]]));
});

test("map's iterables and options are told apart", () => {
  expect(readMapItems([[1], { retries: 1 }])).toEqual({ columns: [[1]], options: { retries: 1 } });
  expect(readMapItems([[1], [2]])).toEqual({ columns: [[1], [2]], options: undefined });
  expect(readMapItems([[1], undefined])).toEqual({ columns: [[1]], options: undefined });
  expect(rowsOf([1, 2], "ab")).toEqual([
    [1, "a"],
    [2, "b"],
  ]);
  expect(rowsOf()).toEqual([]);
  expect(() => readMapItems([5])).toThrowError(/iterables/);
});

test("map's iterables must be equally long, whatever they are; those that go on are closed", () => {
  const closed: string[] = [];
  function* endless(name: string): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed.push(name);
    }
  }
  const ends = [[1, 2], new Set([1, 2]), "ab"];
  for (const column of ends) {
    expect(() => rowsOf(column, endless("first"))).toThrowError(/ends after 2 items/);
    expect(() => rowsOf(endless("second"), column)).toThrowError(/ends after 2 items/);
    for (const other of ends) expect(rowsOf(column, other)).toHaveLength(2);
  }
  expect(closed).toEqual(ends.flatMap(() => ["first", "second"]));
});

function rowsOf(...columns: Iterable<unknown>[]): unknown[][] {
  const rows = new ArgumentRows(columns);
  const all: unknown[][] = [];
  try {
    for (let row = rows.next(); row !== null; row = rows.next()) all.push([...row]);
  } finally {
    rows.close();
  }
  return all;
}

test("a future that nobody can reach is released; one that is awaited is not", async () => {
  const cluster = await TestCluster.start();
  try {
    const client = await cluster.connect();
    let awaited: Promise<number[]> | null = null;
    await (async () => {
      const futures: Future<number>[] = client.map((x: number) => x, range(100));
      for (const i of range(40)) futures.push(client.submit((x: number) => x, [i]));
      await client.gather(futures);
      awaited = client.submit((x: number[]) => x, [[1]]).result();
    })();
    await new Promise(setImmediate);
    const kept = client.submit((x: number) => x, [7]); // of another turn: it keeps none of the others
    await expect
      .poll(
        async () => {
          collectGarbage();
          return (await client.cluster()).tasks.done;
        },
        { timeout: 20_000, interval: 20 },
      )
      .toBeLessThanOrEqual(2);
    expect(await awaited).toEqual([1]);
    expect(await kept.result()).toBe(7);
  } finally {
    await cluster.close();
  }
});
