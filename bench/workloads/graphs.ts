// Graphs of tiny tasks. Only what is wanted at the end stays held, as when Dask is given the whole graph.

import { type Future, range } from "taskflock";
import { mulberry32 } from "../random.ts";
import type { Workload } from "../workload.ts";

const LEAVES = 8192;

/** Sums of pairs of sums. */
export const tree: Workload = {
  facts: { leaves: LEAVES, tasks: 2 * LEAVES - 1 },
  start:
    ({ client, measure }) =>
    async () => {
      let sum = 0;
      const seconds = await measure(2 * LEAVES - 1, async () => {
        let level = client.map((x: number) => x, range(LEAVES));
        while (level.length > 1) {
          const left = level.filter((_, index) => index % 2 === 0);
          const right = level.filter((_, index) => index % 2 === 1);
          const next = client.map((a: number, b: number) => a + b, left, right);
          client.release(level);
          level = next;
        }
        const [root] = level as [Future<number>];
        sum = await root.result();
        root.release();
      });
      if (sum !== (LEAVES * (LEAVES - 1)) / 2) throw new Error(`wrong sum ${sum}`);
      return { usPerTask: (seconds / (2 * LEAVES - 1)) * 1e6 };
    },
};

const NODES = 10_000;
const EDGES = 14_924;
const SINKS = 2_202;
const SUM_OF_SINKS = 610_202_068;

/** For each node its inputs: up to three of the hundred nodes before it. The same graph as the benchmark of Dask makes. */
function randomGraph(): number[][] {
  const random = mulberry32(42);
  return Array.from({ length: NODES }, (_, node) => {
    const inputs = new Set<number>();
    const first = Math.max(0, node - 100);
    for (let wanted = Math.trunc(random() * 4); wanted > 0; wanted--) {
      if (node > first) inputs.add(first + Math.trunc(random() * (node - first)));
    }
    return [...inputs];
  });
}

function sinksOf(graph: readonly (readonly number[])[]): number[] {
  const used = new Set(graph.flat());
  return [...range(graph.length)].filter((node) => !used.has(node));
}

/** Each node is its number and the sum of its inputs. */
export const dag: Workload = {
  facts: { tasks: NODES, edges: EDGES, sinks: SINKS },
  start: ({ client, measure }) => {
    const graph = randomGraph();
    const sinks = sinksOf(graph);
    const edges = graph.reduce((sum, inputs) => sum + inputs.length, 0);
    if (edges !== EDGES || sinks.length !== SINKS)
      throw new Error(`not the graph: ${edges} edges, ${sinks.length} sinks`);
    return async () => {
      let values: number[] = [];
      const seconds = await measure(NODES, async () => {
        const futures: Future<number>[] = [];
        for (const [node, inputs] of graph.entries()) {
          const given = inputs.map((input) => futures[input]!);
          futures.push(
            client.submit(
              (seed: number, numbers: number[]) => (seed + numbers.reduce((a, b) => a + b, 0)) % 1_000_003,
              [node, given],
            ),
          );
        }
        const wanted = new Set(sinks.map((node) => futures[node]!));
        client.release(futures.filter((future) => !wanted.has(future)));
        values = await client.gather([...wanted]);
        client.release(wanted);
      });
      const sum = values.reduce((a, b) => a + b, 0);
      if (sum !== SUM_OF_SINKS) throw new Error(`wrong sum of sinks ${sum}`);
      return { usPerTask: (seconds / NODES) * 1e6 };
    };
  },
};
