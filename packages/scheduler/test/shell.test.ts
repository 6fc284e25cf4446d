import type { ClusterInfo, StoryLine, TaskNumber } from "@taskflock/protocol";
import { isFlockError, PayloadStore, SchedulerLink } from "@taskflock/protocol";
import { afterEach, describe, expect, test } from "vitest";
import type { RunningScheduler } from "../src/index.ts";
import { Cleanups, Relay, start, TestClient, TestWorker, TOKEN } from "./shell-fixture.ts";

const cleanups = new Cleanups();
afterEach(() => cleanups.run());

async function gauge(scheduler: RunningScheduler, name: string): Promise<number> {
  const { body: text } = await scheduler.metrics();
  const line = text.split("\n").find((one) => one.startsWith(`taskflock_scheduler_${name} `));
  return Number(line?.split(" ")[1]);
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isFlockError(error)) return error.code;
    throw error;
  }
  return "no error";
}

describe("an observer", () => {
  test("asks, and counts neither as a session nor as an event, also after a cut", async () => {
    const scheduler = await start(cleanups);
    const relay = await Relay.start(cleanups, scheduler.port);
    const hello = { role: "client", name: "page", observer: true } as const;
    const page = await TestClient.connect(cleanups, relay.address, { hello });
    page.link.send({ t: "ask", id: 1, question: { q: "pageOverview" } });
    await page.log.has("answer 1");
    expect(page.answers.get(1)).toMatchObject({ sessions: 0, lastEvent: 0, runs: [] });
    relay.cut();
    await page.log.has("down");
    relay.heal();
    await page.log.has("resumed");
    page.link.send({ t: "ask", id: 2, question: { q: "pageOverview" } });
    await page.log.has("answer 2");
    expect(page.answers.get(2)).toMatchObject({ sessions: 0, lastEvent: 0 });
    expect(await gauge(scheduler, "sessions")).toBe(0);
  });

  test("that brings work is turned away, and what it brought is freed", async () => {
    const scheduler = await start(cleanups);
    const hello = { role: "client", name: "page", observer: true } as const;
    const page = await TestClient.connect(cleanups, scheduler.address, { hello });
    page.define();
    page.submit(1, "x");
    await page.log.has("gone FLOCK_FORBIDDEN");
    expect(page.gone?.message).toContain("page said that it only asks");
    expect(await gauge(scheduler, "payloads")).toBe(0);
  });
});

describe("a task's way through real sockets", () => {
  test("from client to worker and back; nothing is left behind after release", async () => {
    const scheduler = await start(cleanups);
    const client = await TestClient.connect(cleanups, scheduler.address);
    const worker = await TestWorker.connect(cleanups, scheduler.address, "w");
    client.define();
    for (let n = 1; n <= 2000; n++) client.submit(n, `x${n}`);
    await client.log.has("done 2000 X2000");
    await client.log.until((entries) => entries.filter((entry) => entry.startsWith("done")).length === 2000);
    expect(worker.assigned).toHaveLength(2000);
    for (let n = 1; n <= 2000; n++) client.release(n);
    await client.ping(1);
    expect(scheduler.clusterInfo().tasks.done).toBe(0);
    client.link.send({ t: "goodbye" });
    await client.link.close();
    const other = await TestClient.connect(cleanups, scheduler.address);
    await other.ping(1);
    expect(await gauge(scheduler, "payloads")).toBe(0);
    expect(await gauge(scheduler, "sessions")).toBe(1);
  });

  test("who says goodbye and stays loses the link", async () => {
    const scheduler = await start(cleanups);
    const client = await TestClient.connect(cleanups, scheduler.address);
    client.link.send({ t: "goodbye" });
    await client.log.has("down");
    await client.log.has("anew");
  });

  test("one submission, alone, needs no second push", async () => {
    const scheduler = await start(cleanups);
    const client = await TestClient.connect(cleanups, scheduler.address);
    await TestWorker.connect(cleanups, scheduler.address, "w");
    client.define();
    for (let n = 1; n <= 20; n++) {
      client.submit(n, `x${n}`);
      await client.log.has(`done ${n} X${n}`);
    }
  });

  test("names are unique, questions are answered", async () => {
    const scheduler = await start(cleanups);
    const client = await TestClient.connect(cleanups, scheduler.address);
    for (let i = 0; i < 3; i++) await TestWorker.connect(cleanups, scheduler.address, "gpu");
    client.link.send({ t: "ask", id: 5, question: { q: "cluster" } });
    await client.log.has("answer 5");
    const info = client.answers.get(5) as ClusterInfo;
    expect(info.workers.map(({ name }) => name)).toEqual(["gpu", "gpu-2", "gpu-3"]);
    expect(info.scheduler.id).toBe(scheduler.id);
    expect(scheduler.clusterInfo().workers.map(({ name }) => name)).toEqual(["gpu", "gpu-2", "gpu-3"]);
  });

  test("a retired worker is told, leaves, and is not counted as lost", async () => {
    const scheduler = await start(cleanups);
    const client = await TestClient.connect(cleanups, scheduler.address);
    const worker = await TestWorker.connect(cleanups, scheduler.address, "w");
    await worker.log.has("up");
    await client.ping(1);
    scheduler.retireWorkers(["w"]);
    await worker.log.has("leave");
    await worker.link.close();
    client.link.send({ t: "ask", id: 9, question: { q: "waitForWorkers", count: 0 } });
    await client.log.has("answer 9");
    const again = await TestWorker.connect(cleanups, scheduler.address, "w");
    expect(again.link.welcome.name).toBe("w");
  });
});

