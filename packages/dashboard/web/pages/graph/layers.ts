// The first step of a layered drawing: which layer a node is in. Every edge goes down, so a reader sees what comes after what.

import { type Adjacency, degree } from "./adjacency.ts";

/**
 * The longest way from a node without inputs, in edges; then what has no inputs moves down to right above what needs it first, which
 * keeps edges short. Groups of tasks can need each other: where a circle is, the node with the fewest open inputs goes first.
 */
export function layersOf(size: number, inputs: Adjacency, dependents: Adjacency): Int32Array {
  const layers = new Int32Array(size);
  const open = Int32Array.from({ length: size }, (_, node) => degree(inputs, node));
  const isPlaced = new Uint8Array(size);
  const ready: number[] = [];
  for (let node = 0; node < size; node++) if (open[node] === 0) ready.push(node);
  for (let next = 0; next < size; next++) {
    const node = ready[next] ?? leastOpen(open, isPlaced, ready);
    isPlaced[node] = 1;
    for (let at = dependents.starts[node]!; at < dependents.starts[node + 1]!; at++) {
      const dependent = dependents.nodes[at]!;
      if (isPlaced[dependent] === 1) continue;
      layers[dependent] = Math.max(layers[dependent]!, layers[node]! + 1);
      open[dependent]! -= 1;
      if (open[dependent] === 0) ready.push(dependent);
    }
  }
  lowerSources(layers, inputs, dependents);
  return layers;
}

function leastOpen(open: Int32Array, isPlaced: Uint8Array, ready: number[]): number {
  let least = -1;
  for (let node = 0; node < open.length; node++) {
    if (isPlaced[node] === 0 && (least < 0 || open[node]! < open[least]!)) least = node;
  }
  open[least] = -1; // so that it does not get ready a second time
  ready.push(least);
  return least;
}

function lowerSources(layers: Int32Array, inputs: Adjacency, dependents: Adjacency): void {
  for (let node = 0; node < layers.length; node++) {
    if (degree(inputs, node) > 0 || degree(dependents, node) === 0) continue;
    let first = Number.POSITIVE_INFINITY;
    for (let at = dependents.starts[node]!; at < dependents.starts[node + 1]!; at++) {
      first = Math.min(first, layers[dependents.nodes[at]!]!);
    }
    layers[node] = Math.max(0, first - 1);
  }
}

/** The nodes of each layer, in the order of their numbers. */
export function membersOf(layers: Int32Array): number[][] {
  const members: number[][] = [];
  for (let node = 0; node < layers.length; node++) {
    const layer = layers[node]!;
    while (members.length <= layer) members.push([]);
    members[layer]!.push(node);
  }
  return members;
}
