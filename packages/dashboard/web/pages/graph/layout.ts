// A layered drawing of dependencies in the three steps of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical
// System Structures", IEEE Transactions on Systems, Man, and Cybernetics 11, 1981): layers, order within the layers, coordinates. Their
// nodes in between, where an edge goes over several layers, are left out: with thousands of tasks they would be most of the nodes.
// Time grows with nodes and edges, times a fixed number of sweeps.

import { type Adjacency, adjacencyOf, type Edges } from "./adjacency.ts";
import { layersOf, membersOf } from "./layers.ts";
import { barycentre, orderLayers } from "./ordering.ts";
import { blocksOf, placeNodes } from "./placing.ts";

/** More edges than these are not looked at for the order: every second, third … is. */
const MOST_EDGES = 50_000;

/** Where nodes are. The distance from one to the next is 1, in both directions. */
export interface Layout {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly layer: Int32Array;
  /** The nodes of each layer from left to right (in blocks: column by column). */
  readonly members: readonly (readonly number[])[];
  readonly bounds: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
}

/** `before`: where a node of this number was in the layout before, NaN for a new one. Those that were there hardly move. */
export function layoutGraph(size: number, edges: Edges, before: Float64Array | null = null): Layout {
  const { inputs, dependents } = adjacencyOf(size, edges);
  const layer = layersOf(size, inputs, dependents);
  const members = membersOf(layer);
  const wished = before && knows(before) ? before : null;
  if (wished) keepOrder(members, wished, inputs, dependents);
  else orderLayers(members, layer, thinned(edges), inputs, dependents);
  const { x, y } = placeNodes(members, blocksOf(members, size), { inputs, dependents }, wished);
  return { x, y, layer, members, bounds: boundsOf(x, y) };
}

/** When most nodes are new, a new drawing is better than an old one with additions. */
function knows(before: Float64Array): boolean {
  let known = 0;
  for (const x of before) if (!Number.isNaN(x)) known++;
  return known > 0 && known * 2 >= before.length;
}

/** Those that were there in their order; new ones among them, where their neighbours are. */
function keepOrder(members: number[][], before: Float64Array, inputs: Adjacency, dependents: Adjacency): void {
  const wish = before.slice();
  const fill = (layer: readonly number[], side: Adjacency): void => {
    for (const node of layer) if (Number.isNaN(wish[node]!)) wish[node] = barycentre(node, side, wish) ?? Number.NaN;
  };
  for (const layer of members) fill(layer, inputs);
  for (const layer of members.toReversed()) fill(layer, dependents);
  const last = Number.MAX_VALUE;
  const of = (node: number): number => (Number.isNaN(wish[node]!) ? last : wish[node]!);
  for (const layer of members) layer.sort((a, b) => of(a) - of(b) || a - b);
}

function thinned(edges: Edges): Edges {
  const every = Math.ceil(edges.from.length / MOST_EDGES);
  if (every <= 1) return edges;
  const keep = (column: ArrayLike<number>): number[] =>
    Array.from({ length: Math.floor(column.length / every) }, (_, at) => column[at * every]!);
  return { from: keep(edges.from), to: keep(edges.to) };
}

function boundsOf(x: Float64Array, y: Float64Array): Layout["bounds"] {
  if (x.length === 0) return { left: 0, right: 0, top: 0, bottom: 0 };
  let [left, right, top, bottom] = [x[0]!, x[0]!, y[0]!, y[0]!];
  for (let node = 1; node < x.length; node++) {
    left = Math.min(left, x[node]!);
    right = Math.max(right, x[node]!);
    top = Math.min(top, y[node]!);
    bottom = Math.max(bottom, y[node]!);
  }
  return { left, right, top, bottom };
}
