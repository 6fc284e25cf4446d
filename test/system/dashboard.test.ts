// The dashboard's HTTP API on a real cluster: what it answers, what its actions do; and the dashboard that stands alone, whose scheduler
// is cut off, comes back, and is replaced.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, LocalCluster } from "taskflock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Gate } from "./gate.ts";
import { type Role, startRole, taskflock } from "./processes.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a script would
type Json = any;

interface Page {
  readonly url: string;
  readonly token: string;
}

async function get(page: Page, path: string): Promise<{ readonly status: number; readonly body: Json }> {
  const headers = { authorization: `Bearer ${page.token}` };
  const answer = await fetch(new URL(path, page.url), { headers });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

async function post(page: Page, path: string, body: object): Promise<{ readonly status: number; readonly body: Json }> {
  const headers = { authorization: `Bearer ${page.token}`, "content-type": "application/json" };
  const answer = await fetch(new URL(path, page.url), { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

function tooLarge(limit: number, rows: Float64Array): number {
  console.log(`looking at ${rows.length} rows`);
  if (rows.length > limit) throw new TypeError("too many rows", { cause: new RangeError("the limit") });
  return rows.length;
}

describe("of a cluster on this machine", () => {
  let cluster: LocalCluster;
  let client: Client;
  let page: Page;
  beforeAll(async () => {
    cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, resources: { disk: 1 } });
    client = await cluster.connect({ name: "ada", logs: "ignore" });
    page = { url: cluster.dashboardUrl, token: cluster.token };
  });
  afterAll(async () => {
    await client?.close();
    await cluster?.close();
  });

  test("the scheduler says where its page is; a link signs in once", async () => {
    expect((await client.cluster()).scheduler.dashboard).toBe(cluster.dashboardUrl);
    const link = await cluster.dashboardLink();
    expect(link.startsWith(`${cluster.dashboardUrl}?code=`)).toBe(true);
    const used = await fetch(link, { redirect: "manual" });
    expect(used.headers.get("location")).toBe("/status");
    const cookie = used.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect((await fetch(new URL("/api/v1/overview", link), { headers: { cookie } })).status).toBe(200);
    expect((await fetch(link, { redirect: "manual" })).headers.get("location")).toMatch(/^\/sign-in\?why=code/);
    const printed = await taskflock(["link", "--address", cluster.address], { TASKFLOCK_TOKEN: cluster.token });
    expect(printed.stdout).toMatch(new RegExp(`^${cluster.dashboardUrl}\\?code=[\\w-]{32}\\n$`));
  });

  test("the one that asks is not counted, and leaves no trace", async () => {
    const { body } = await get(page, "/api/v1/overview");
    expect(body).toMatchObject({ sessions: 1, slots: 2, workers: { running: 2 } });
    const events = (await get(page, "/api/v1/events?limit=1000")).body.items;
    expect(events.filter(({ kind }: Json) => kind === "clientJoined").map(({ who }: Json) => who)).not.toContain(
      "dashboard",
    );
  });

  test("a task that failed is told with its error, the call and what it printed", async () => {
    const failing = client.submit(tooLarge, [3, new Float64Array(7)], { key: "fails/1" });
    const dependent = client.submit((n: number) => n, [failing], { key: "depends" });
    expect(await dependent.error()).toMatchObject({ code: "FLOCK_DEPENDENCY_FAILED" });
    const { body: failures } = await get(page, "/api/v1/failures");
    expect(failures.items[0]).toMatchObject({ key: "fails/1", failedKey: "" });
    // Only this client knows where the code stands that it sent.
    const file = fileURLToPath(import.meta.url);
    const lines = readFileSync(file, "utf8").split("\n");
    const { body } = await get(page, `/api/v1/tasks/${failures.items[0].task}`);
    expect((await get(page, "/api/v1/tasks/fails%2F1")).body.task).toEqual(body.task);
    expect(body.why.text).toContain("too many rows");
    expect(body.story.at(-1).to).toBe("failed");
    expect(body.error).toMatchObject({
      name: "TypeError",
      code: "",
      message: "too many rows",
      arguments: "limit: 3, rows: Float64Array(7)",
      log: ["looking at 7 rows"],
      causes: [{ name: "RangeError", message: "the limit" }],
      place: { function: "tooLarge", file, line: 1 + lines.findIndex((line) => line.includes("new TypeError(")) },
    });
    const { line, column } = body.error.place;
    expect(body.error.stack).toBe(`TypeError: too many rows\n    at tooLarge (${file}:${line}:${column})`);
    expect(body.error.stack).not.toContain("node_modules");
    expect((await get(page, "/api/v1/tasks/nothing")).body).toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
  });

  test("errors that are no errors, or of classes that only the worker knows, are told, too", async () => {
    const text = client.submit(
      () => {
        throw "only text";
      },
      [],
      { key: "text" },
    );
    const odd = client.submit(
      () => {
        throw Object.assign(new Error("odd"), { name: 7, stack: { no: "text" }, cause: Symbol.iterator });
      },
      [],
      { key: "odd" },
    );
    const own = client.submit(
      () => {
        class Own extends Error {
          override name = "Own";
          when = new Date(0);
        }
        throw new Own("mine");
      },
      [],
      { key: "own" },
    );
    await Promise.all([text.error(), odd.error(), own.error()]);
    expect((await get(page, "/api/v1/tasks/text")).body.error).toMatchObject({
      message: expect.stringContaining("only text"),
      causes: [],
    });
    expect((await get(page, "/api/v1/tasks/odd")).body.error).toMatchObject({ message: "odd" });
    expect((await get(page, "/api/v1/tasks/own")).body.error).toMatchObject({ name: "Own", message: "mine" });
  });

  test("tasks are listed by filter and page, and cancelled by who may", async () => {
    const run = client.run("waits for disk");
    const waiting = Array.from({ length: 5 }, (_, n) =>
      client.submit((x: number) => x, [n], { key: `wants-${n}`, resources: { disk: 5 }, run }),
    );
    const list = async (query: string): Promise<Json> => (await get(page, `/api/v1/tasks?${query}`)).body;
    await expect.poll(async () => (await list("text=WANTS")).items.length).toBe(5);
    const first = await list("text=wants&limit=2&status=queued");
    expect(first.items.map(({ key }: Json) => key)).toEqual(["wants-4", "wants-3"]);
    const second = await list(`text=wants&limit=2&before=${first.next}`);
    expect(second.items.map(({ key }: Json) => key)).toEqual(["wants-2", "wants-1"]);
    const { runId, why } = (await get(page, "/api/v1/tasks/wants-0")).body;
    expect(why.text).toContain("disk");
    const listed = (await get(page, "/api/v1/runs")).body;
    expect(listed.items.find((one: Json) => one.run === runId)).toMatchObject({
      name: "waits for disk",
      client: "ada",
    });
    expect((await get(page, `/api/v1/runs/${runId}`)).body.counts).toMatchObject({ total: 5, done: 0 });
    expect((await get(page, `/api/v1/graph?run=${runId}`)).body).toMatchObject({ total: 5 });
    const one = await post(page, "/api/v1/actions/cancel", { tasks: [first.items[0].task] });
    expect(one).toEqual({ status: 200, body: { cancelled: 1 } });
    expect((await post(page, "/api/v1/actions/cancel", { run: runId })).body).toEqual({ cancelled: 4 });
    for (const future of waiting) expect(await future.error()).toMatchObject({ code: "FLOCK_CANCELLED" });
    run.close();
    const events = (await get(page, "/api/v1/events?limit=1000")).body.items;
    expect(JSON.stringify(events)).toContain("admin at 127.0.0.1");
  });

  test("profiles, one after the other, say where the time goes", async () => {
    const spins = client.map(
      function spin(ms: number): number {
        const end = performance.now() + ms;
        while (performance.now() < end);
        return end;
      },
      Array.from({ length: 1_000 }, () => 20),
    );
    const seen = async (names: string): Promise<Json> => {
      const { body } = await get(page, `/api/v1/profile?seconds=0.3&workers=${names}`);
      expect(body.workers.toSorted()).toEqual(["worker-1", "worker-2"]);
      return body.functions[0];
    };
    // Before its code is compiled there, nothing is seen of it.
    await expect
      .poll(() => seen(""), { timeout: 20_000 })
      .toMatchObject({
        name: "spin",
        file: fileURLToPath(import.meta.url),
      });
    for (const spin of await Promise.all([seen(""), seen("worker-1,worker-2")])) {
      expect(spin.totalMs).toBeGreaterThan(50);
      expect(spin.lines.length).toBeGreaterThan(0);
    }
    await Promise.all(spins.map((future) => future.cancel()));
  });

  test("a worker is restarted and retired, and its page tells of it afterwards", async () => {
    const before = (await get(page, "/api/v1/workers/worker-1")).body.worker.pid;
    expect((await post(page, "/api/v1/actions/restart-workers", { workers: ["worker-1"] })).body).toEqual({
      workers: ["worker-1"],
    });
    const there = async (name: string): Promise<Json> => (await get(page, `/api/v1/workers/${name}`)).body.worker;
    await expect.poll(async () => (await there("worker-1"))?.pid ?? before, { timeout: 20_000 }).not.toBe(before);
    expect((await post(page, "/api/v1/actions/retire", { workers: ["worker-2"] })).body).toEqual({
      workers: ["worker-2"],
    });
    await expect.poll(() => there("worker-2"), { timeout: 20_000 }).toBeNull();
    const { gone } = (await get(page, "/api/v1/workers/worker-2")).body;
    expect(gone[0]).toMatchObject({ name: "worker-2", planned: true });
    expect((await get(page, "/api/v1/gone-workers")).body.items.map(({ name }: Json) => name)).toContain("worker-2");
    const logs = (await get(page, "/api/v1/logs?key=fails/1")).body.items;
    expect(logs.map(({ text }: Json) => text.trim())).toEqual(["looking at 7 rows"]);
  });
});

describe("that stands alone", () => {
  const roles: Role[] = [];
  let folder: string;
  let tokenFile: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "taskflock-dashboard-"));
    tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "alone-token\n");
  });
  afterEach(async () => {
    await Promise.all(roles.splice(0).map((role) => role.stop()));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const start = async (args: readonly string[]): Promise<Role> => {
    const role = await startRole([...args, "--token-file", tokenFile, "--log-level", "silent"]);
    roles.push(role);
    return role;
  };
  const scheduler = (port: string, ...more: string[]): Promise<Role> =>
    start(["scheduler", "--port", port, "--dashboard-port", "0", ...more]);

  test("it says when its scheduler is cut off or gone, and is back by itself", async () => {
    const users = ["--users-file", join(folder, "users")];
    const added = await taskflock(["user", "add", "vic", "--role", "viewer", "--generate", ...users]);
    const first = await scheduler("0", ...users);
    const port = new URL(`ws://${first.ready.address}`).port;
    const alone = await start(["dashboard", first.ready.address, "--port", "0"]);
    const page: Page = { url: alone.ready.dashboard, token: added.stdout.trim() };
    const id = async (): Promise<string> => {
      const { status, body } = await get(page, "/api/v1/overview");
      return status === 200 ? body.scheduler.id : `${status} ${body.code}`;
    };
    const before = await id();
    expect((await get(page, "/health")).body).toEqual({ status: "ok", scheduler: before, connected: true });
    expect((await get(page, "/metrics")).status).toBe(404);
    expect((await post(page, "/api/v1/actions/restart-cluster", {})).status).toBe(403);
    await first.stop();
    roles.splice(roles.indexOf(first), 1);
    await expect.poll(id).toBe("503 FLOCK_CONNECTION_LOST");
    expect((await get(page, "/health")).body.connected).toBe(false);
    await scheduler(port, ...users);
    await expect.poll(id, { timeout: 20_000 }).toMatch(/^[\da-f-]{36}$/);
    expect(await id()).not.toBe(before);
  });

  test("a scheduler that comes back under another token is found by it, and who was signed in is not any more", async () => {
    const first = await scheduler("0");
    const { address } = first.ready;
    const renewed = join(folder, "renewed");
    writeFileSync(renewed, "alone-token");
    const alone = await startRole(["dashboard", address, "--port", "0", "--token-file", renewed]);
    roles.push(alone);
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await fetch(new URL("/api/v1/overview", alone.ready.dashboard), { headers })).status;
    const signedIn = await fetch(new URL("/sign-in", alone.ready.dashboard), {
      method: "POST",
      body: JSON.stringify({ token: "alone-token" }),
      headers: { "content-type": "application/json" },
    });
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect(await status({ cookie })).toBe(200);
    await first.stop();
    roles.splice(roles.indexOf(first), 1);
    writeFileSync(renewed, "another-token");
    const args = ["--port", new URL(`ws://${address}`).port, "--dashboard-port", "0", "--token-file", renewed];
    roles.push(await startRole(["scheduler", ...args, "--log-level", "silent"]));
    // Wrong tokens count: the one that is asked with is asked by seldom.
    const asked = () => status({ authorization: "Bearer another-token" });
    await expect.poll(asked, { timeout: 20_000, interval: 4_000 }).toBe(200);
    expect(await status({ cookie })).toBe(401);
    expect(await status({ authorization: "Bearer alone-token" })).toBe(401);
  });

  test("it waits for a scheduler that comes later, and goes on after a cut with the same", async () => {
    const gate = await Gate.start();
    const alone = await start(["dashboard", gate.address, "--port", "0"]);
    const page: Page = { url: alone.ready.dashboard, token: "alone-token" };
    const status = async (): Promise<number> => (await get(page, "/api/v1/overview")).status;
    expect(await status()).toBe(503);
    const late = await scheduler("0");
    gate.lead(Number(new URL(`ws://${late.ready.address}`).port));
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
    gate.cut();
    await expect.poll(status, { timeout: 20_000, interval: 5 }).toBe(200);
    const client = await Client.connect(late.ready.address, { tokenFile, name: "ada" });
    expect((await client.cluster()).sessions).toBe(1);
    await client.close();
    gate.close();
  });

  test("a wrong token, and a network that is not trusted, are said at the start", async () => {
    const running = await scheduler("0");
    const wrong = join(folder, "wrong");
    writeFileSync(wrong, "wrong-token");
    const args = ["dashboard", running.ready.address, "--port", "0"];
    const refused = await taskflock([...args, "--token-file", wrong]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("FLOCK_UNAUTHORIZED")]);
    const open = await taskflock([...args, "--token-file", tokenFile, "--host", "0.0.0.0"]);
    expect([open.code, open.stderr]).toEqual([1, expect.stringContaining("FLOCK_INSECURE")]);
  });
});