describe("who is refused", () => {
  test("a wrong token", async () => {
    const { address } = await start(cleanups);
    expect(await failure(TestClient.connect(cleanups, address, { token: "wrong" }))).toBe("FLOCK_UNAUTHORIZED");
  });

  test("the workers' token joins, and does not manage", async () => {
    const scheduler = await start(cleanups, { workerToken: "of workers" });
    await TestWorker.connect(cleanups, scheduler.address, "w", { token: "of workers" });
    const client = await TestClient.connect(cleanups, scheduler.address, { token: "of workers" });
    client.link.send({ t: "ask", id: 1, question: { q: "retire", workers: ["w"] } });
    await client.log.has("answer 1");
    expect(client.answers.get(1)).toBe("FLOCK_FORBIDDEN");
    expect(scheduler.clusterInfo().workers.map(({ name, status }) => `${name} ${status}`)).toEqual(["w running"]);
    expect(await failure(start(cleanups, { workerToken: TOKEN }))).toBe("FLOCK_OPTION_INVALID");
  });

  test("a peer, at the scheduler's port", async () => {
    const { address } = await start(cleanups);
    const options = { hello: { role: "peer", name: "x" }, up: "nanny" } as never;
    expect(await failure(TestClient.connect(cleanups, address, options))).toBe("FLOCK_FORBIDDEN");
  });

  test("a malformed message ends that one connection, and changes nothing else", async () => {
    const scheduler = await start(cleanups);
    const good = await TestClient.connect(cleanups, scheduler.address);
    const bad = await TestClient.connect(cleanups, scheduler.address);
    await TestWorker.connect(cleanups, scheduler.address, "w");
    good.define();
    bad.link.send({ t: "release", n: 0 as TaskNumber });
    await bad.log.has("gone FLOCK_PROTOCOL");
    expect(bad.gone?.message).toMatch(/release\.n/);
    good.submit(1, "still here");
    await good.log.has("done 1 STILL HERE");
  });

  test("plain text beyond loopback, unless it is asked for", async () => {
    expect(await failure(start(cleanups, { host: "0.0.0.0" }))).toBe("FLOCK_INSECURE");
    const scheduler = await start(cleanups, { host: "0.0.0.0", insecure: true });
    await TestClient.connect(cleanups, `127.0.0.1:${scheduler.port}`);
  });

  test("a second scheduler on the same port", async () => {
    const { port } = await start(cleanups);
    expect(await failure(start(cleanups, { port }))).toBe("FLOCK_PORT_IN_USE");
  });
});

