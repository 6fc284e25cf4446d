// A spot instance is taken away below a worker that is in the middle of its work: real processes, and a metadata service as the cloud has it.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, range, taskContext, type WorkerInfo } from "taskflock";
import { afterEach, expect, test } from "vitest";
import { MetadataService } from "./metadata-service.ts";
import { type Role, startRole } from "./processes.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A scheduler, a client, a metadata service, and a way to start workers. */
async function start() {
  const at = await startRole(["scheduler", "--port", "0", "--dashboard-port", "0"]);
  closing.push(() => at.stop());
  const client = await Client.connect(at.ready.address, { tokenFile: at.ready.tokenFile, logs: "ignore" });
  closing.push(() => client.close());
  const service = await MetadataService.start();
  closing.push(() => service.close());
  const worker = async (name: string, ...args: string[]): Promise<Role> => {
    const common = ["--token-file", at.ready.tokenFile as string, "--name", name];
    const role = await startRole(["worker", at.ready.address as string, ...common, ...args]);
    closing.splice(1, 0, () => role.stop()); // after the client, whose data would keep it
    await until(client, (workers) => workers.some((one) => one.name === name));
    return role;
  };
  const spot = ["--spot-metadata", service.url, "--spot-interval", "100ms", "--spot-margin", "1s"];
  return { client, service, worker, spot };
}

async function until(client: Client, holds: (workers: readonly WorkerInfo[]) => boolean): Promise<void> {
  while (!holds(await client.workers())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function endOf({ child }: Role): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

/** How often a task was given to a worker. */
async function given(client: Client, future: Parameters<Client["story"]>[0]): Promise<number> {
  return (await client.story(future)).filter(({ to }) => to === "assigned").length;
}

const noRetry = { retries: 0, allowedFailures: 0 } as const;

test("what only it holds moves at once, what can end ends, the rest is begun anew; it is gone in time, and nothing counts as a failure", async () => {
  const { client, service, worker, spot } = await start();
  const saved = mkdtempSync(join(tmpdir(), "taskflock-spot-"));
  closing.push(() => rmSync(saved, { recursive: true }));
  service.data.set("instance-life-cycle", "spot");
  const doomed = await worker("doomed", "--threads", "3", "--spot", "auto", ...spot);
  const made = client.map((n: number) => new Float64Array(20_000).fill(n), range(8), noRetry);
  await client.gather(made);
  const data = await client.scatter(new Float64Array(50_000).fill(5));

  // Without an end here; soon done elsewhere.
  const long = client.submit(
    async () => {
      const { task } = taskContext();
      if (task.worker === "doomed") await new Promise(() => {});
      return task.worker;
    },
    [],
    noRetry,
  );
  // Ends in the time that is left.
  const short = client.submit(
    async () => {
      const { retiring, task } = taskContext();
      await new Promise((resolve) => retiring.addEventListener("abort", resolve));
      return task.worker;
    },
    [],
    noRetry,
  );
  // Saves where it is, and goes on elsewhere, as trainings do.
  const moving = client.submit(
    async (folder: string) => {
      const { existsSync, writeFileSync } = await import("node:fs");
      const { retiring, task } = taskContext();
      if (existsSync(`${folder}/checkpoint`)) return [task.worker, task.attempt];
      await new Promise((resolve) => retiring.addEventListener("abort", resolve));
      writeFileSync(`${folder}/checkpoint`, "");
      retiring.throwIfAborted();
      return [];
    },
    [saved],
    noRetry,
  );
  await until(client, ([one]) => one?.running === 3);
  const waiting = client.map((n: number) => [n, taskContext().task.worker], range(6), noRetry);
  await worker("other", "--threads", "1");

  const end = Math.ceil(Date.now() / 1000) * 1000 + 4_000;
  service.notice(end);
  await until(client, (workers) => workers.some(({ status }) => status === "retiring"));
  // While the long one runs yet.
  await expect
    .poll(async () => Object.values(await client.whoHas([...made, data])).every((who) => who.includes("other")))
    .toBe(true);
  expect((await client.workers()).map(({ status }) => status).sort()).toEqual(["retiring", "running"]);

  expect(await endOf(doomed)).toBe(0); // its nanny does not start it again
  expect(Date.now()).toBeLessThan(end);
  expect(await long.result()).toBe("other");
  expect(await short.result()).toBe("doomed");
  expect(await moving.result()).toEqual(["other", 2]);
  expect(await client.gather(waiting)).toEqual(range(6).map((n) => [n, "other"]));
  const values = await client.gather(client.map((array: Float64Array) => array[19_999], made));
  expect(values).toEqual(range(8));
  expect((await data.result())[49_999]).toBe(5);

  // Nothing was computed twice but what did not end; and none of it failed.
  for (const future of [...made, short]) expect(await given(client, future)).toBe(1);
  for (const future of [long, moving]) expect(await given(client, future)).toBe(2);
  expect((await client.cluster()).tasks).toMatchObject({ failed: 0, cancelled: 0 });
  const events = (await client.events()).filter(({ who }) => who === "doomed");
  const time = new Date(end).toISOString().slice(11, 19);
  const said = events.filter(({ kind }) => kind === "spotNotice").map(({ text }) => text);
  expect(said[0]).toMatch(
    `spot notice: the instance ends at ${time} UTC (terminate); the worker retires, and is gone by`,
  );
  expect(said[1]).toContain("its time is over");
  expect(events.find(({ kind }) => kind === "workerRetiring")?.text).toContain(
    `spot notice, the instance ends at ${time}`,
  );
  expect(events.map(({ kind }) => kind)).not.toContain("workerLost");
});

test("a recommendation is an event, or a reason to retire; a worker that dies after a notice stays away", async () => {
  const { client, service, worker, spot } = await start();
  service.data.set("events/recommendations/rebalance", '{"noticeTime":"2026-06-01T12:00:00Z"}');
  const notes = await worker("notes", "--threads", "1", "--spot", "on", ...spot);
  const retires = await worker("retires", "--threads", "1", "--spot", "on", ...spot, "--spot-rebalance", "retire");
  expect(await endOf(retires)).toBe(0);
  await expect.poll(async () => (await client.events()).filter(({ kind }) => kind === "spotNotice").length).toBe(2);
  expect((await client.workers()).map(({ name, status }) => [name, status])).toEqual([["notes", "running"]]);

  const endless = client.submit(async () => (taskContext().task.worker === "notes" ? new Promise(() => {}) : 1), []);
  await until(client, ([one]) => one?.running === 1);
  service.notice(Date.now() + 3_600_000);
  await until(client, ([one]) => one?.status === "retiring");
  const [{ pid } = { pid: 0 }] = await client.workers();
  process.kill(pid, "SIGKILL");
  await endOf(notes);
  await until(client, (workers) => workers.length === 0);
  await worker("fresh", "--threads", "1");
  expect(await endless.result()).toBe(1);
});
