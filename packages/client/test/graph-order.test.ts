import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callOf, type Delayed, delayed } from "../src/graph/delayed.ts";
import { depthFirst } from "../src/graph/order.ts";
import { range } from "../src/index.ts";

type Node = Delayed<number>;

const load = delayed((n: number) => n);
const step = delayed((x: number) => x + 1);
const add = delayed((a: number, b: number) => a + b);
const addAll = delayed((all: readonly number[]) => all.reduce((a, b) => a + b, 0));

const nothing = (): boolean => false;

function pairwise(nodes: readonly Node[]): Node {
  let level = nodes;
  while (level.length > 1) {
    level = level.flatMap((node, i) =>
      i % 2 === 0 ? (level[i + 1] === undefined ? node : add(node, level[i + 1]!)) : [],
    );
  }
  return level[0]!;
}

/** The most results that there are at one time, when calls run in this order and results go with their last reader. */
function peakOf(order: readonly Delayed<unknown>[], asked: readonly Node[]): number {
  const readers = new Map<Delayed<unknown>, number>();
  for (const node of order) for (const input of callOf(node).inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  let live = 0;
  let peak = 0;
  for (const node of order) {
    peak = Math.max(peak, ++live);
    for (const input of callOf(node).inputs) {
      readers.set(input, readers.get(input)! - 1);
      if (readers.get(input) === 0 && !asked.includes(input as Node)) live--;
    }
  }
  return peak;
}

const peak = (...asked: readonly Node[]): number => peakOf(depthFirst(asked, nothing), asked);

describe("few results live at one time", () => {
  test("a tree of 1,024 leaves: one per level", () => {
    expect(peak(pairwise(range(1024).map((n) => load(n))))).toBe(12);
  });

  test.each([
    ["first", (total: Node, n: number) => add(total, load(n))],
    ["last", (total: Node, n: number) => add(load(n), total)],
  ])("a running total, given %s", (_, next) => {
    expect(peak(range(1000).reduce(next, load(0)))).toBe(3);
  });

  test("a chain of maps: each item goes through all of them before the next begins", () => {
    const ends = range(100).map((n) => step(step(step(load(n)))));
    const order = depthFirst([addAll(ends)], nothing);
    for (const [i, end] of ends.entries()) expect(order.indexOf(end)).toBe(4 * i + 3);
  });

  test("two totals of the same data are made side by side", () => {
    const data = range(256).map((n) => load(n));
    const sum = pairwise(data);
    const plusOne = pairwise(data.map((node) => step(node)));
    expect(peak(sum, plusOne)).toBeLessThan(30);
  });

  test("what many need does not open all their branches", () => {
    const settings = load(1);
    expect(peak(pairwise(range(256).map((n) => add(settings, n))))).toBeLessThan(14);
  });

  test("the branch that needs most goes first", () => {
    const large = pairwise(range(64).map((n) => load(n)));
    const mixed = addAll([...range(20).map((n) => load(n)), large]);
    expect(callOf(mixed).inputs.indexOf(large)).toBe(20);
    expect(depthFirst([mixed], nothing).indexOf(large)).toBe(126);
  });
});

describe("large graphs take time in proportion", () => {
  const sizes = 50_000;

  test("a chain of 100,000", () => {
    let end = load(0);
    for (let i = 0; i < 100_000; i++) end = step(end);
    const order = depthFirst([end], nothing);
    expect(order.length).toBe(100_001);
    expect(order.at(-1)).toBe(end);
  });

  test("50,000 inputs of one call, each with a second reader, and 50,000 readers of one result", () => {
    const one = load(1);
    const middle = range(sizes).map(() => step(one));
    const asked = [addAll(middle), ...middle.map((node) => step(node))];
    expect(depthFirst(asked, nothing).length).toBe(1 + sizes + 1 + sizes);
  });

  test("a ladder, in which the ways to the top double with every rung", () => {
    let rung: readonly [Node, Node] = [load(0), load(1)];
    for (let i = 0; i < 10_000; i++) rung = [add(...rung), add(...rung)];
    expect(depthFirst(rung, nothing).length).toBe(20_002);
  });
});

test("every call that is needed comes once, after its inputs; what is given is left out, and what only that needs", () => {
  const picks = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(picks, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.nat(), (graph, sinks, givenAt) => {
      const nodes: Node[] = [];
      for (const inputs of graph)
        nodes.push(addAll(nodes.length === 0 ? [1] : inputs.map((at) => nodes[at % nodes.length]!)));
      const given = nodes[givenAt % nodes.length]!;
      const asked = [...new Set(sinks.map((at) => nodes[at % nodes.length]!))];
      const order = depthFirst(asked, (node) => node === given);
      const expected = new Set<Delayed<unknown>>(asked);
      expected.delete(given);
      for (const node of expected) for (const input of callOf(node).inputs) if (input !== given) expected.add(input);
      expect(new Set(order)).toEqual(expected);
      expect(order.length).toBe(expected.size);
      const seen = new Set<Delayed<unknown>>([given]);
      for (const node of order) {
        for (const input of callOf(node).inputs) expect(seen.has(input)).toBe(true);
        seen.add(node);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
