import fc, { hash } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Client,
  type ComputeOptions,
  type Delayed,
  delayed,
  type Future,
  isDelayed,
  isFuture,
  range,
} from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(2);
  client = await cluster.connect({ logs: "ignore" });
});
afterEach(() => cluster.close());

const load = delayed((n: number) => n, { name: "load" });
const add = delayed((a: number, b: number) => a + b, { name: "add" });
const addAll = delayed((all: readonly number[]) => all.reduce((a, b) => a + b, 0));
const fail = delayed((text: string): number => {
  throw new RangeError(text);
});

const ran = (name: string): number =>
  cluster.workers.flatMap((worker) => worker.ran).filter((key) => key.startsWith(`${name}-`)).length;
const tasksThere = async (): Promise<number> =>
  Object.values((await client.cluster()).tasks).reduce((a, b) => a + b, 0);
const refusal = (compute: () => unknown): Promise<unknown> => Promise.resolve().then(compute);

describe("a graph", () => {
  test("is computed, each call once, however often it is needed", async () => {
    const once = load.with({ name: "once" })(2);
    const twice = add(once, once);
    expect(await client.compute(add(twice, add(once, 1))).result()).toBe(7);
    expect(ran("once")).toBe(1);
  });

  test("has its calls anywhere in the arguments, beside futures and values", async () => {
    interface Report {
      readonly parts: readonly (readonly number[])[];
      readonly by: Map<string, number>;
      readonly set: Set<number>;
      readonly when: Date;
    }
    const report = delayed(({ parts, by, set, when }: Report, ...rest: number[]) => [
      parts.flat().concat(rest),
      [...by],
      [...set],
      when.getTime(),
    ]);
    const future = client.submit((x: number) => x + 1, [9]);
    const given = {
      parts: [[load(1), 2], [future]],
      by: new Map([["a", load(3)]]),
      set: new Set([load(4)]),
      when: new Date(5),
    };
    const got = await client.compute(report(given, load(6), future)).result();
    expect(got).toEqual([[1, 2, 10, 6, 10], [["a", 3]], [4], 5]);
  });

  test("comes back in the structure in which it was asked for", async () => {
    const one = load(1);
    const got = client.compute({
      list: [one, load(2)],
      map: new Map([["x", load(3)]]),
      set: new Set([load(4)]),
      text: "t",
      one,
    });
    expect(got.one).toBe(got.list[0]);
    expect(isFuture(got.list[1])).toBe(true);
    expect(await client.gather(got)).toEqual({
      ...{ list: [1, 2], map: new Map([["x", 3]]), set: new Set([4]), text: "t", one: 1 },
    });
    expect(client.compute([])).toEqual([]);
    expect(client.compute({})).toEqual({});
  });

  test("shares what it captured, and functions of packages that are looked up first", async () => {
    const weights = Float64Array.of(1, 2, 3);
    const weigh = delayed((n: number) => n * weights[n]!);
    const ofPackage = delayed(hash);
    const both = delayed((total: number, other: number) => [total, other]);
    const asked = both(addAll(range(3).map((n) => weigh(n))), ofPackage("text"));
    expect(await client.compute(asked).result()).toEqual([8, hash("text")]);
  });

  test("keeps only what was asked for", async () => {
    const leaf = load(1);
    const total = addAll([leaf, load(2), add(leaf, 3)]);
    const futures = client.compute([total, leaf]);
    expect(await client.gather(futures)).toEqual([7, 1]);
    await expect.poll(tasksThere).toBe(2);
    client.release(futures);
    await expect.poll(tasksThere).toBe(0);
  });

  test("is not computed again while somebody has its future; a failure is", async () => {
    const part = load.with({ name: "part" })(1);
    const [kept, other] = client.compute([part, load(5)]);
    expect(await client.compute(add(part, 1)).result()).toBe(2);
    const again = client.compute(part);
    kept.release();
    expect(await again.result()).toBe(1);
    expect(ran("part")).toBe(1);
    again.release();
    expect(await client.gather([client.compute(part), other])).toEqual([1, 5]);
    expect(ran("part")).toBe(2);

    const bad = fail.with({ name: "bad" })("no");
    const failed = client.compute(bad);
    await failed.error();
    await client.compute(bad).error();
    expect(ran("bad")).toBe(2);
    expect(failed.status).toBe("failed");
  });

  test("belongs to no client: another computes it for itself", async () => {
    const node = add(load(1), 2);
    const other = await cluster.connect();
    expect(await client.compute(node).result()).toBe(3);
    expect(await other.compute(node).result()).toBe(3);
  });
});

