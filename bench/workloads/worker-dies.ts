// One of two workers is killed half-way through a graph of 400 tasks of 20 ms: how much later the result is there.

import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Future } from "taskflock";
import type { Workload } from "../workload.ts";

const ROWS = 20;
const STEPS = 20;
const TASK_MS = 20;

/** Each task of a step needs two of the step before. Only the last step is held. */
function submitGraph(client: Client): Future<number>[] {
  const nap = (ms: number, inputs: number[]): number => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return (1 + inputs.reduce((a, b) => a + b, 0)) % 1_000_003;
  };
  let step: Future<number>[] = Array.from({ length: ROWS }, () => client.submit(nap, [TASK_MS, []]));
  for (let number = 1; number < STEPS; number++) {
    const before = step;
    step = before.map((input, row) => client.submit(nap, [TASK_MS, [input, before[(row + 1) % ROWS]!]]));
    client.release(before);
  }
  return step;
}

async function run(client: Client, meanwhile: () => Promise<void>): Promise<number> {
  const started = performance.now();
  const last = submitGraph(client);
  const [values] = await Promise.all([client.gather(last), meanwhile()]);
  const seconds = (performance.now() - started) / 1000;
  client.release(last);
  const expected = (2 ** STEPS - 1) % 1_000_003;
  if (!values.every((value) => value === expected)) throw new Error(`wrong values ${values.join(" ")}`);
  return seconds;
}

async function killOne(client: Client, afterMs: number): Promise<void> {
  const { pid } = (await client.workers())[1]!;
  await sleep(afterMs);
  process.kill(pid, "SIGKILL");
}

export const workerDies: Workload = {
  facts: { tasks: ROWS * STEPS, taskMs: TASK_MS },
  start:
    ({ client }) =>
    async () => {
      const undisturbedSeconds = await run(client, async () => undefined);
      const seconds = await run(client, () => killOne(client, (undisturbedSeconds * 1000) / 2));
      // Its nanny starts another.
      await client.waitForWorkers(2);
      return { lostSeconds: seconds - undisturbedSeconds, undisturbedSeconds };
    },
};
