// The order in which the calls of a graph are submitted. The scheduler takes first what was submitted first, so this order
// decides how many intermediate results there are at one time: a branch is finished before the next is begun.

import { callOf, type Delayed } from "./delayed.ts";

/** Nodes by number; inputs and readers are numbers of nodes. */
interface Graph {
  readonly nodes: readonly Delayed<unknown>[];
  readonly inputs: readonly (readonly number[])[];
  readonly readers: readonly (readonly number[])[];
}

/**
 * All that `roots` need and they themselves, each once and after its inputs; what `isGiven` needs nothing, and is left out.
 * Takes time in proportion to the calls and their inputs, and no recursion: graphs may be deep.
 */
export function depthFirst(
  roots: Iterable<Delayed<unknown>>,
  isGiven: (node: Delayed<unknown>) => boolean,
): Delayed<unknown>[] {
  const asked = [...roots].filter((node) => !isGiven(node));
  const graph = number(asked, isGiven);
  const wanted = asked.map((_, index) => index); // they were numbered first
  const branches = largestFirst(graph, wanted);
  const emitter = new Emitter(graph, wanted.length);
  inPostOrder(wanted, branches, (node) => emitter.emit(node));
  return emitter.order.map((node) => graph.nodes[node]!);
}

function number(asked: readonly Delayed<unknown>[], isGiven: (node: Delayed<unknown>) => boolean): Graph {
  const nodes = [...asked];
  const numbers = new Map(nodes.map((node, index) => [node, index]));
  const inputs: number[][] = [];
  const readers: number[][] = nodes.map(() => []);
  for (let reader = 0; reader < nodes.length; reader++) {
    const own: number[] = [];
    for (const input of callOf(nodes[reader]!).inputs) {
      if (isGiven(input)) continue;
      let index = numbers.get(input);
      if (index === undefined) {
        index = nodes.push(input) - 1;
        numbers.set(input, index);
        readers.push([]);
      }
      own.push(index);
      readers[index]!.push(reader);
    }
    inputs.push(own);
  }
  return { nodes, inputs, readers };
}

/** Visits each node that the roots need once, after its inputs. */
function inPostOrder(
  roots: readonly number[],
  inputs: readonly (readonly number[])[],
  visit: (node: number) => void,
): void {
  const next = new Int32Array(inputs.length); // which input of a node is looked at next
  const seen = new Uint8Array(inputs.length);
  const path: number[] = [];
  for (const root of roots) {
    if (seen[root] === 1) continue;
    seen[root] = 1;
    path.push(root);
    while (path.length > 0) {
      const node = path.at(-1)!;
      const input = inputs[node]![next[node]!++];
      if (input === undefined) {
        path.pop();
        visit(node);
      } else if (seen[input] === 0) {
        seen[input] = 1;
        path.push(input);
      }
    }
  }
}

/**
 * The inputs of each node in the order that needs the fewest results at one time if the graph is a tree (Sethi and Ullman):
 * first the branch that needs the most, while nothing else has to be kept.
 */
function largestFirst({ inputs }: Graph, roots: readonly number[]): readonly (readonly number[])[] {
  const needs = new Int32Array(inputs.length);
  const sorted: (readonly number[])[] = new Array(inputs.length);
  inPostOrder(roots, inputs, (node) => {
    const own = inputs[node]!;
    const order = own.length < 2 ? own : own.toSorted((a, b) => needs[b]! - needs[a]!);
    sorted[node] = order;
    let most = 1;
    for (let kept = 0; kept < order.length; kept++) most = Math.max(most, kept + needs[order[kept]!]!);
    needs[node] = most;
  });
  return sorted;
}

/** Takes the nodes in post-order, and draws forward those that free a result as soon as they can be computed. */
class Emitter {
  readonly order: number[] = [];
  readonly #graph: Graph;
  /** So many of the first nodes were asked for: their results stay. */
  readonly #asked: number;
  readonly #emitted: Uint8Array;
  /** Per node: its inputs that were not emitted. */
  readonly #missing: Int32Array;
  /** Per node: how many of its readers were not emitted, and the exclusive or of their numbers: of one, its number. */
  readonly #left: Int32Array;
  readonly #leftNumbers: Int32Array;

  constructor(graph: Graph, asked: number) {
    const { inputs, readers } = graph;
    this.#graph = graph;
    this.#asked = asked;
    this.#emitted = new Uint8Array(inputs.length);
    this.#missing = Int32Array.from(inputs, ({ length }) => length);
    this.#left = Int32Array.from(readers, ({ length }) => length);
    this.#leftNumbers = Int32Array.from(readers, (own) => own.reduce((all, reader) => all ^ reader, 0));
  }

  emit(first: number): void {
    const due = [first];
    for (let node = due.pop(); node !== undefined; node = due.pop()) {
      if (this.#emitted[node] === 1) continue;
      this.#emitted[node] = 1;
      this.order.push(node);
      const { inputs, readers } = this.#graph;
      for (const reader of readers[node]!) this.#missing[reader]!--;
      for (const input of inputs[node]!) {
        this.#left[input]!--;
        this.#leftNumbers[input]! ^= node;
        this.#drawForward(input, due);
      }
      this.#drawForward(node, due);
    }
  }

  /** The only one that still reads a result frees it. */
  #drawForward(node: number, due: number[]): void {
    if (node < this.#asked || this.#left[node] !== 1) return;
    const reader = this.#leftNumbers[node]!;
    if (this.#missing[reader] === 0) due.push(reader);
  }
}