describe("options", () => {
  test("of a function, of more of its calls, and of a whole graph, the nearest first", async () => {
    const counter = globalThis as { graphTries?: number };
    counter.graphTries = 0;
    const flaky = delayed(
      (times: number) => {
        const state = globalThis as { graphTries?: number };
        state.graphTries = (state.graphTries ?? 0) + 1;
        if (state.graphTries <= times) throw new Error("not yet");
        return state.graphTries;
      },
      { name: "flaky", retries: 1 },
    );
    const never = client.compute(flaky(9), { retries: 9 });
    expect(await never.error()).not.toBeNull();
    expect(counter.graphTries).toBe(2);
    const later = client.compute(flaky.with({ retries: 5, name: "patient" })(4));
    expect(await later.result()).toBe(5);
    expect([never.key.split("-")[0], later.key.split("-")[0]]).toEqual(["flaky", "patient"]);
    counter.graphTries = 0;
    const plain = delayed((n: number) => {
      const state = globalThis as { graphTries?: number };
      state.graphTries = (state.graphTries ?? 0) + 1;
      if (state.graphTries < 3) throw new Error("not yet");
      return n;
    });
    expect(await client.compute(plain(7), { retries: 2 }).result()).toBe(7);
  });

  test("a run has the tasks of its graph; pure calls with equal arguments are one task", async () => {
    using run = client.run("totals");
    const pure = load.with({ pure: true, name: "pure" });
    expect(await client.compute(add(pure(1), pure(1)), { run }).result()).toBe(2);
    expect(ran("pure")).toBe(1);
    await expect.poll(async () => (await client.runs()).find(({ name }) => name === "totals")?.counts.total).toBe(2);
  });

  test("a signal cancels what was asked for, and with it what leads there", async () => {
    const stop = new AbortController();
    const slow = delayed(() => new Promise<number>(() => {}));
    const future = client.compute(add(slow(), 1), { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(future.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    await expect.poll(tasksThere).toBe(1);
  });
});

describe("mistakes are refused with what to do", () => {
  const foreign = "is a delayed call (load)";
  test.each<[string, () => unknown, string, string]>([
    [
      "nothing to compute",
      () => client.compute([1, 2]),
      "FLOCK_ARGUMENT_INVALID",
      "not an array ([ 1, 2 ]) without one",
    ],
    ["a value", () => client.compute(3), "FLOCK_ARGUMENT_INVALID", "compute takes a delayed call"],
    ["a date", () => client.compute(new Date()), "FLOCK_ARGUMENT_INVALID", "compute takes a delayed call"],
    [
      "a function that was not called",
      () => client.compute(load),
      "FLOCK_ARGUMENT_INVALID",
      "Call the delayed function",
    ],
    ["a value to delay", () => delayed(3 as never), "FLOCK_ARGUMENT_INVALID", "Values need no delayed()"],
    ["what is delayed already", () => delayed(load as never), "FLOCK_ARGUMENT_INVALID", "delayed already"],
    ["an unknown option", () => load.with({ retrys: 1 } as never), "FLOCK_OPTION_INVALID", "Did you mean retries?"],
    [
      "a signal of a call",
      () => load.with({ signal: new AbortController().signal } as never),
      "FLOCK_OPTION_INVALID",
      "client.compute(nodes, { signal })",
    ],
    [
      "a key of a graph",
      () => client.compute(load(1), { key: "k" } as ComputeOptions),
      "FLOCK_OPTION_INVALID",
      "fn.with({ key: … })",
    ],
    [
      "a call where submit takes values",
      () => client.submit((x: unknown) => x, [[load(1)]]),
      "FLOCK_ARGUMENT_INVALID",
      `args[0][0] ${foreign}`,
    ],
    [
      "a delayed function where submit takes one",
      () => client.submit(load, [1]),
      "FLOCK_ARGUMENT_INVALID",
      "client.compute(fn(…))",
    ],
    ["in map", () => client.map((x: unknown) => x, [load(1)]), "FLOCK_ARGUMENT_INVALID", `args[0] ${foreign}`],
    ["in scatter", () => client.scatter({ x: load(1) }), "FLOCK_NOT_SERIALIZABLE", "Delayed"],
    ["in gather", () => client.gather([load(1)]), "FLOCK_ARGUMENT_INVALID", foreign],
  ])("%s", async (_, mistake, code, text) => {
    await expect(refusal(mistake)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  test("a call that a function captured", () => {
    const node = load(1);
    expect(() => client.submit(() => node.name, [])).toThrow(
      "it captures the delayed call node; pass it as an argument",
    );
    expect(() => client.compute(delayed(() => node.name)())).toThrow("it captures the delayed call node");
  });

  test("a call inside an instance of a class", () => {
    class Box {
      content: unknown;
      constructor(content: unknown) {
        this.content = content;
      }
    }
    const open = delayed((box: Box) => typeof box.content);
    expect(() => client.compute(open(new Box(load(1))))).toThrow("in arrays, plain objects, maps or sets");
  });

  test("a future of another client, or one that was released: it says in which call, and nothing is left", async () => {
    const other = await cluster.connect();
    const theirs = other.submit((x: number) => x, [1]);
    const mine = client.submit((x: number) => x, [1]);
    const bad = addAll([load(1), add(theirs, 1)]);
    expect(() => client.compute(bad)).toThrow(/compute, in a call of add: args\[0\] is a future of another client/);
    mine.release();
    expect(() => client.compute(addAll([load(1), mine]))).toThrow(expect.objectContaining({ code: "FLOCK_RELEASED" }));
    theirs.release();
    await expect.poll(tasksThere).toBe(0);
  });

  test("what fails in the middle is the cause of what is asked for", async () => {
    const [error, fine] = await Promise.all([
      client.compute(addAll([load(1), add(fail("no row 7"), 1)])).error(),
      client.compute(load(3)).result(),
    ]);
    expect(error).toMatchObject({
      code: "FLOCK_DEPENDENCY_FAILED",
      cause: { name: "RangeError", message: "no row 7" },
    });
    expect(fine).toBe(3);
  });

  test("a call that failed can be run here, while somebody has its future", async () => {
    const bad = fail("no row 7");
    const { total } = client.compute({ total: addAll([load(1), bad]), bad });
    await total.error();
    await expect(client.rerunHere(total)).rejects.toThrow(new RangeError("no row 7"));
  });
});

test("what is put into a container after the call does not count, so that no call can need itself", async () => {
  const parts: (number | Delayed<number>)[] = [load(1), 2];
  const total = addAll(parts);
  parts.push(total);
  expect(await client.compute(total).result()).toBe(3);
  const plain: (number | Delayed<number>)[] = [1];
  const late = addAll(plain);
  plain.push(late);
  expect(() => client.compute(late)).toThrow("args[0][1] is a delayed call (");
});

test("a large array beside a call is the one that was given, and travels once", async () => {
  const rows = Float64Array.from({ length: 50_000 }, (_, i) => i);
  const weigh = delayed((all: { readonly rows: Float64Array; readonly by: number }) => all.rows[1]! * all.by);
  const total = addAll(range(20).map((n) => weigh({ rows, by: load(n) })));
  const future = client.compute(total);
  expect(await future.result()).toBe(190);
  await expect.poll(tasksThere).toBe(2); // the total, and the data, which is kept for the next call
});

test("a call prints as what it is, and is no promise", async () => {
  const node = load(1);
  expect([String(node), load.name, isDelayed(node), isDelayed(load), "then" in node]).toEqual([
    ...["Delayed { load }", "delayed load", true, false, false],
  ]);
  expect(await node).toBe(node);
});

test("random graphs compute what plain recursion does", async () => {
  const mix = delayed((all: readonly number[], by: { readonly deep: Map<string, number> }, last: number) =>
    all.reduce((sum, x) => (sum * 31 + x) % 65_521, (by.deep.get("x") ?? 0) + 7 * last),
  );
  const picks = fc.array(fc.tuple(fc.array(fc.nat(), { maxLength: 5 }), fc.nat(), fc.nat()), {
    minLength: 1,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(picks, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), async (graph, sinks) => {
      const nodes: (Delayed<number> | Future<number> | number)[] = [1, client.submit((x: number) => x, [2]), load(3)];
      const values = [1, 2, 3];
      for (const [inputs, deep, last] of graph) {
        const at = (pick: number): number => pick % nodes.length;
        const own = inputs.map(at);
        nodes.push(
          mix(
            own.map((i) => nodes[i]!),
            { deep: new Map([["x", nodes[at(deep)]!]]) },
            nodes[at(last)]!,
          ),
        );
        const start = values[deep % values.length]! + 7 * values[last % values.length]!;
        values.push(own.reduce((sum, i) => (sum * 31 + values[i]!) % 65_521, start));
      }
      const asked = [2, ...sinks.map((pick) => 2 + (pick % (nodes.length - 2)))];
      const futures = client.compute(asked.map((i) => nodes[i] as Delayed<number>));
      expect(await client.gather(futures)).toEqual(asked.map((i) => values[i]));
      client.release([...futures, nodes[1] as Future<number>]);
    }),
    { seed: 11, numRuns: 60 },
  );
  await expect.poll(tasksThere).toBe(0);
});
