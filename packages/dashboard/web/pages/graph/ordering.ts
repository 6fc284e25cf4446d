// The second step: the order within a layer. Each node goes where its neighbours are on average (the barycentre), downwards and
// upwards in turn; the order with the fewest crossings that was seen is kept.

import type { Adjacency, Edges } from "./adjacency.ts";

const SWEEPS = 8;
/** Sweeps without fewer crossings after which it is good enough. */
const PATIENCE = 2;

/** Orders each of `members` in place. `position`: of every node, from 0, as `members` stand; it is changed along with them. */
export function orderLayers(
  members: number[][],
  layers: Int32Array,
  edges: Edges,
  inputs: Adjacency,
  dependents: Adjacency,
): void {
  const position = positionsOf(members, layers.length);
  const crossings = (): number => countCrossings(members, layers, edges, position);
  let best = members.map((layer) => [...layer]);
  let fewest = crossings();
  for (let sweep = 0, idle = 0; sweep < SWEEPS && idle < PATIENCE && fewest > 0; sweep++) {
    const down = sweep % 2 === 0;
    for (let step = 1; step < members.length; step++) {
      const layer = members[down ? step : members.length - 1 - step]!;
      sortByNeighbours(layer, down ? inputs : dependents, position);
    }
    const now = crossings();
    idle = now < fewest ? 0 : idle + 1;
    if (now >= fewest) continue;
    fewest = now;
    best = members.map((layer) => [...layer]);
  }
  for (let layer = 0; layer < members.length; layer++) members[layer] = best[layer]!;
}

/** Where each node stands in its layer, from 0 to 1: layers of different width are compared. */
function positionsOf(members: readonly (readonly number[])[], size: number): Float64Array {
  const position = new Float64Array(size);
  for (const layer of members) place(layer, position);
  return position;
}

function place(layer: readonly number[], position: Float64Array): void {
  for (let at = 0; at < layer.length; at++) position[layer[at]!] = (at + 0.5) / layer.length;
}

function sortByNeighbours(layer: number[], neighbours: Adjacency, position: Float64Array): void {
  const wish = new Map(layer.map((node) => [node, barycentre(node, neighbours, position) ?? position[node]!]));
  layer.sort((a, b) => wish.get(a)! - wish.get(b)! || position[a]! - position[b]!);
  place(layer, position);
}

/** The mean of what the neighbours have; null without neighbours. */
export function barycentre(node: number, { starts, nodes }: Adjacency, of: ArrayLike<number>): number | null {
  const start = starts[node]!;
  const end = starts[node + 1]!;
  let sum = 0;
  for (let at = start; at < end; at++) sum += of[nodes[at]!]!;
  return end > start ? sum / (end - start) : null;
}

/** Pairs of edges between the same two neighbouring layers that cross. */
export function countCrossings(
  members: readonly (readonly number[])[],
  layers: ArrayLike<number>,
  { from, to }: Edges,
  position: ArrayLike<number>,
): number {
  const between: [number, number][][] = members.map(() => []);
  for (let at = 0; at < from.length; at++) {
    const upper = from[at]!;
    const lower = to[at]!;
    if (layers[lower] === layers[upper]! + 1) between[layers[upper]!]!.push([position[upper]!, position[lower]!]);
  }
  let crossings = 0;
  for (const [layer, pairs] of between.entries()) {
    if (pairs.length > 1) crossings += inversions(pairs, members[layer + 1]!.length);
  }
  return crossings;
}

/** With a Fenwick tree over the lower layer: for each edge, how many that begin further left end further right. */
function inversions(pairs: [number, number][], width: number): number {
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const tree = new Int32Array(width + 1);
  let count = 0;
  for (const [before, [, lower]] of pairs.entries()) {
    const place = Math.min(width, Math.floor(lower * width) + 1);
    let notRight = 0;
    for (let at = place; at > 0; at -= at & -at) notRight += tree[at]!;
    count += before - notRight;
    for (let at = place; at <= width; at += at & -at) tree[at]! += 1;
  }
  return count;
}
