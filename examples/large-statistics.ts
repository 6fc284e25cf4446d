// Mean and standard deviation of more numbers than anybody holds at one time: a graph of delayed calls. Each part is made,
// summed up and let go, before the next is begun; both figures come from one walk over the parts. Run it with:
// npx tsx examples/large-statistics.ts

import { type Delayed, delayed, LocalCluster, range } from "taskflock";

const ROWS = 250_000;

/** Stands for reading a file: 2 MB of numbers between 0 and 1, which are the same each time. */
function readPart(part: number): Float64Array {
  let state = part + 1;
  return Float64Array.from({ length: ROWS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
}

const read = delayed(readPart);
const sum = delayed((values: Float64Array) => values.reduce((a, b) => a + b, 0), { name: "sum" });
const sumOfSquares = delayed((values: Float64Array) => values.reduce((a, b) => a + b * b, 0), { name: "sumOfSquares" });
const add = delayed((a: number, b: number) => a + b, { name: "add" });
const describe = delayed(
  (count: number, total: number, squares: number) => {
    const mean = total / count;
    return { count, mean, std: Math.sqrt(squares / count - mean ** 2) };
  },
  { name: "describe" },
);

function pairwise(nodes: readonly Delayed<number>[]): Delayed<number> {
  const half = nodes.length >> 1;
  return half === 0 ? nodes[0]! : add(pairwise(nodes.slice(0, half)), pairwise(nodes.slice(half)));
}

const parts = range(200).map((part) => read.with({ retries: 2 })(part));
const figures = describe(
  parts.length * ROWS,
  pairwise(parts.map((p) => sum(p))),
  pairwise(parts.map((p) => sumOfSquares(p))),
);

const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
const client = await cluster.connect();
const future = client.compute(figures);

let stored = 0;
let running = true;
const over = future.error().then(() => {
  running = false;
});
while (running) {
  const workers = await client.workers();
  stored = Math.max(
    stored,
    workers.reduce((bytes, { storedBytes }) => bytes + storedBytes, 0),
  );
}
await over;
const { count, mean, std } = await future.result();
console.log(`${count.toLocaleString("en")} numbers: mean ${mean.toFixed(4)}, standard deviation ${std.toFixed(4)}`);
console.log(`at most ${(stored / 1e6).toFixed(0)} MB of ${(count * 8) / 1e6} MB were stored at one time`);
await client.close();
await cluster.close();
