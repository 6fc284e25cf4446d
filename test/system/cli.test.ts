// The command line as a person meets it.

import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, range } from "taskflock";
import { afterEach, expect, test } from "vitest";
import { beginRole, type Role, startRole, taskflock } from "./processes.ts";

const roles: Role[] = [];
afterEach(async () => {
  for (const role of roles.splice(0).reverse()) await role.stop();
});
async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Role> {
  const role = await startRole([...args, "--log-level", "warn"], { env });
  roles.push(role);
  return role;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const startScheduler = (...args: string[]): Promise<Role> =>
  start(["scheduler", "--port", "0", "--dashboard-port", "0", ...args]);

test("help names the commands, defaults and environment variables", async () => {
  const help = await taskflock(["--help"]);
  expect(help.code).toBe(0);
  for (const command of [
    "scheduler",
    "worker",
    "status",
    "top",
    "token",
    "demo",
    "doctor",
    "replay",
    "events",
    "logs",
    "dump",
    "why",
    "story",
    "tensorflow",
  ])
    expect(help.stdout).toContain(command);
  const scheduler = await taskflock(["scheduler", "--help"]);
  expect(scheduler.stdout).toMatch(/--port <port>.*default: 8786.*TASKFLOCK_PORT/s);
});

test("a wrong flag says what it takes, and exits 1", async () => {
  const wrong = await taskflock(["worker", "--resources", "GPU"]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain("NAME=AMOUNT");
  expect((await taskflock(["scheduler", "--prot", "1"])).stderr).toContain("--port");
  expect((await taskflock(["worker", "--resources", "GPU=1,GPU=2"])).stderr).toContain("Give GPU once");
  expect((await taskflock(["worker", "--advertise", "host"])).stderr).toContain("has no port");
  expect((await taskflock(["worker", "--lifetime-restart"])).stderr).toContain("needs a --lifetime");
});

test("environment variables: switches can be off, sizes and their ranges are checked", async () => {
  const refused = await taskflock(["scheduler", "--host", "0.0.0.0", "--port", "0"], { TASKFLOCK_INSECURE: "false" });
  expect(refused.stderr).toContain("FLOCK_INSECURE");
  const small = await taskflock(["scheduler"], { TASKFLOCK_MAX_FRAME_BYTES: "10" });
  expect(small.stderr).toMatch(/TASKFLOCK_MAX_FRAME_BYTES.*from 128\.0 KiB to 1\.0 GiB/);
});

test("a worker that is not to wait for a scheduler says only that there is none", async () => {
  const lonely = await taskflock(["worker", "127.0.0.1:9", "--scheduler-lost-ms", "0"], { TASKFLOCK_TOKEN: "x" });
  expect(lonely.code).toBe(1);
  expect(lonely.stderr).toMatch(/^taskflock: No scheduler answers.*\(FLOCK_CONNECTION_REFUSED\)\n$/);
});

test.each(["--nanny", "--no-nanny"])(
  "a worker that starts first says so, and waits for its scheduler (%s)",
  async (flag) => {
    const env = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), "taskflock-")) };
    const address = `127.0.0.1:${await freePort()}`;
    const flags = ["--threads", "1", "--name", "early", ...(flag === "--nanny" ? [] : [flag])];
    const worker = beginRole(["worker", address, ...flags, "--log-level", "warn"], { env });
    await expect
      .poll(() => worker.stderr(), { timeout: 20_000 })
      .toMatch(/no scheduler answers yet.*taskflock scheduler/);
    const port = address.split(":")[1] ?? "";
    const scheduler = await start(["scheduler", "--port", port, "--dashboard-port", "0"], env);
    roles.push(await worker.ready);
    const token = readFileSync(scheduler.ready.tokenFile, "utf8").trim();
    const client = await Client.connect(address, { token });
    await client.waitForWorkers(1);
    expect(await client.call((x: number) => x + 1, [1])).toBe(2);
    expect((await taskflock(["status", "--address", address], env)).stdout).toMatch(/, 1 client\n/);
    await client.close();
  },
);

