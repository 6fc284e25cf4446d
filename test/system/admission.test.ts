// A client that submits in a loop, and hears nothing while it does, does not grow the scheduler without bound.

import { Client, type Future } from "taskflock";
import { expect, test } from "vitest";
import { bytesInUse, type Role, startRole } from "./processes.ts";

const MIB = 2 ** 20;
const ADMISSION_BYTES = 16 * MIB;
const ARGUMENT = "x".repeat(1024);
const BURST = 100_000;
const LOOP = 200_000;

const measure = (index: number, text: string): number => index + text.length;

/** Samples the scheduler until `work` is over: the most unfinished tasks, and bytes that it kept of them. */
async function watched(
  client: Client,
  page: string,
  work: Promise<unknown>,
): Promise<{ tasks: number; bytes: number }> {
  let isOver = false;
  void work
    .catch(() => {})
    .then(() => {
      isOver = true;
    });
  const most = { tasks: 0, bytes: 0 };
  while (!isOver) {
    const { waiting, queued, assigned, running } = (await client.cluster()).tasks;
    most.tasks = Math.max(most.tasks, waiting + queued + assigned + running);
    const metrics = await (await fetch(new URL("/metrics", page))).text();
    most.bytes = Math.max(most.bytes, Number(/^taskflock_scheduler_payload_bytes (\S+)$/m.exec(metrics)![1]));
  }
  await work;
  return most;
}

async function all(futures: readonly Future<number>[], from: number): Promise<void> {
  for (const [index, future] of futures.entries()) {
    const value = await future.result();
    if (value !== from + index + 1024) throw new Error(`task ${from + index} gave ${value}`);
    future.release();
  }
}

test("300,000 tasks of 1 KiB: what the scheduler keeps is bounded, all results are right", {
  timeout: 240_000,
}, async () => {
  const roles: Role[] = [];
  try {
    const scheduler = await startRole(
      ["scheduler", "--port", "0", "--dashboard-port", "0", "--admission-bytes", "16MiB", "--log-level", "warn"],
      { inspect: true },
    );
    roles.push(scheduler);
    const { address, dashboard } = scheduler.ready;
    const before = await bytesInUse(scheduler.inspector!);
    const client = await Client.connect(address);

    const futures: Future<number>[] = [];
    for (let i = 0; i < BURST; i++) futures.push(client.submit(measure, [i, ARGUMENT]));
    // Once this is answered, all that was sent before it is there.
    const { queued } = (await client.cluster()).tasks;
    expect(queued).toBeGreaterThan(5_000);
    expect(queued).toBeLessThanOrEqual(ADMISSION_BYTES / (1024 + 512));
    // As many tasks would take some 150 MiB.
    expect((await bytesInUse(scheduler.inspector!)) - before).toBeLessThan(48 * MIB);

    roles.push(await startRole(["worker", address, "--threads", "2", "--no-nanny", "--log-level", "warn"]));
    const burst = await watched(client, dashboard, all(futures, 0));
    expect(burst.tasks).toBeLessThanOrEqual(ADMISSION_BYTES / (1024 + 512));

    const loop = async (): Promise<void> => {
      const parts: Promise<void>[] = [];
      for (let from = 0; from < LOOP; from += 1000) {
        const part = Array.from({ length: 1000 }, (_, i) => client.submit(measure, [from + i, ARGUMENT]));
        parts.push(all(part, from));
        await client.drained();
      }
      await Promise.all(parts);
    };
    const looped = await watched(client, dashboard, loop());
    expect(looped.tasks).toBeLessThanOrEqual(ADMISSION_BYTES / (1024 + 512));
    expect(Math.max(burst.bytes, looped.bytes)).toBeLessThan(2 * ADMISSION_BYTES);
    await client.close();
  } finally {
    for (const role of roles.reverse()) await role.stop();
  }
});
