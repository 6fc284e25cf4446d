// A task that takes much longer than others, over real processes.

import { type Client, LocalCluster, range, taskContext } from "taskflock";
import { afterAll, beforeAll, expect, test } from "vitest";

let cluster: LocalCluster;
let client: Client;
const said: string[] = [];
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: (line) => said.push(line.text) });
}, 60_000);
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

/** Its first attempt ends only when it is stopped. */
async function stuckAtFirst(stuck: boolean): Promise<number> {
  const { task, signal } = taskContext();
  if (stuck && task.attempt === 1) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    console.log("the first attempt is stopped");
  }
  return task.attempt;
}

test("a straggler is told, begun a second time elsewhere, and its first attempt is stopped", async () => {
  await client.gather(client.map(stuckAtFirst, new Array<boolean>(10).fill(false)));
  const future = client.submit(stuckAtFirst, [true], { speculate: true });
  expect(await future.result()).toBe(2);
  await expect.poll(() => said).toContain("the first attempt is stopped");
  expect(said.filter((text) => text.includes(`${future.key} has run for`))).toHaveLength(1);
  const events = (await client.events()).filter(({ key }) => key === future.key);
  expect(events.map(({ kind }) => kind)).toEqual(["straggler", "speculation", "speculation"]);
  expect(new Set(events.map(({ who }) => who)).size).toBe(2);
  // Both workers are free again.
  expect(await client.gather(client.map((n: number) => n, range(100)))).toEqual(range(100));
  await expect.poll(async () => (await client.workers()).map((w) => w.assigned)).toEqual([0, 0]);
}, 60_000);

test("`speculate` is true or false", () => {
  expect(() => client.submit(stuckAtFirst, [false], { speculate: 1 as never })).toThrow(/speculate/);
});
