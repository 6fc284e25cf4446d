import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Client, type LogLine, range } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";
import { PackageFolder } from "./package-folder.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start();
  client = await cluster.connect();
});
afterEach(() => cluster.close());

const never = () => new Promise<number>(() => {});
const fail = () => {
  throw new RangeError("no such row", { cause: new Error("deeper") });
};

describe("failures", () => {
  test("the user's own error, and where it comes from", async () => {
    const future = client.submit(fail, []);
    const error = await future.error();
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "no such row", taskKey: future.key, worker: "w1", attempt: 1 });
    expect(error?.cause).toMatchObject({ message: "deeper" });
    await expect(future.result()).rejects.toThrow("no such row");
    expect(future.status).toBe("failed");
  });

  test("a dependant says who failed first, and why", async () => {
    const bad = client.submit(fail, []);
    const after = client.submit((x: number) => x, [bad]);
    const error = await after.error();
    expect(error).toMatchObject({ code: "FLOCK_DEPENDENCY_FAILED", taskKey: after.key });
    expect(error?.message).toContain(bad.key);
    expect(error?.cause).toBeInstanceOf(RangeError);
    expect(error?.cause).toMatchObject({ taskKey: bad.key });
  });

  test("a thrown value that is no error", async () => {
    const error = await client
      .submit(() => {
        throw "text";
      }, [])
      .error();
    expect(error).toMatchObject({ message: "text", cause: "text", worker: "w1" });
    expect(error).toBeInstanceOf(Error);
  });

  test("one that nobody asks for stays silent", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const futures = client.map(fail as (x: number) => never, range(5));
    for (const future of futures) await future.error();
    await client.cluster();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("a package's function that it does not export fails its future and what depends on it", async () => {
    const folder = new PackageFolder();
    folder.install(
      "secretive",
      { type: "module" },
      {
        "index.js": "let count = 0; const hidden = () => ++count; export const give = () => hidden;",
      },
    );
    const { give } = await import(folder.path("node_modules/secretive/index.js"));
    const future = client.submit(give() as () => unknown, [], { key: "hidden" });
    const after = client.submit((x: unknown) => x, [future]);
    expect(await future.error()).toMatchObject({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE" });
    expect(await after.error()).toMatchObject({ code: "FLOCK_DEPENDENCY_FAILED" });
    await future.cancel();
    future.release();
    after.release();
    expect(await client.call((x: number) => x, [1])).toBe(1);
    folder.remove();
  });
});

describe("cancel", () => {
  test("stops a task, and tells the reason", async () => {
    const future = client.submit(never, []);
    await future.cancel("enough");
    await expect(future.result()).rejects.toMatchObject({
      code: "FLOCK_CANCELLED",
      message: expect.stringContaining("enough"),
    });
    expect(future.status).toBe("cancelled");
    await future.cancel();
  });

  test("need not be awaited, also when the client is closed before it is done", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const future = client.submit(never, []);
    const awaited = future.cancel();
    void future.cancel();
    await client.close();
    await expect(awaited).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("by an AbortSignal, which is let go of when all have ended", async () => {
    const controller = new AbortController();
    const futures = client.map(never as (x: number) => Promise<number>, range(3), { signal: controller.signal });
    controller.abort(new Error("stop now"));
    for (const future of futures) expect(await future.error()).toMatchObject({ code: "FLOCK_CANCELLED" });
    const quick = client.submit(() => 1, [], { signal: new AbortController().signal });
    expect(await quick.result()).toBe(1);
    const late = client.submit(never, [], { signal: AbortSignal.abort() });
    expect(await late.error()).toMatchObject({ code: "FLOCK_CANCELLED" });
  });
});

describe("release", () => {
  test("the future says so, and the scheduler forgets the task", async () => {
    const future = client.submit(() => 1, []);
    await future.result();
    future.release();
    future.release();
    expect(future.status).toBe("released");
    await expect(future.result()).rejects.toMatchObject({
      code: "FLOCK_RELEASED",
      message: expect.stringContaining(future.key),
    });
    expect(() => client.submit((x: number) => x, [future])).toThrowError(
      expect.objectContaining({ code: "FLOCK_RELEASED" }),
    );
    expect((await client.cluster()).tasks.done).toBe(0);
  });

  test("a using block releases", async () => {
    {
      using future = client.submit(() => 1, []);
      await future.result();
    }
    expect((await client.cluster()).tasks.done).toBe(0);
  });

  test("what waits is rejected", async () => {
    const future = client.submit(never, []);
    const waiting = [future.result(), client.gather([future]), future.cancel()];
    const errors = Promise.allSettled(waiting);
    future.release();
    for (const outcome of await errors) expect(outcome).toMatchObject({ reason: { code: "FLOCK_RELEASED" } });
  });
});

test("a future of another client is refused by its place", async () => {
  const other = await cluster.connect();
  const foreign = other.submit(() => 1, []);
  expect(() => client.submit((x: { a: number }) => x, [{ a: foreign }])).toThrowError(
    expect.objectContaining({ code: "FLOCK_ARGUMENT_INVALID", message: expect.stringContaining("args[0].a") }),
  );
  await expect(client.gather([foreign])).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
});

test("a future is inspected as key and status", async () => {
  const future = client.submit(() => 1, [], { key: "one" });
  await future.result();
  expect(inspect(future)).toBe("Future { one, done }");
});

test("close: what waits is rejected, what is asked later too, and closing twice is fine", async () => {
  const pending = client.submit(never, []);
  const waiting = pending.result().catch((error) => error);
  const question = client.waitForWorkers(99).catch((error) => error);
  await client.close();
  await client.close();
  expect(await waiting).toMatchObject({ code: "FLOCK_CLOSED" });
  expect(await question).toMatchObject({ code: "FLOCK_CLOSED" });
  expect(pending.status).toBe("lost");
  await expect(pending.result()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  expect(() => client.submit(() => 1, [])).toThrowError(expect.objectContaining({ code: "FLOCK_CLOSED" }));
  await expect(client.cluster()).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
});

describe("a cut link", () => {
  test("comes back: everything resolves, large results and questions too", async () => {
    const { cable, address } = await cluster.cable();
    const far = await cluster.connect({}, address);
    const large = far.submit((n: number) => new Float64Array(n), [50_000]);
    expect(await large.error()).toBeNull();
    const futures = far.map((x: number) => x, range(200));
    const workers = far.waitForWorkers(2);
    const result = large.result();
    cable.cut(true);
    const more = far.submit((x: number) => x, [7]);
    await cluster.addWorker("w2");
    expect(await far.gather(futures)).toEqual(range(200));
    expect(await more.result()).toBe(7);
    expect((await workers).length).toBe(2);
    expect((await result).length).toBe(50_000);
  });

  test("does not come back in time: futures reject with FLOCK_CONNECTION_LOST", async () => {
    const { cable, address } = await cluster.cable();
    const far = await cluster.connect({ reconnectMs: 50 }, address);
    const done = far.submit(() => 1, []);
    await done.result();
    const pending = far.submit(never, []);
    const waiting = pending.result().catch((error) => error);
    cable.cut(false);
    expect(await waiting).toMatchObject({ code: "FLOCK_CONNECTION_LOST" });
    expect(pending.status).toBe("lost");
    expect(await pending.error()).toMatchObject({ code: "FLOCK_CONNECTION_LOST" });
    expect(await done.result()).toBe(1);
    expect(() => far.submit(() => 1, [])).toThrowError(expect.objectContaining({ code: "FLOCK_CONNECTION_LOST" }));
  });

  test("to a scheduler that knows the session no more: FLOCK_SESSION_LOST", async () => {
    await cluster.close();
    cluster = await TestCluster.start(0, { sessionReconnectMs: 0 });
    const { cable, address } = await cluster.cable();
    const far = await cluster.connect({}, address);
    const waiting = far
      .submit(never, [])
      .result()
      .catch((error) => error);
    await far.cluster();
    cable.cut(true);
    expect(await waiting).toMatchObject({ code: "FLOCK_SESSION_LOST", message: expect.stringContaining(address) });
    expect(() => far.submit(() => 1, [])).toThrowError(expect.objectContaining({ code: "FLOCK_SESSION_LOST" }));
  });
});

test("output of tasks reaches the sink with worker and key", async () => {
  const lines: LogLine[] = [];
  const own = await cluster.connect({ logs: (line) => void lines.push(line) });
  const worker = cluster.workers[0]!;
  worker.beforeRun = (assign) => worker.log(assign, "hello\n");
  const future = own.submit(() => 1, []);
  await future.result();
  await own.cluster();
  expect(lines).toEqual([{ worker: "w1", key: future.key, stream: "stdout", text: "hello\n" }]);
});
