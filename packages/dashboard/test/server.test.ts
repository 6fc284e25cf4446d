import { request } from "node:http";
import type { ClusterInfo } from "@taskflock/protocol/words";
import { afterEach, expect, test } from "vitest";
import { limitOf } from "../server/limit.ts";
import { type Dashboard, startDashboard } from "../server/server.ts";

const worker: ClusterInfo["workers"][number] = {
  name: "<b>one</b>",
  worker: 1,
  address: "127.0.0.1:1",
  status: "running",
  slots: 2,
  pid: 1,
  memoryLimitBytes: 2 ** 30,
  resources: { GPU: 10_000 },
  resourcesUsed: { GPU: 10_000 },
  assigned: 1,
  running: 1,
  stored: 3,
  actors: 0,
  storedBytes: 5000,
  finished: 12_345,
  tensors: [],
  metrics: {
    cpuPercent: 99.6,
    rssBytes: 2 ** 28,
    arenaBytes: 0,
    arenaUsedBytes: 0,
    spilledBytes: 0,
    spillCount: 0,
    resumedFetches: 0,
    damagedParts: 0,
    gpus: [],
    eventLoopDelayMs: 1,
  },
};
const tasks: ClusterInfo["tasks"] = {
  waiting: 0,
  queued: 0,
  assigned: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
};
const cluster: ClusterInfo = {
  scheduler: { id: "abcdefgh-1", version: "0.1.0", pid: 7, startedAtMs: 0 },
  sessions: 1,
  datasets: 0,
  functions: 1,
  tasks: { ...tasks, queued: 38, running: 1 },
  workers: [worker],
  runs: [
    {
      run: 1,
      session: 1,
      name: 'a "search"',
      weight: 1,
      status: "open",
      steps: 54,
      stepsDone: 7,
      detached: false,
      counts: { total: 60, done: 7, failed: 0, cancelled: 0, running: 2 },
    },
  ],
};

const open: Dashboard[] = [];
afterEach(async () => {
  for (const dashboard of open.splice(0)) await dashboard.close();
});

async function start(host = "127.0.0.1"): Promise<Dashboard> {
  const source = { cluster: () => cluster, metrics: async () => ({ contentType: "text/plain", body: "up 1\n" }) };
  const dashboard = await startDashboard({ host, port: 0, source, token: "secret" });
  open.push(dashboard);
  return dashboard;
}

/** fetch() cannot set Host or Origin. */
function get(
  dashboard: Dashboard,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: dashboard.port, path, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });
}

test("serves page, health, metrics and the cluster as JSON", async () => {
  const dashboard = await start();
  expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.port}/status`);
  expect(JSON.parse((await get(dashboard, "/health")).body)).toEqual({ status: "ok", scheduler: "abcdefgh-1" });
  expect((await get(dashboard, "/metrics")).body).toBe("up 1\n");
  expect(JSON.parse((await get(dashboard, "/api/v1/cluster")).body)).toEqual(cluster);
  expect((await get(dashboard, "/")).status).toBe(302);
  expect((await get(dashboard, "/nothing")).status).toBe(404);
});

test("the page escapes names and shows progress, memory and load", async () => {
  const { body } = await get(await start(), "/status");
  expect(body).not.toContain("<b>one");
  expect(body).toContain("&#60;b&#62;one");
  expect(body).toContain('<progress value="7" max="54"');
  expect(body).toContain("256 MiB of 1.0 GiB");
  expect(body).toContain("GPU 1 of 1");
});

test("refuses other hosts and origins", async () => {
  const dashboard = await start();
  expect((await get(dashboard, "/status", { host: "evil.example" })).status).toBe(421);
  expect((await get(dashboard, "/status", { origin: "http://evil.example" })).status).toBe(403);
  expect((await get(dashboard, "/status", { origin: `http://127.0.0.1:${dashboard.port}` })).status).toBe(200);
});

test("beyond loopback the token is demanded, except for /health", async () => {
  const dashboard = await start("0.0.0.0");
  expect((await get(dashboard, "/status")).status).toBe(401);
  expect((await get(dashboard, "/health")).status).toBe(200);
  expect((await get(dashboard, "/status", { authorization: "Bearer wrong" })).status).toBe(401);
  expect((await get(dashboard, "/status", { authorization: "Bearer secret" })).status).toBe(200);
  const basic = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  expect((await get(dashboard, "/status", { authorization: basic })).status).toBe(200);
});

test("a taken port is a coded error", async () => {
  const dashboard = await start();
  const source = { cluster: () => cluster, metrics: async () => ({ contentType: "", body: "" }) };
  await expect(startDashboard({ host: "127.0.0.1", port: dashboard.port, source, token: "t" })).rejects.toMatchObject({
    code: "FLOCK_PORT_IN_USE",
  });
});

test("so is a host that is not this machine's", async () => {
  const source = { cluster: () => cluster, metrics: async () => ({ contentType: "", body: "" }) };
  await expect(startDashboard({ host: "192.0.2.1", port: 0, source, token: "t" })).rejects.toMatchObject({
    code: "FLOCK_ADDRESS_INVALID",
  });
});

test("says in words what limits the cluster", () => {
  const say = (counts: Partial<ClusterInfo["tasks"]>, workers = cluster.workers) =>
    limitOf({ ...cluster, workers, tasks: { ...tasks, ...counts } });
  expect(say({ queued: 2 }, [])).toBe("2 tasks cannot run: no worker is connected.");
  expect(say({}, [])).toBe("No worker is connected.");
  expect(say({})).toBe("Idle: 1 worker with 2 slots and nothing to do.");
  expect(say({ queued: 38, running: 1 })).toBe(
    "38 tasks queued while slots are free: all GPU of the workers is in use.",
  );
  expect(say({ queued: 5, running: 2 }, [{ ...worker, assigned: 3, resources: {} }])).toMatch(
    /^All 2 slots of 1 worker busy; 5 tasks/,
  );
  expect(say({ waiting: 4, running: 1 })).toBe("1 of 2 slots busy; 4 tasks wait for the results of others.");
});
