import { isFlockError } from "@taskflock/protocol/words";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(3);
  client = await cluster.connect();
});
afterEach(() => cluster.close());

const ran = (): number[] => cluster.workers.map((worker) => worker.ran.length);

describe("runOnWorkers", () => {
  test("calls the function once on every worker, with its arguments and results", async () => {
    const one = client.submit(() => 1, []);
    await one.result();
    const before = ran();
    expect(await client.runOnWorkers((a: number, b: number) => a + b, [one, 2])).toEqual({ w1: 3, w2: 3, w3: 3 });
    expect(ran()).toEqual(before.map((count) => count + 1));
    expect(await client.runOnWorkers(async () => "later")).toEqual({ w1: "later", w2: "later", w3: "later" });
  });

  test("on some, each once however often it is named", async () => {
    expect(await client.runOnWorkers((x: number) => x, [5], { workers: ["w3", "w1", "w3"] })).toEqual({ w3: 5, w1: 5 });
    expect(ran()).toEqual([1, 0, 1]);
  });

  test("on none", async () => {
    expect(await client.runOnWorkers((x: number) => x, [5], { workers: [] })).toEqual({});
  });

  test("a name that no worker has: nothing runs", async () => {
    const refused = client.runOnWorkers((x: number) => x, [5], { workers: ["w1", "w4"] });
    await expect(refused).rejects.toMatchObject({
      code: "FLOCK_WORKER_UNKNOWN",
      message: 'runOnWorkers: no worker is named "w4". There are w1, w2, w3.',
    });
    expect(ran()).toEqual([0, 0, 0]);
  });

  test("an option that does not exist, and a function that cannot travel", async () => {
    const options = { worker: ["w1"] };
    await expect(client.runOnWorkers(() => 1, [], options as object)).rejects.toThrow("Did you mean workers?");
    await expect(client.runOnWorkers(Math.max.bind(null, 1))).rejects.toMatchObject({
      code: "FLOCK_FUNCTION_NOT_SERIALIZABLE",
    });
  });
});

describe("when it fails", () => {
  // Which worker it is only the worker's own process can tell; here all are this one.
  const onFirst = (): string => {
    const there = globalThis as { taskflockCalls?: number };
    there.taskflockCalls = (there.taskflockCalls ?? 0) + 1;
    if (there.taskflockCalls === 1) throw new RangeError("not on the first");
    return "fine";
  };
  beforeEach(() => {
    Reflect.deleteProperty(globalThis, "taskflockCalls");
  });

  test("all are waited for, then each failure is named with its worker", async () => {
    const error = await client.runOnWorkers(onFirst).catch((thrown: unknown) => thrown);
    expect(isFlockError(error, "FLOCK_WORKERS_FAILED")).toBe(true);
    const { errors, results, message } = error as Error & Record<"errors" | "results", Record<string, unknown>>;
    const [failed] = Object.keys(errors);
    expect(message).toBe(`The function failed on 1 of 3 workers: ${failed}: RangeError: not on the first`);
    expect(errors[failed!]).toBeInstanceOf(RangeError);
    expect(Object.values(results)).toEqual(["fine", "fine"]);
    expect(ran()).toEqual([1, 1, 1]);
  });

  test("or its error is in a worker's place", async () => {
    const outcomes = await client.runOnWorkers(onFirst, [], { onError: "return" });
    expect(Object.keys(outcomes)).toEqual(["w1", "w2", "w3"]);
    expect(Object.values(outcomes).filter((outcome) => outcome === "fine").length).toBe(2);
    expect(Object.values(outcomes).filter((outcome) => outcome instanceof RangeError).length).toBe(1);
  });

  test("a worker that leaves: its call is lost, and no other worker makes it", async () => {
    const leaving = cluster.workers[1]!;
    leaving.beforeRun = () => void leaving.close();
    const endless = client.runOnWorkers(() => new Promise<number>((resolve) => setTimeout(resolve, 20, 1)), [], {
      onError: "return",
    });
    const { w2: lost, ...others } = await endless;
    expect(lost).toMatchObject({ code: "FLOCK_WORKER_LOST", message: expect.stringContaining("w2") });
    expect(others).toEqual({ w1: 1, w3: 1 });
    expect(ran()).toEqual([1, 1, 1]);
  });

  test("a signal that is aborted cancels what has not ended", async () => {
    const stop = new AbortController();
    cluster.workers[0]!.beforeRun = () => stop.abort(new Error("enough"));
    const outcomes = await client.runOnWorkers(() => new Promise<never>(() => {}), [], {
      onError: "return",
      signal: stop.signal,
    });
    for (const outcome of Object.values(outcomes)) expect(isFlockError(outcome, "FLOCK_CANCELLED")).toBe(true);
  });

  test("the client is closed: that is what it rejects with", async () => {
    const calls = client.runOnWorkers(() => new Promise<never>(() => {}), [], { onError: "return" });
    cluster.workers[0]!.beforeRun = () => void client.close();
    await expect(calls).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  });
});
