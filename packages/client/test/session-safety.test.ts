// What a caller gets wrong is the caller's to hear of: the session goes on. And what waits ends when the client does.

import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Client } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(1);
  client = await cluster.connect();
});
afterEach(() => cluster.close());

class Nothing {}
const square = (x: number): number => x ** 2;
const wrong = (value: unknown): never => value as never;

describe("a wrong argument is refused, and the session goes on", () => {
  test.each<[string, RegExp, () => unknown]>([
    [
      "the reason of a cancel",
      /cancel takes a string as the reason/,
      () => client.submit(square, [2]).cancel(wrong(5)),
    ],
    ["steps", /step of a run takes a whole number/, () => client.run("r").step(Number.NaN)],
    ["half a step", /step of a run takes a whole number/, () => client.run("r").step(0.5)],
    ["an outcome", /close of a run takes "done" or/, () => client.run("r").close(wrong("finished"))],
    ["workers that were started", /started: count takes/, () => client.scaling.started(Number.NaN, "more work")],
    ["why they were", /started takes a string as the reason/, () => client.scaling.started(1, wrong(5))],
    ["why workers leave", /retireIdle takes a string as the reason/, () => client.scaling.retireIdle([], wrong(5))],
  ])("%s", async (_, message, act) => {
    await expect((async () => act())()).rejects.toThrow(message);
    expect(await client.call(square, [3])).toBe(9);
  });

  test("a long reason is cut", async () => {
    const future = client.submit(square, [2], { resources: { none: 1 } });
    await future.cancel("x".repeat(100_000));
    expect((await future.error())?.message).toContain("x".repeat(1_000));
    expect((await client.cluster()).tasks.cancelled).toBe(1);
  });
});

test("a question that does not fit into a frame is refused, also while what is before it is prepared", async () => {
  const session = (client as unknown as { readonly session: import("../src/session.ts").Session }).session;
  const ns = Array.from({ length: 1_000_000 }, (_, n) => n + 1_000_000) as never;
  const behind = client.submit(square, [4]);
  await expect(session.questions.ask({ q: "whoHas", ns })).rejects.toMatchObject({ code: "FLOCK_FRAME_TOO_LARGE" });
  let prepared: (action: () => void) => void = () => {};
  session.gate.hold(new Promise((resolve) => (prepared = resolve)));
  const held = session.questions.ask({ q: "whoHas", ns });
  prepared(() => {});
  await expect(held).rejects.toMatchObject({ code: "FLOCK_FRAME_TOO_LARGE" });
  expect(await behind.result()).toBe(16);
});

test("the longest name: its task runs, and its key, which is longer still, can be asked about", async () => {
  const future = client.submit(square, [2], { name: "n".repeat(512) });
  expect(await future.result()).toBe(4);
  expect((await client.story(future.key)).length).toBeGreaterThan(0);
});

test("a profile that is being taken rejects when the client is closed", async () => {
  const taken = client.profile({ durationMs: 2 ** 31 - 1 });
  const over = expect(taken).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  await client.cluster(); // it has begun
  await client.close();
  await over;
});

test("a stream leaves nothing with its signal", async () => {
  const { signal } = new AbortController();
  const seen: string[] = [];
  await client.note("mine");
  for await (const event of client.followEvents({ signal })) {
    if (event.text !== "mine" || seen.push(event.text) === 3) {
      if (seen.length === 3) break;
      continue;
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await client.note("mine");
  }
  expect(seen).toHaveLength(3);
});

test("a client that leaves a detached run closes though nobody takes its data", async () => {
  const lonely = await TestCluster.start(0);
  const own = await lonely.connect();
  own.run("kept", { detached: true });
  const scattered = own.scatter(new Float64Array(1_000_000)).catch((error: unknown) => error);
  await own.cluster();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const closing = own.close();
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
  await closing;
  expect(await scattered).toMatchObject({ code: "FLOCK_CLOSED" });
  await lonely.close();
});

test("with a closed client, whatever is waited for or asked for through its handles rejects with FLOCK_CLOSED", async () => {
  const run = client.run("kept", { detached: true });
  const future = client.submit(square, [2], { run });
  await future.result();
  const attached = await client.attach("kept");
  const profiling = await client.startProfile();
  const held = await client.lock("held").acquire();
  const events = client.followEvents({ since: 1_000_000 });
  const [queue, variable, event] = [client.queue("q"), client.variable("v"), client.event("e")];
  const [lock, semaphore] = [client.lock("held"), client.semaphore("s", { leases: 1 })];
  await semaphore.acquire();
  const waiting = [
    queue.get(),
    queue.getBatch({ max: 2 }),
    variable.get(),
    event.wait(),
    lock.acquire(),
    semaphore.withLease(() => 1),
    events.next(),
    client.waitForWorkers(7, { timeoutMs: 1_000_000 }),
    client.scaling.joined(["nobody"]),
    client.submit(square, [2], { resources: { none: 1 } }).result(),
  ];
  const ended = Promise.allSettled(waiting);
  await client.cluster();
  await client.close();
  const codes = (await ended).map((one) => (one.status === "rejected" ? one.reason.code : one.value));
  expect(codes).toEqual(waiting.map(() => "FLOCK_CLOSED"));

  const asks: (() => unknown)[] = [
    () => queue.put(1),
    () => queue.size(),
    () => variable.set(1),
    () => event.set(),
    () => event.isSet(),
    () => lock.info(),
    () => lock.delete(),
    () => semaphore.tryAcquire(),
    () => profiling.stop(),
    () => attached.forget(),
    () => client.actor(Nothing, []),
    () => client.getActor("a"),
    () => client.profile(),
    () => client.attach("kept"),
    () => client.publish("p", 1),
    () => client.getDataset("p"),
    () => client.unpublish("p"),
    () => client.replicate([]),
    () => client.whoHas([]),
    () => client.hasWhat(),
    () => client.rebalance(),
    () => client.why("key"),
    () => client.story("key"),
    () => client.restart(),
    () => client.restartWorkers(["w1"]),
    () => client.versions(),
    () => client.runOnWorkers(() => 1),
    () => client.dump("never-written"),
    () => client.events(),
    () => client.logs(),
    () => client.note("n"),
    () => client.scaling.advice(),
    () => client.fireAndForget([]),
  ];
  for (const ask of asks) {
    await expect((async () => ask())(), ask.toString()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  }
  await held.release();
  run.close();
  attached.detach();
});