test("a worker that is started again while its scheduler is away waits for the next one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
  const [tokenFile, port] = [join(folder, "token"), String(await freePort())];
  writeFileSync(tokenFile, "a-token");
  const flags = ["--token-file", tokenFile, "--port", port, "--dashboard-port", "0"];
  const first = await start(["scheduler", ...flags]);
  const worker = await start(["worker", first.ready.address, "--threads", "1", "--token-file", tokenFile]);
  first.child.kill("SIGKILL");
  await first.stop();
  process.kill(worker.ready.workers[0].pid, "SIGKILL");
  await expect.poll(() => worker.stderr(), { timeout: 20_000 }).toMatch(/no scheduler answers yet/);
  await start(["scheduler", ...flags]);
  const client = await Client.connect(first.ready.address, { tokenFile });
  await client.waitForWorkers(1);
  expect(await client.call((x: number) => x + 1, [1])).toBe(2);
  await client.close();
});

test("a worker that is started again, and whose scheduler does not come back, ends with its nanny", async () => {
  const env = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), "taskflock-")) };
  const first = await start(["scheduler", "--port", "0", "--dashboard-port", "0"], env);
  const worker = await start(["worker", first.ready.address, "--threads", "1", "--scheduler-lost-ms", "300"], env);
  first.child.kill("SIGKILL");
  process.kill(worker.ready.workers[0].pid, "SIGKILL");
  await once(worker.child, "close");
  expect(worker.child.exitCode).toBe(1);
  expect(worker.stderr()).toMatch(/The worker ended: No scheduler answers.*\(FLOCK_CLUSTER_START\)/);
});

test("a worker that waits for its scheduler, and is stopped, leaves nothing behind", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const worker = beginRole(["worker", address, "--threads", "1"], { env: { TASKFLOCK_TOKEN: "x" } });
  await expect.poll(() => worker.stderr(), { timeout: 20_000 }).toMatch(/no scheduler answers yet/);
  worker.child.kill("SIGTERM");
  await expect(worker.ready).rejects.toThrow("ended before it was ready");
  expect(worker.stderr()).not.toContain("unsettled");
});

test("what cannot be mended by waiting is said at once", async () => {
  const elsewhere = await taskflock(["worker", "192.0.2.1:8786", "--threads", "1"]);
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stderr).toContain("FLOCK_UNAUTHORIZED");
  // In a line, and no stack: with a nanny, and with several.
  for (const more of [[], ["--processes", "2"], ["--no-nanny"]]) {
    const nowhere = await taskflock(["worker", "no address", ...more]);
    expect(nowhere.stderr).toMatch(/^taskflock: [^\n]*\(FLOCK_ADDRESS_INVALID\)\n$/);
    const tokenless = await taskflock(["worker", "192.0.2.1:9", "--token-file", "none", "--host", "0.0.0.0", ...more]);
    expect(tokenless.stderr).toMatch(/^taskflock: The token file[^\n]*\(FLOCK_UNAUTHORIZED\)\n$/);
  }
});

test("an error is one line with its code", async () => {
  const refused = await taskflock(["status", "--address", "127.0.0.1:9"], { TASKFLOCK_TOKEN: "x" });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^taskflock: .*127\.0\.0\.1:9.*\(FLOCK_CONNECTION_REFUSED\)\n$/);
});

