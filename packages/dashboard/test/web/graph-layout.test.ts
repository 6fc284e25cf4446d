import { describe, expect, it } from "vitest";
import { adjacencyOf, type Edges } from "../../web/pages/graph/adjacency.ts";
import { layersOf, membersOf } from "../../web/pages/graph/layers.ts";
import { type Layout, layoutGraph } from "../../web/pages/graph/layout.ts";
import { countCrossings } from "../../web/pages/graph/ordering.ts";
import { spread } from "../../web/pages/graph/placing.ts";

function edgesOf(...pairs: readonly (readonly [number, number])[]): Edges {
  return { from: pairs.map(([from]) => from), to: pairs.map(([, to]) => to) };
}
function layers(size: number, edges: Edges): number[] {
  const { inputs, dependents } = adjacencyOf(size, edges);
  return [...layersOf(size, inputs, dependents)];
}
/** Repeats itself: a linear congruential generator. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}
function randomGraph(size: number, count: number, seed: number): Edges {
  const random = randomFrom(seed);
  const pairs = Array.from({ length: count }, (): [number, number] => {
    const to = 1 + random(size - 1);
    return [random(to), to];
  });
  return { from: pairs.map(([from]) => from), to: pairs.map(([, to]) => to) };
}
function crossingsOf(layout: Layout, edges: Edges): number {
  const at = new Float64Array(layout.x.length);
  for (const nodes of layout.members)
    for (const [index, node] of nodes.entries()) at[node] = (index + 0.5) / nodes.length;
  return countCrossings(layout.members, layout.layer, edges, at);
}

describe("layers", () => {
  it("are the longest way from the sources", () => {
    expect(layers(4, edgesOf([0, 1], [1, 2], [0, 2], [2, 3], [0, 3]))).toEqual([0, 1, 2, 3]);
  });

  it("put what has no inputs right above what needs it first", () => {
    // 0 → 1 → 2 → 3, and 4 is needed by 3 alone
    expect(layers(5, edgesOf([0, 1], [1, 2], [2, 3], [4, 3]))).toEqual([0, 1, 2, 3, 2]);
  });

  it("leave a task without edges on top, and no edge up, in any graph without circles", () => {
    expect(layers(3, edgesOf([1, 2]))).toEqual([0, 0, 1]);
    for (const seed of [1, 2, 3]) {
      const edges = randomGraph(300, 900, seed);
      const of = layers(300, edges);
      for (let at = 0; at < 900; at++) expect(of[edges.to[at]!]!).toBeGreaterThan(of[edges.from[at]!]!);
    }
  });

  it("end with circles, too, and place every node", () => {
    const of = layers(5, edgesOf([0, 1], [1, 2], [2, 0], [2, 3], [3, 3], [3, 4]));
    expect(of).toEqual([0, 1, 2, 3, 4]);
    expect(membersOf(Int32Array.from(of)).flat()).toHaveLength(5);
  });

  it("leave out edges to nodes that are not there", () => {
    expect(layers(2, edgesOf([0, 1], [0, 7], [-1, 1]))).toEqual([0, 1]);
  });
});

describe("order", () => {
  it("counts pairs of edges that cross", () => {
    const members = [
      [0, 1],
      [2, 3],
    ];
    const position = [0.25, 0.75, 0.25, 0.75];
    const of = [0, 0, 1, 1];
    expect(countCrossings(members, of, edgesOf([0, 2], [1, 3]), position)).toBe(0);
    expect(countCrossings(members, of, edgesOf([0, 3], [1, 2]), position)).toBe(1);
    expect(countCrossings(members, of, edgesOf([0, 2], [0, 3], [1, 2], [1, 3]), position)).toBe(1);
  });

  it("undoes the crossings of chains that stand in another order", () => {
    const chains = 40;
    const step = 7; // chain i goes from i to chains + (i * 7) % chains, and on to 2 * chains + i
    const edges = edgesOf(
      ...Array.from({ length: chains }, (_, i): [number, number] => [i, chains + ((i * step) % chains)]),
      ...Array.from({ length: chains }, (_, i): [number, number] => [chains + ((i * step) % chains), 2 * chains + i]),
    );
    expect(crossingsOf(layoutGraph(3 * chains, edges), edges)).toBe(0);
  });

  it("ends with fewer crossings than the order that came in", () => {
    for (const seed of [5, 6, 7]) {
      const edges = randomGraph(200, 400, seed);
      const { inputs, dependents } = adjacencyOf(200, edges);
      const layer = layersOf(200, inputs, dependents);
      const members = membersOf(layer);
      const plain = { members, layer, x: new Float64Array(200) } as unknown as Layout;
      expect(crossingsOf(layoutGraph(200, edges), edges)).toBeLessThan(crossingsOf(plain, edges));
    }
  });
});

describe("coordinates", () => {
  it("spread wishes that are too near, and leave the others", () => {
    expect(spread([0, 5, 9])).toEqual([0, 5, 9]);
    expect(spread([2, 2, 2])).toEqual([1, 2, 3]);
    expect(spread([3, 0])).toEqual([1, 2]);
    expect(spread([])).toEqual([]);
  });

  it("put what collects in the middle of what it collects", () => {
    const edges = edgesOf([0, 5], [1, 5], [2, 5], [3, 5], [4, 5]);
    const { x, y } = layoutGraph(6, edges);
    expect(x[5]).toBeCloseTo(x[2]!, 9);
    expect([...y]).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it("lay a layer of thousands out as a block, 1 apart, no two at one place", () => {
    const size = 5000;
    const edges = edgesOf(...Array.from({ length: size - 1 }, (_, at): [number, number] => [at, size - 1]));
    const { x, y, bounds } = layoutGraph(size, edges);
    expect(new Set(Array.from(x, (value, node) => `${value.toFixed(3)} ${y[node]}`)).size).toBe(size);
    expect(bounds.right - bounds.left).toBeLessThan(200);
    expect(bounds.bottom).toBe(y[size - 1]);
    expect(bounds.bottom).toBeLessThan(60);
  });

  it("keep a distance of 1 within each layer of any graph", () => {
    const { x, members } = layoutGraph(300, randomGraph(300, 500, 11));
    for (const nodes of members.filter(({ length }) => length <= 35)) {
      for (let at = 1; at < nodes.length; at++) expect(x[nodes[at]!]! - x[nodes[at - 1]!]!).toBeGreaterThan(0.999);
    }
  });

  it("are there for no node, and for one", () => {
    expect(layoutGraph(0, edgesOf()).bounds).toEqual({ left: 0, right: 0, top: 0, bottom: 0 });
    expect([...layoutGraph(1, edgesOf()).x]).toEqual([0]);
  });

  it("take 5,000 nodes and 200,000 edges", () => {
    const { x, members } = layoutGraph(5000, randomGraph(5000, 200_000, 3));
    expect(members.flat()).toHaveLength(5000);
    expect(x.every(Number.isFinite)).toBe(true);
  });
});

describe("a graph that grows", () => {
  it("leaves what was there where it was, and puts what is new beside its neighbours", () => {
    const edges = edgesOf([0, 3], [1, 4], [2, 5]);
    const first = layoutGraph(6, edges);
    const before = new Float64Array(8).fill(Number.NaN);
    before.set(first.x);
    const grown = layoutGraph(8, edgesOf([0, 3], [1, 4], [2, 5], [3, 6], [5, 7]), before);
    expect([...grown.x.slice(0, 6)]).toEqual([...first.x]);
    expect(grown.x[6]).toBeCloseTo(first.x[3]!, 9);
    expect(grown.x[7]).toBeCloseTo(first.x[5]!, 9);
  });

  it("is drawn anew when most of it is new", () => {
    const edges = randomGraph(100, 200, 9);
    const before = new Float64Array(100).fill(Number.NaN);
    before[0] = 1000;
    expect([...layoutGraph(100, edges, before).x]).toEqual([...layoutGraph(100, edges).x]);
  });
});
