// Queues, locks, semaphores, events and variables over real sockets.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, type Future, isFuture, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let one: Client;
let two: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(1, { sessionReconnectMs: 50 });
  one = await cluster.connect({ name: "one" });
  two = await cluster.connect({ name: "two" });
});
afterEach(() => cluster.close());

const square = (x: number): number => x ** 2;

describe("queue", () => {
  test("values and futures cross from one client to another, in order", async () => {
    const [from, to] = [one.queue<unknown>("q"), two.queue<unknown>("q")];
    await from.put({ rows: Float64Array.of(1, 2), at: new Date(5) });
    const future = one.submit(square, [12]);
    await from.put(future);
    future.release();
    expect(await to.size()).toBe(2);
    expect(await to.get()).toEqual({ rows: Float64Array.of(1, 2), at: new Date(5) });
    const taken = (await to.get()) as Future<number>;
    expect(isFuture(taken)).toBe(true);
    expect(taken.key).toBe(future.key);
    expect(await taken.result()).toBe(144);
    expect(await two.call(square, [taken])).toBe(144 ** 2);
    taken.release();
    expect(await to.tryGet()).toBeUndefined();
  });

  test("a get that waits, a put that waits, and time limits", async () => {
    const [from, to] = [one.queue<string>("q", { maxSize: 1 }), two.queue<string>("q")];
    const waiting = to.get();
    await from.put("a");
    expect(await waiting).toBe("a");
    await from.put("b");
    await expect(from.put("c", { timeoutMs: 1 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
    const put = from.put("c");
    expect(await to.get()).toBe("b");
    await put;
    expect(await to.get()).toBe("c");
    await expect(to.get({ timeoutMs: 1 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
    await expect(one.queue("q", { maxSize: 1 }).size()).resolves.toBe(0);
  });

  test("a batch is what is there, and at least one", async () => {
    const [from, to] = [one.queue<number>("q"), two.queue<number>("q")];
    const waiting = to.getBatch({ max: 10 });
    await from.put(0);
    expect(await waiting).toEqual([0]);
    await Promise.all(range(1, 8).map((n) => from.put(n)));
    expect(await to.getBatch({ max: 5 })).toEqual([1, 2, 3, 4, 5]);
    expect(await to.getBatch({ max: 5 })).toEqual([6, 7]);
  });

  test("an AbortSignal ends the wait; the queue loses nothing by it", async () => {
    const controller = new AbortController();
    const waiting = two.queue("q").get({ signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "FLOCK_CANCELLED" });
    await one.queue("q").put(1);
    expect(await two.queue("q").tryGet()).toBe(1);
  });

  test("what cannot go in is refused, with what to do about it", async () => {
    const queue = one.queue<unknown>("q");
    await expect(queue.put(new Float64Array(10_000))).rejects.toMatchObject({
      code: "FLOCK_TOO_LARGE",
      message: expect.stringMatching(/80\d+\. Scatter it, and give its future/),
    });
    const future = one.submit(square, [2]);
    await expect(queue.put([future])).rejects.toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
    await expect(two.queue("q").put(future)).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    future.release();
    await expect(queue.put(future)).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
    await expect(queue.getBatch({ max: 0 })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    expect(() => one.queue("")).toThrowError(/queue takes a name/);
    expect(() => one.queue("q", { maxSize: 0 })).toThrowError(/maxSize/);
    expect(await queue.size()).toBe(0);
    await queue.put((await one.scatter(new Float64Array(10_000))) as unknown);
    const taken = (await two.queue("q").get()) as Future<Float64Array>;
    expect((await taken.result()).length).toBe(10_000);
  });

  test("a link that is cut again and again: every element arrives once, in order", async () => {
    const patient = await TestCluster.start(0);
    const { cable, address } = await patient.cable();
    const [shaky, steady] = [await patient.connect({ name: "shaky" }, address), await patient.connect()];
    const expected = range(60);
    const putting = (async () => {
      for (const n of expected) await shaky.queue<number>("in", { maxSize: 3 }).put(n);
    })();
    const passing = (async () => {
      for (const n of expected) {
        const taken = await shaky.queue<number>("in").get();
        if (n % 5 === 0) cable.cut(true);
        await shaky.queue<number>("out").put(taken);
      }
    })();
    const received: number[] = [];
    while (received.length < expected.length) {
      received.push(await steady.queue<number>("out").get());
      if (received.length % 7 === 0) cable.cut(true);
    }
    await Promise.all([putting, passing]);
    expect(received).toEqual(expected);
    expect(await steady.queue("in").size()).toBe(0);
    await patient.close();
  });
});

describe("lock and semaphore", () => {
  test("one at a time, whoever asks", async () => {
    let inside = 0;
    let most = 0;
    const work = async (client: Client): Promise<void> => {
      await using _lease = await client.lock("l").acquire();
      most = Math.max(most, ++inside);
      await client.queue("pause").size();
      inside--;
    };
    await Promise.all(range(20).map((n) => work(n % 2 === 0 ? one : two)));
    expect(most).toBe(1);
    expect(await one.lock("l").info()).toEqual({ holders: [], waiting: 0 });
  });

  test("withLock releases also when its function throws", async () => {
    await expect(
      one.lock("l").withLock(() => {
        throw new Error("inside");
      }),
    ).rejects.toThrow("inside");
    expect(await two.lock("l").withLock(() => "mine")).toBe("mine");
  });

  test("what is held is not had twice; tryAcquire does not wait", async () => {
    const lease = (await one.lock("l").tryAcquire())!;
    expect(lease.held).toBe(true);
    expect(await two.lock("l").tryAcquire()).toBeUndefined();
    await expect(two.lock("l").acquire({ timeoutMs: 1 })).rejects.toMatchObject({
      code: "FLOCK_WAIT_TIMEOUT",
      message: expect.stringContaining('The lock "l" was held by others'),
    });
    expect((await two.lock("l").info()).holders).toEqual(["one"]);
    await lease.release();
    await lease.release();
    expect(lease.held).toBe(false);
    expect(await two.lock("l").tryAcquire()).toBeDefined();
  });

  test("a semaphore lets so many in", async () => {
    const [mine, other] = [one.semaphore("s", { leases: 2 }), two.semaphore("s", { leases: 2 })];
    const leases = [await mine.acquire(), await mine.acquire()];
    expect(await other.tryAcquire()).toBeUndefined();
    const waiting = other.acquire();
    await leases[0]!.release();
    expect((await waiting).held).toBe(true);
    await expect(one.semaphore("s", { leases: 3 }).acquire()).rejects.toMatchObject({ code: "FLOCK_SHARED_CONFLICT" });
    expect(() => one.semaphore("s", {} as never)).toThrowError(/leases/);
  });

  test("a client that leaves lets go of what it held; one whose link is cut does so after its grace", async () => {
    await one.lock("l").acquire();
    const waiting = two.lock("l").acquire();
    await one.close();
    await (await waiting).release();
    const { cable, address } = await cluster.cable();
    const third = await cluster.connect({ name: "third", reconnectMs: 10_000 }, address);
    await third.lock("l").acquire();
    const next = two.lock("l").acquire();
    cable.cut(false);
    expect((await next).held).toBe(true);
  });
});

test("an event: all who wait go on, and it stays set until it is cleared", async () => {
  const [mine, other] = [one.event("e"), two.event("e")];
  const waiting = [mine.wait(), other.wait(), other.wait()];
  expect(await other.isSet()).toBe(false);
  await mine.set();
  await Promise.all(waiting);
  await one.close();
  await other.wait();
  expect(await other.isSet()).toBe(true);
  await other.clear();
  await expect(other.wait({ timeoutMs: 1 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
});

test("a variable: everybody gets what was set last, also futures; deleted, it has no value", async () => {
  const [mine, other] = [one.variable<unknown>("v"), two.variable<unknown>("v")];
  const waiting = other.get();
  await mine.set("first");
  expect(await waiting).toBe("first");
  const future = one.submit(square, [3]);
  await mine.set(future);
  future.release();
  const [a, b] = (await Promise.all([other.get(), other.get()])) as Future<number>[];
  expect(await Promise.all([a!.result(), b!.result()])).toEqual([9, 9]);
  a!.release();
  expect(await b!.result()).toBe(9);
  const none = expect(two.variable("other").get()).rejects.toMatchObject({ code: "FLOCK_SHARED_DELETED" });
  await one.variable("other").delete();
  await none;
  await other.delete();
  await expect(mine.get({ timeoutMs: 0 })).rejects.toMatchObject({ code: "FLOCK_WAIT_TIMEOUT" });
});

test("a closed client waits for nothing", async () => {
  const queue = two.queue("q");
  const waiting = expect(queue.get()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  await two.close();
  await waiting;
  await expect(queue.get()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
});