test("a listening address beyond loopback is refused without --insecure", async () => {
  const refused = await taskflock(["scheduler", "--host", "0.0.0.0", "--port", "0", "--dashboard-port", "0"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("FLOCK_INSECURE");
});

test("a port in use is said so", async () => {
  const scheduler = await startScheduler();
  const port = new URL(`ws://${scheduler.ready.address}`).port;
  const second = await taskflock(["scheduler", "--port", port, "--dashboard-port", "0"]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain("FLOCK_PORT_IN_USE");
  const page = new URL(scheduler.ready.dashboard).port;
  const third = await taskflock(["scheduler", "--port", "0", "--dashboard-port", page]);
  expect(third.code).toBe(1);
  expect(third.stderr).toContain("FLOCK_PORT_IN_USE");
  expect(third.stderr).not.toContain("scheduler ready");
});

test("scheduler, worker, status, token and page; SIGTERM ends them well and takes the token away", async () => {
  const state = mkdtempSync(join(tmpdir(), "taskflock-"));
  const env = { XDG_STATE_HOME: state };
  const scheduler = await start(["scheduler", "--port", "0", "--dashboard-port", "0"], env);
  const address: string = scheduler.ready.address;
  expect(statSync(scheduler.ready.tokenFile).mode & 0o777).toBe(0o600);
  const worker = await start(["worker", address, "--threads", "2", "--name", "ann", "--resources", "GPU=0.5"], env);
  const token = (await taskflock(["token", "--address", address], env)).stdout.trim();
  expect(token).toBe(readFileSync(scheduler.ready.tokenFile, "utf8").trim());

  const client = await Client.connect(address, { token });
  expect(await client.gather(client.map((x: number) => x + 1, range(100)))).toEqual([...range(1, 101)]);
  const status = await taskflock(["status", "--address", address], env);
  expect(status.stdout).toMatch(/ann\s+running\s+0\/2/);
  expect(status.stdout).toContain("GPU 0/0.5");
  const json = JSON.parse((await taskflock(["status", "--json", "--address", address], env)).stdout);
  expect(json.workers[0].slots).toBe(2);

  const page = await fetch(scheduler.ready.dashboard);
  expect(new URL(page.url).pathname).toBe("/sign-in");
  const headers = { authorization: `Bearer ${token}` };
  const workers = await fetch(new URL("/api/v1/workers", scheduler.ready.dashboard), { headers });
  expect(await workers.text()).toContain('"name":"ann"');
  const metrics = await (await fetch(new URL("/metrics", scheduler.ready.dashboard))).text();
  expect(metrics).toMatch(/^taskflock_scheduler_workers.* 1$/m);

  expect(await worker.stop()).toBe(0);
  await expect.poll(async () => (await client.workers()).length).toBe(0);
  await client.close();
  expect(await scheduler.stop()).toBe(0);
  expect(existsSync(scheduler.ready.tokenFile)).toBe(false);
});

test("a recording replays to the same state and tells stories", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "taskflock-")), "incident");
  const scheduler = await startScheduler("--record", file);
  await start(["worker", scheduler.ready.address, "--threads", "1", "--no-nanny"]);
  const client = await Client.connect(scheduler.ready.address);
  const failing = client.submit(
    () => {
      throw new Error("as planned");
    },
    [],
    { key: "the-culprit" },
  );
  await failing.error();
  await client.gather(client.map((x: number) => x, range(500)));
  await client.close();
  await scheduler.stop();
  const replayed = await taskflock(["replay", file, "--story", "the-culprit"]);
  expect(replayed.stderr).toBe("");
  expect(replayed.code).toBe(0);
  expect(replayed.stdout).toMatch(/same state/);
  expect(replayed.stdout).toMatch(/the-culprit[\s\S]*failed/);
  const broken = await taskflock(["replay", "package.json"]);
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain("FLOCK_RECORDING_INVALID");
});

test("doctor finds this machine in order", { timeout: 60_000 }, async () => {
  const doctor = await taskflock(["doctor"]);
  expect(doctor.stdout).toContain("ran 40 + 2 = 42");
  expect(doctor.stdout).not.toContain("FAIL");
  expect(doctor.code).toBe(0);
});

test("the demo prints scikit-learn's numbers and exits 0", { timeout: 120_000 }, async () => {
  const demo = await taskflock(["demo"]);
  expect(demo.stderr).toBe("");
  expect(demo.stdout).toContain("mean accuracy 0.9761");
  expect(demo.stdout).toContain("test accuracy 0.9907");
  expect(demo.stdout).toMatch(/http:\/\/127\.0\.0\.1:\d+\/status/);
  expect(demo.code).toBe(0);
});
