// Neighbours of the nodes of a graph in two flat arrays: with thousands of nodes a list per node costs more than the work on it.

/** Edges by index of node, from an input to what needs it. */
export interface Edges {
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
}

/** The neighbours of node `i`: `nodes[starts[i]]` up to, without, `nodes[starts[i + 1]]`. */
export interface Adjacency {
  readonly starts: Int32Array;
  readonly nodes: Int32Array;
}

/** `inputs` and `dependents` of every node. Edges from a node to itself, and to nodes that are not there, are left out. */
export function adjacencyOf(size: number, { from, to }: Edges): { inputs: Adjacency; dependents: Adjacency } {
  return { inputs: gather(size, to, from), dependents: gather(size, from, to) };
}

export function degree({ starts }: Adjacency, node: number): number {
  return starts[node + 1]! - starts[node]!;
}

function gather(size: number, of: ArrayLike<number>, neighbour: ArrayLike<number>): Adjacency {
  const starts = new Int32Array(size + 1);
  const isEdge = (at: number): boolean =>
    of[at] !== neighbour[at] && of[at]! >= 0 && of[at]! < size && neighbour[at]! >= 0 && neighbour[at]! < size;
  for (let at = 0; at < of.length; at++) if (isEdge(at)) starts[of[at]! + 1]! += 1;
  for (let node = 0; node < size; node++) starts[node + 1]! += starts[node]!;
  const nodes = new Int32Array(starts[size]!);
  const filled = starts.slice(0, size);
  for (let at = 0; at < of.length; at++) {
    if (!isEdge(at)) continue;
    nodes[filled[of[at]!]!] = neighbour[at]!;
    filled[of[at]!]! += 1;
  }
  return { starts, nodes };
}
