// Running tasks and their clients talk: reports, words to a task, and a task that leaves a retiring worker.

import { importFrom } from "@taskflock/protocol/code";
import { type Client, LocalCluster, taskContext } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

/** Counts up by what it is told, reports each sum, and ends with "enough". */
async function counter(): Promise<number> {
  const { report, onTell } = taskContext();
  let sum = 0;
  return new Promise((resolve) => {
    onTell((value) => {
      if (value === "enough") {
        resolve(sum);
        return;
      }
      sum += value as number;
      report({ sum, told: value }, { quiet: true });
    });
    report("begun", { quiet: true });
  });
}

/** Waits for reports, one after the other. */
class Reports {
  readonly all: unknown[] = [];
  #wake: () => void = () => {};

  readonly hear = (report: unknown): void => {
    this.all.push(report);
    this.#wake();
  };

  async next(): Promise<unknown> {
    while (this.all.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.all.shift();
  }
}

describe.each(["thread", "process"] as const)("a task in a %s", (isolation) => {
  test("reports to its client, and hears what that tells it", async () => {
    const future = client.submit(counter, [], { isolation });
    const reports = new Reports();
    future.onReport(reports.hear);
    expect(await reports.next()).toBe("begun");
    expect(await future.tell(3)).toBe(true);
    expect(await reports.next()).toEqual({ sum: 3, told: 3 });
    await future.tell(4);
    expect(await reports.next()).toEqual({ sum: 7, told: 4 });
    await future.tell("enough");
    expect(await future.result()).toBe(7);
    expect(await future.tell(1)).toBe(false);
    future.release();
  });
});

test("the last report comes before the result, however fast they come", async () => {
  const future = client.submit(() => {
    for (let i = 0; i <= 1000; i++) taskContext().report(i, { quiet: true });
    return "done";
  }, []);
  const heard: unknown[] = [];
  future.onReport((report) => heard.push(report));
  const quiet: unknown[] = [];
  const end = future.onReport((report) => quiet.push(report));
  end();
  await future.result();
  expect(heard.at(-1)).toBe(1000);
  expect(heard.length).toBeLessThan(500);
  expect(quiet).toEqual([]);
});

test("a task that was cancelled, or has not begun, hears nothing; what cannot be told is refused", async () => {
  const blockers = [0, 1].map(() => client.submit(counter, []));
  const begun = blockers.map((blocker) => {
    const reports = new Reports();
    blocker.onReport(reports.hear);
    return reports.next();
  });
  await Promise.all(begun);
  const queued = client.submit(counter, []);
  expect(await queued.tell(1)).toBe(false);
  await client.cancel([...blockers, queued]);
  expect(await queued.tell(1)).toBe(false);
  await expect(queued.tell(() => 1)).rejects.toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
  await expect(queued.tell(new Uint8Array(2e6))).rejects.toMatchObject({ code: "FLOCK_TOO_LARGE" });
  expect(() => queued.onReport("me" as never)).toThrow(expect.objectContaining({ code: "FLOCK_ARGUMENT_INVALID" }));
  queued.release();
  await expect(queued.tell(1)).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
  expect(() => queued.onReport(() => {})).toThrow(expect.objectContaining({ code: "FLOCK_RELEASED" }));
});

test("a report that the client cannot read is left out, and a warning says so; the next one is heard", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const { odd } = (await importFrom(import.meta.dirname, "./talk-tasks.mjs")) as { odd(): Promise<void> };
  await using own = await cluster.connect({ logs: "ignore", packages: "installed" });
  const future = own.submit(odd, []);
  const reports = new Reports();
  future.onReport(reports.hear);
  const result = future.result();
  expect((await Promise.race([warned, result]))?.message).toMatch(/left out.*talk\.test\/Odd/);
  await future.tell("go on");
  await result;
  expect(await reports.next()).toBe("read");
});

test("a task leaves a worker that retires, and goes on elsewhere without a failure", async () => {
  const future = client.submit(
    async () => {
      const { task, retiring, report } = taskContext();
      report(task.worker, { quiet: true });
      if (task.attempt > 1) return task;
      await new Promise((resolve) => retiring.addEventListener("abort", resolve));
      return retiring.throwIfAborted();
    },
    [],
    { isolation: "process", allowedFailures: 0 },
  );
  const reports = new Reports();
  future.onReport(reports.hear);
  const first = (await reports.next()) as string;
  await client.retireWorkers([first]);
  const second = await reports.next();
  expect(second).not.toBe(first);
  expect(await future.result()).toMatchObject({ attempt: 2, worker: second });
});
