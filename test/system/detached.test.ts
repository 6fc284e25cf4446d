// Detached runs on a real cluster: the client that started one leaves, or is killed, and another one gets the results.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Client, LocalCluster } from "taskflock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let cluster: LocalCluster;
let client: Client;
let child: ChildProcess | null = null;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
  client = await cluster.connect({ logs: "ignore" });
}, 60_000);
afterEach(() => child?.kill("SIGKILL"));
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

/** Another program that connects, runs `body`, and then waits for its end. */
async function program(body: string): Promise<ChildProcess> {
  const text = `
    import { Client, range } from "taskflock";
    const client = await Client.connect(${JSON.stringify(cluster.address)}, { name: "starter", reconnectMs: 500 });
    ${body}
    process.send("there");
    setInterval(() => {}, 1000);`;
  child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    cwd: root,
    env: { ...process.env, TASKFLOCK_TOKEN: cluster.token },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}

describe("a detached run", () => {
  test("survives kill -9 of its client, with large inputs and results", async () => {
    const starter = await program(`
      const run = client.run("nightly", { detached: true });
      const data = await client.scatter(new Float64Array(100_000).fill(2));
      const sums = client.map((x, i) => x.reduce((a, b) => a + b, 0) + i, range(20).map(() => data), range(20), { run });
      client.submit((sums, big) => ({ total: sums.reduce((a, b) => a + b, 0), big: big.map((x) => x + 1) }), [sums, data], { run });
      await client.cluster();`);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    const run = await client.attach("nightly");
    expect(run).toMatchObject({ name: "nightly", owner: "starter" });
    expect(run.futures).toHaveLength(21);
    const last = (await run.futures[20]!.result()) as { total: number; big: Float64Array };
    expect(last.total).toBe(20 * 200_000 + 190);
    expect(last.big.every((x) => x === 3)).toBe(true);
    let ended = 0;
    for await (const future of run) {
      expect(future.status).toBe("done");
      ended++;
    }
    expect(ended).toBe(21);
    await expect.poll(() => run.isOver).toBe(true);
    expect(run.counts).toMatchObject({ total: 21, done: 21 });
    await run.forget();
    await expect(client.attach("nightly")).rejects.toMatchObject({ code: "FLOCK_RUN_UNKNOWN" });
  }, 60_000);

  test("waits at close() for data that is on its way, and keeps results that were let go of", async () => {
    const other = await cluster.connect({ name: "other" });
    const run = other.run("letting go", { detached: true, keepMs: 600_000 });
    const text = "x".repeat(2_000_000);
    other.submit((t: string) => t.length, [text], { run, key: "length" }).release();
    await other.close();
    const attached = await client.attach("letting go");
    expect(await client.gather(attached.futures)).toEqual([2_000_000]);
    expect(attached.futures[0]!.key).toBe("length");
    attached.detach();
    expect((await client.runs()).find(({ name }) => name === "letting go")).toMatchObject({
      detached: true,
      status: "done",
    });
    await (await client.attach("letting go")).forget();
  }, 60_000);

  test("is forgotten after keepMs; its failures are kept as errors", async () => {
    const other = await cluster.connect({ name: "other" });
    const run = other.run("failing", { detached: true, keepMs: 600_000 });
    other.submit(
      (): number => {
        throw new RangeError("not today");
      },
      [],
      { run },
    );
    await other.close();
    const attached = await client.attach("failing");
    await expect(attached.futures[0]!.result()).rejects.toThrow("not today");
    await attached.forget();
    const short = await cluster.connect({ name: "short" });
    short.submit(() => 1, [], { run: short.run("brief", { detached: true, keepMs: 1 }) });
    await short.close();
    await expect
      .poll(async () => (await client.events()).filter((e) => e.kind === "runForgotten").map((e) => e.who))
      .toContain("brief");
  }, 60_000);

  test("refuses what is no name and no option", async () => {
    await expect(client.attach("")).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    expect(() => client.run("r", { keepMs: 5 })).toThrow(/detached/);
    expect(() => client.run("r", { detached: "yes" as never })).toThrow(/true or false/);
  });
});