describe("cuts", () => {
  test("a client comes back: what it sent meanwhile and what ended meanwhile arrive once", async () => {
    const scheduler = await start(cleanups);
    const relay = await Relay.start(cleanups, scheduler.port);
    const client = await TestClient.connect(cleanups, relay.address);
    const worker = await TestWorker.connect(cleanups, scheduler.address, "w", { eager: false });
    client.define();
    client.submit(1, "before");
    await worker.log.has("assign before");
    relay.cut();
    await client.log.has("down");
    worker.finish(0);
    client.submit(2, "during");
    relay.heal();
    await client.log.has("done 1 BEFORE");
    await worker.log.has("assign during");
    worker.finish(1);
    await client.log.has("done 2 DURING");
    expect(client.log.entries).toContain("resumed");
    expect(worker.assigned).toHaveLength(2);
  });

  test("a client that does not come back in time is forgotten, and its tasks with it", async () => {
    const scheduler = await start(cleanups, { sessionReconnectMs: 30 });
    const relay = await Relay.start(cleanups, scheduler.port);
    const client = await TestClient.connect(cleanups, relay.address);
    const worker = await TestWorker.connect(cleanups, scheduler.address, "w", { eager: false });
    client.define();
    client.submit(1, "x");
    await worker.log.has("assign x");
    relay.cut();
    await worker.log.has("stop"); // nobody wants the task any more
    relay.heal();
    await client.log.has("anew");
  });

  test("a worker comes back with its snapshot: its task goes on", async () => {
    const scheduler = await start(cleanups, { workerReconnectMs: 10_000 });
    const relay = await Relay.start(cleanups, scheduler.port);
    const client = await TestClient.connect(cleanups, scheduler.address);
    const worker = await TestWorker.connect(cleanups, relay.address, "w", { eager: false });
    client.define();
    client.submit(1, "x");
    await worker.log.has("assign x");
    worker.started(0);
    relay.cut();
    await worker.log.has("down");
    worker.finish(0);
    relay.heal();
    await client.log.has("done 1 X");
    expect(worker.log.entries).toContain("resumed");
    expect(worker.assigned).toHaveLength(1);
  });

  test("a worker that does not come back is lost, and its task runs elsewhere", async () => {
    const scheduler = await start(cleanups, { workerReconnectMs: 30 });
    const relay = await Relay.start(cleanups, scheduler.port);
    const client = await TestClient.connect(cleanups, scheduler.address);
    const worker = await TestWorker.connect(cleanups, relay.address, "first", { eager: false });
    client.define();
    client.submit(1, "x");
    await worker.log.has("assign x");
    worker.started(0);
    relay.cut();
    await TestWorker.connect(cleanups, scheduler.address, "second");
    await client.log.has("done 1 X");
    relay.heal();
    await worker.log.has("anew"); // as another worker, with nothing
  });

  test("a nanny's word ends the wait at once, and says how the worker died", async () => {
    const scheduler = await start(cleanups, { workerReconnectMs: 60_000 });
    const relay = await Relay.start(cleanups, scheduler.port);
    const client = await TestClient.connect(cleanups, scheduler.address);
    const worker = await TestWorker.connect(cleanups, relay.address, "w", { eager: false });
    const nanny = await SchedulerLink.open({
      ...{ address: scheduler.address, token: TOKEN, up: "nanny", down: "toWorker", payloads: new PayloadStore() },
      ...{ hello: { role: "nanny", name: "n" }, reconnectMs: 1000 },
      ...{ onMessages: () => {}, onUp: () => {}, onDown: () => {}, onGone: () => {} },
    });
    cleanups.add(() => nanny.close());
    client.define();
    client.submit(1, "x");
    await worker.log.has("assign x");
    worker.started(0);
    await worker.link.close();
    nanny.send({ t: "exited", incarnation: "incarnation of w", how: "above its memory limit" });
    await TestWorker.connect(cleanups, scheduler.address, "second");
    await client.log.has("done 1 X");
    client.link.send({ t: "ask", id: 1, question: { q: "story", n: 1 as TaskNumber } });
    await client.log.has("answer 1");
    const story = client.answers.get(1) as StoryLine[];
    expect(story.map(({ detail }) => detail).join("\n")).toMatch(/above its memory limit/);
  });
});

test("metrics say what is there, of the scheduler and its workers", async () => {
  const scheduler = await start(cleanups);
  const client = await TestClient.connect(cleanups, scheduler.address);
  await TestWorker.connect(cleanups, scheduler.address, "w");
  client.define();
  client.submit(1, "x");
  await client.log.has("done 1 X");
  const { body: text } = await scheduler.metrics();
  expect(text).toContain('taskflock_scheduler_tasks{status="done"} 1');
  expect(text).toContain('taskflock_scheduler_workers{status="running"} 1');
  expect(text).toContain('taskflock_worker_slots{worker="w"} ');
  expect(await gauge(scheduler, "sessions")).toBe(1);
  expect(await gauge(scheduler, "received_messages_total")).toBeGreaterThanOrEqual(4);
  expect(await gauge(scheduler, "received_bytes_total")).toBeGreaterThan(100);
  expect(await gauge(scheduler, "sent_bytes_total")).toBeGreaterThan(100);
  for (const line of text.split("\n"))
    if (line !== "" && !line.startsWith("#")) expect(line).toMatch(/^taskflock_(scheduler|worker)_/);
});

test("close ends every link, and the port is free again", async () => {
  const scheduler = await start(cleanups);
  const client = await TestClient.connect(cleanups, scheduler.address, { reconnectMs: 0 });
  await scheduler.close();
  await client.log.has("gone FLOCK_CONNECTION_LOST");
  await start(cleanups, { port: scheduler.port });
});
