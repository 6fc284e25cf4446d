import { BulkClient, decodeValue, encodeValue, type Holder, type TaskId } from "@taskflock/protocol";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningWorker, startWorker, type WorkerOptions } from "../src/index.ts";
import { FakeScheduler, input, NOTHING, TOKEN } from "./fake-scheduler.ts";

const logger = pino({ level: "silent" });
let scheduler: FakeScheduler;
const workers: RunningWorker[] = [];

beforeEach(async () => {
  scheduler = await FakeScheduler.start();
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  await scheduler.close();
});

async function join(name: string, options: Partial<WorkerOptions> = {}): Promise<RunningWorker> {
  const worker = await startWorker({
    ...{ address: scheduler.address, token: TOKEN, name, slots: 1, logger, memoryLimitBytes: 512 * 1024 * 1024 },
    ...options,
  });
  workers.push(worker);
  await scheduler.next(name, "snapshot");
  return worker;
}

function decoded(payload: number): unknown {
  return decodeValue(scheduler.payloads.get(payload as never).slice());
}

describe("a worker", () => {
  it("joins, says who it is, and beats", async () => {
    const worker = await join("w", { resources: { GPU: 0.5 }, slots: 2 });
    expect(scheduler.hellos[0]).toMatchObject({
      role: "worker",
      worker: { name: "w", slots: 2, resources: { GPU: 5000 }, peerAddress: worker.peerAddress, pid: process.pid },
    });
    const { metrics } = await scheduler.next("w", "heartbeat");
    expect(metrics.rssBytes).toBeGreaterThan(1e6);
  });

  it("runs tasks and sends small results along", async () => {
    await join("w");
    scheduler.define("w", 1, "(a, b) => a * b");
    for (let task = 1; task <= 50; task++) scheduler.assign("w", task, 1, [task, 2], { expectedUs: 5 });
    for (let task = 1; task <= 50; task++) {
      const { result, version } = await scheduler.next("w", "finished", task);
      expect([decoded(result), version]).toEqual([task * 2, 0]);
    }
  });

  it("sends failures with the error, and what tasks print", async () => {
    await join("w");
    scheduler.define("w", 1, "() => { console.log('before'); throw new RangeError('no'); }");
    scheduler.assign("w", 1, 1, []);
    const { failure, retryable } = await scheduler.next("w", "errored", 1);
    expect(failure).toMatchObject({ code: null, name: "RangeError", message: "no" });
    expect(retryable).toBe(true);
    expect(decoded(failure.error)).toEqual([
      expect.any(RangeError),
      {
        function: "f",
        arguments: "",
        log: ["before"],
        folders: expect.any(Array),
        line: expect.stringContaining("throw new RangeError('no');"),
      },
    ]);
    expect(await scheduler.next("w", "log", 1)).toMatchObject({ stream: "stdout", text: "before" });
  });

  it("keeps large results, hands them to another worker, and both to a client", async () => {
    const first = await join("a");
    const second = await join("b");
    scheduler.define("a", 1, "(n) => new Float64Array(n).fill(7)");
    scheduler.assign("a", 1, 1, [100_000]);
    const { bytes, result, version } = await scheduler.next("a", "finished", 1);
    expect([result, version]).toEqual([NOTHING, 1]);
    const holders: Holder[] = [{ worker: 1 as never, address: first.peerAddress, version }];
    scheduler.define("b", 1, "(x) => x.reduce((sum, v) => sum + v, 0)");
    const inputs = [{ task: 1 as TaskId, bytes, inline: NOTHING, holders }];
    scheduler.assign("b", 2, 1, [input(0)], { inputs });
    expect(await scheduler.next("b", "held", 1)).toMatchObject({ bytes });
    expect(decoded((await scheduler.next("b", "finished", 2)).result)).toBe(700_000);
    const client = new BulkClient({ key: () => scheduler.peerKey });
    const fetched = await client.fetch(second.peerAddress, 1 as TaskId, (size) => new Uint8Array(size));
    expect(decodeValue(fetched)).toEqual(new Float64Array(100_000).fill(7));
    client.close();
  });

  it("says which holder failed, and takes uploads, also those that come before they are announced", async () => {
    const worker = await join("w");
    const holders: Holder[] = [{ worker: 9 as never, address: "127.0.0.1:1", version: 3 }];
    scheduler.define("w", 1, "(x) => x.a");
    scheduler.assign("w", 1, 1, [input(0)], { inputs: [{ task: 5 as TaskId, bytes: 10, inline: NOTHING, holders }] });
    expect(await scheduler.next("w", "missing", 5)).toMatchObject({ holder: 9, version: 3 });
    await scheduler.next("w", "stopped", 1);
    const data = encodeValue({ a: "uploaded", pad: new Uint8Array(10_000) }).toBytes();
    const client = new BulkClient({ key: () => scheduler.peerKey });
    const put = client.put(worker.peerAddress, 6 as TaskId, data);
    scheduler.define("w", 2, "() => 'the client was quicker'");
    scheduler.assign("w", 3, 2, []);
    await scheduler.next("w", "finished", 3);
    scheduler.send("w", { t: "expect", task: 6 as TaskId, bytes: data.length });
    scheduler.assign("w", 2, 1, [input(0)], {
      inputs: [{ task: 6 as TaskId, bytes: data.length, inline: NOTHING, holders: [] }],
    });
    await put;
    expect(await scheduler.next("w", "held", 6)).toMatchObject({ bytes: data.length });
    expect(decoded((await scheduler.next("w", "finished", 2)).result)).toBe("uploaded");
    client.close();
  });

  it("ends a task that is cancelled and does not listen", async () => {
    await join("w");
    scheduler.define("w", 1, "() => { console.log('here'); for (;;); }");
    scheduler.assign("w", 1, 1, []);
    await scheduler.next("w", "log", 1);
    scheduler.send("w", { t: "stop", task: 1 as TaskId, attempt: 1 as never, why: "cancelled" });
    expect(await scheduler.next("w", "stopped", 1)).toMatchObject({ why: "cancelled" });
    scheduler.define("w", 2, "() => 'after'");
    scheduler.assign("w", 2, 2, []);
    expect(decoded((await scheduler.next("w", "finished", 2)).result)).toBe("after");
  });

  it("fails a task that runs longer than its timeoutMs", async () => {
    await join("w");
    scheduler.define("w", 1, "() => { for (;;); }");
    scheduler.assign("w", 1, 1, [], { timeoutMs: 30 });
    expect((await scheduler.next("w", "errored", 1)).failure.code).toBe("FLOCK_TIMEOUT");
  });
});

