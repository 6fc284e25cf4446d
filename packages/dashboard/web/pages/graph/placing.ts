// The third step: coordinates. Nodes of a layer keep their order and a distance of at least 1; within that each stands as near as it
// can to where its neighbours are (least squares, by pooling what would overlap). A layer with very many nodes becomes a block of rows.

import type { Adjacency } from "./adjacency.ts";
import { barycentre } from "./ordering.ts";

const PASSES = 4;
/** Nodes side by side, at least, before a layer gets a second row. */
const LEAST_WIDTH = 24;

export interface Block {
  /** Rows that the layer takes, and the first of them. */
  readonly rows: number;
  readonly firstRow: number;
}

/** Wide enough that the whole is not much taller than wide. */
export function blocksOf(members: readonly (readonly number[])[], size: number): Block[] {
  const width = Math.max(LEAST_WIDTH, Math.ceil(2 * Math.sqrt(size)));
  let firstRow = 0;
  return members.map((layer) => {
    const block = { rows: Math.max(1, Math.ceil(layer.length / width)), firstRow };
    firstRow += block.rows;
    return block;
  });
}

/** Coordinates of every node. `wished`: where it was before, or NaN; what has such a wish goes there rather than to its neighbours. */
export function placeNodes(
  members: readonly (readonly number[])[],
  blocks: readonly Block[],
  neighbours: { readonly inputs: Adjacency; readonly dependents: Adjacency },
  wished: Float64Array | null,
): { x: Float64Array; y: Float64Array } {
  const x = new Float64Array(neighbours.inputs.starts.length - 1);
  const y = new Float64Array(x.length);
  for (const [layer, nodes] of members.entries()) stand(nodes, blocks[layer]!, x, y);
  for (let pass = 0; pass < PASSES; pass++) {
    const side = pass % 2 === 0 ? neighbours.inputs : neighbours.dependents;
    for (let step = 0; step < members.length; step++) {
      const layer = pass % 2 === 0 ? step : members.length - 1 - step;
      const nodes = members[layer]!;
      const wishes = nodes.map((node) =>
        wished && !Number.isNaN(wished[node]!) ? wished[node]! : (barycentre(node, side, x) ?? x[node]!),
      );
      if (blocks[layer]!.rows > 1) shift(nodes, wishes, x);
      else for (const [at, place] of spread(wishes).entries()) x[nodes[at]!] = place;
    }
  }
  return { x, y };
}

/** Column by column, around 0: what is next to each other in the order stays so. */
function stand(nodes: readonly number[], { rows, firstRow }: Block, x: Float64Array, y: Float64Array): void {
  const columns = Math.ceil(nodes.length / rows);
  for (const [at, node] of nodes.entries()) {
    x[node] = Math.floor(at / rows) - (columns - 1) / 2;
    y[node] = firstRow + (at % rows);
  }
}

/** A block moves as a whole. */
function shift(nodes: readonly number[], wishes: readonly number[], x: Float64Array): void {
  let sum = 0;
  for (const [at, node] of nodes.entries()) sum += wishes[at]! - x[node]!;
  const by = sum / nodes.length;
  for (const node of nodes) x[node]! += by;
}

/** The places in ascending order, at least 1 apart, with the smallest sum of squared distances to the wishes. */
export function spread(wishes: readonly number[]): number[] {
  const pools: { sum: number; count: number }[] = [];
  for (const [at, wish] of wishes.entries()) {
    let pool = { sum: wish - at, count: 1 };
    for (let last = pools.at(-1); last && last.sum / last.count >= pool.sum / pool.count; last = pools.at(-1)) {
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
      pools.pop();
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, count }) => Array<number>(count).fill(sum / count)).map((place, at) => place + at);
}