describe("the end of a worker", () => {
  it("asks before a planned stop, and leaves when told", async () => {
    const worker = await join("w");
    worker.retire("SIGTERM");
    expect(await scheduler.next("w", "wantsToRetire")).toMatchObject({ reason: "SIGTERM" });
    scheduler.send("w", { t: "retire" });
    scheduler.send("w", { t: "leave", restart: false });
    expect(await worker.done).toEqual({ how: "left", error: null, restart: false });
  });

  it("goes without leave when its planned stop takes too long", async () => {
    const worker = await join("w", { retireDeadlineMs: 20 });
    worker.retire("SIGTERM");
    expect(await worker.done).toMatchObject({ how: "deadline", error: { code: "FLOCK_WAIT_TIMEOUT" } });
  });

  it("comes back after a cut, with all that it holds", async () => {
    await join("w");
    scheduler.define("w", 1, "(n) => new Uint8Array(n)");
    scheduler.assign("w", 1, 1, [10_000]);
    const { bytes } = await scheduler.next("w", "finished", 1);
    scheduler.cut("w");
    const snapshot = await scheduler.next("w", "snapshot");
    expect(snapshot).toMatchObject({ holds: [{ task: 1, bytes, version: 1 }], tasks: [], functions: [1] });
  });

  it("drops everything for a scheduler that does not know it", async () => {
    await join("w");
    scheduler.define("w", 1, "(n) => new Uint8Array(n)");
    scheduler.assign("w", 1, 1, [10_000]);
    await scheduler.next("w", "finished", 1);
    scheduler.forgets = true;
    scheduler.cut("w");
    expect(await scheduler.next("w", "snapshot")).toMatchObject({ holds: [], tasks: [], functions: [] });
    scheduler.define("w", 1, "() => 'another function of the same id'");
    scheduler.assign("w", 1, 1, []);
    expect(decoded((await scheduler.next("w", "finished", 1)).result)).toBe("another function of the same id");
  });

  it("leaves with a coded error when the scheduler stays away", async () => {
    const worker = await join("w", { schedulerLostMs: 50 });
    await scheduler.close();
    expect(await worker.done).toMatchObject({ how: "gone", error: { code: "FLOCK_CONNECTION_LOST" } });
  });

  it("does not start without a scheduler, or with the wrong token, or with options that make no sense", async () => {
    const base = { address: scheduler.address, token: TOKEN, name: "w", slots: 1, logger };
    await expect(startWorker({ ...base, token: "wrong" })).rejects.toMatchObject({ code: "FLOCK_UNAUTHORIZED" });
    await expect(startWorker({ ...base, address: "127.0.0.1:1" })).rejects.toMatchObject({
      code: "FLOCK_CONNECTION_REFUSED",
    });
    await expect(startWorker({ ...base, slots: 0 })).rejects.toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    await expect(startWorker({ ...base, resources: { GPU: -1 } })).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
  });
});
