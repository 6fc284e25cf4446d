import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, type Future, isFlockError } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start();
  client = await cluster.connect();
});
afterEach(() => cluster.close());

/** What the live functions below were called with: those that travelled have a copy of the list. */
const calls: unknown[][] = [];
beforeEach(() => void calls.splice(0));

const context = (): { task: object; signal: AbortSignal; log(text: string): void } =>
  Reflect.get(globalThis, Symbol.for("taskflock.taskContext"))();

function failing(...args: unknown[]): never {
  calls.push(args);
  throw new RangeError("no", { cause: args });
}

async function failed<R>(future: Future<R>): Promise<Future<R>> {
  expect(await future.error()).not.toBeNull();
  expect(calls).toEqual([]);
  return future;
}

/** The error that a promise rejects with. */
function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error,
  );
}

describe("a call that failed runs here", () => {
  test("with its arguments: the live function throws its own error", async () => {
    const args = [1, { nested: [new Map([["a", new Float64Array(3)]])] }, new Date(5)];
    const future = await failed(client.submit(failing, args));
    const error = await errorOf(client.rerunHere(future));
    expect(calls).toEqual([args]);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).cause).toBe(calls[0]);
    expect((error as Error).stack).toMatch(/rerun\.test\.ts/);
    expect(error).not.toHaveProperty("taskKey");
  });

  describe("with instances of classes that the function uses", () => {
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
      twice(): number {
        return this.x * 2;
      }
    }

    test("as arguments", async () => {
      const work = (point: Point): number => {
        if (!(point instanceof Point)) throw new TypeError("no point");
        calls.push([point.twice()]);
        throw new RangeError("no");
      };
      const future = await failed(client.submit(work, [new Point(4)]));
      expect(await errorOf(client.rerunHere(future))).toBeInstanceOf(RangeError);
      expect(calls).toEqual([[8]]);
    });

    test("though what it uses has changed meanwhile: then its arguments cannot be read", async () => {
      let check = (point: unknown): boolean => point instanceof Point;
      const work = (point: Point): never => {
        calls.push([check(point)]);
        throw new RangeError("no");
      };
      const future = await failed(client.submit(work, [new Point(4)]));
      check = () => false;
      expect(await errorOf(client.rerunHere(future))).toMatchObject({ code: "FLOCK_CALL_FORGOTTEN" });
    });
  });

  test("with its arguments, when it captures another function than before", async () => {
    let tool = (): string => "first";
    const work = (x: number): never => {
      calls.push([tool(), x]);
      throw new RangeError("no");
    };
    const future = await failed(client.submit(work, [7]));
    tool = () => "second";
    await errorOf(client.rerunHere(future));
    expect(calls).toEqual([["second", 7]]);
  });

  test("and gives what it returns, once it does", async () => {
    let broken = true;
    const mend = async (x: number): Promise<number> => {
      if (broken) throw new Error(`broken ${x}`);
      calls.push([x]);
      return x * 2;
    };
    const future = await failed(client.submit(mend, [21]));
    broken = false;
    expect(await client.rerunHere(future)).toBe(42);
    expect(calls).toEqual([[21]]);
  });

  test("with the results of other tasks, small and large, released or not", async () => {
    const small = client.submit(() => "small", []);
    const large = client.submit(() => new Float64Array(5000).fill(7), []);
    const data = await client.scatter({ scattered: true });
    const future = client.submit(failing, [{ small }, [large, large], data]);
    client.release([small, large, data]);
    await failed(future);
    await errorOf(client.rerunHere(future));
    const seven = new Float64Array(5000).fill(7);
    expect(calls).toEqual([[{ small: "small" }, [seven, seven], { scattered: true }]]);
    const [[, [first, second]]] = calls as [[unknown, unknown[]]];
    expect(first).toBe(second);
    // Nothing of it is kept beyond the future.
    future.release();
    await expect.poll(async () => (await client.cluster()).tasks.done).toBe(0);
  });

  test("with large arguments, which travelled as data", async () => {
    const rows = Array.from({ length: 200_000 }, (_, row) => row);
    const future = await failed(client.submit(failing, [new Float64Array(50_000).fill(1), rows]));
    await errorOf(client.rerunHere(future));
    expect(calls).toEqual([[new Float64Array(50_000).fill(1), rows]]);
  });

  test("with the functions that stand in its arguments", async () => {
    const scale = (x: number): number => x * 2;
    class Model {
      readonly weight = 3;
    }
    const future = await failed(client.submit(failing, [{ scale }, new Model()]));
    await errorOf(client.rerunHere(future));
    const [[functions, model]] = calls as [[{ scale: unknown }, unknown]];
    expect(functions.scale).toBe(scale);
    expect(model).toBeInstanceOf(Model);
  });

  test("with functions that it uses itself, and those of instances, which say that they are not there", async () => {
    const used = (x: number): number => x * 2;
    class Handler {
      readonly count = 1;
      readonly handle = (x: number): number => x + this.count;
    }
    class Other extends Handler {}
    const fn = (...args: unknown[]): never => failing(args[0] === used, args[2] instanceof Handler, ...args);
    const future = await failed(client.submit(fn, [used, new Handler(), new Other()]));
    await errorOf(client.rerunHere(future));
    const [[isUsed, isHandler, first, second, third]] = calls as [[boolean, boolean, unknown, Handler, Handler]];
    expect([isUsed, isHandler, first, second.count]).toEqual([true, true, used, 1]);
    expect(third).toBeInstanceOf(Other);
    expect(() => second.handle(1)).toThrowError(
      /handle\(\) belongs to an instance .*: call the task's function yourself/,
    );
  });

  test("with closures in its arguments, where it is certain which they were", async () => {
    const times = (factor: number) => (x: number) => x * factor;
    const double = times(2);
    const first = await failed(client.submit(failing, [double]));
    await errorOf(client.rerunHere(first));
    expect(calls.splice(0)).toEqual([[double]]);
    const second = await failed(client.submit(failing, [times(3)]));
    for (const future of [first, second]) {
      const error = await errorOf(client.rerunHere(future));
      expect(isFlockError(error, "FLOCK_CALL_FORGOTTEN")).toBe(true);
    }
    expect(calls).toEqual([]);
  });

  test("in a task's context", async () => {
    const seen: unknown[] = [];
    const look = async (): Promise<void> => {
      if (context().signal.aborted) return;
      await null;
      seen.push(context().task);
      if (seen.length > 0) throw new Error("seen");
    };
    const future = client.submit(look, [], { retries: 1 });
    await future.error();
    await errorOf(client.rerunHere(future));
    expect(seen).toEqual([{ key: future.key, attempt: expect.any(Number), worker: "here" }]);
    expect(context()).toBeUndefined();
  });

  test("with what it captured as it is now", async () => {
    const settings = { limit: 1 };
    const limited = (x: number): number => {
      if (x > settings.limit) throw new Error(`above ${settings.limit}`);
      return x;
    };
    const future = client.submit(limited, [2]);
    await future.error();
    settings.limit = 3;
    expect(await client.rerunHere(future)).toBe(2);
  });
});

describe("which task it is", () => {
  test("one that was not called, because another failed: that other", async () => {
    for (const options of [{}, { key: "first", name: "named" }, { name: "named" }]) {
      const first = client.submit(failing, [1], options);
      const second = client.submit((x: unknown) => calls.push(["second", x]), [first]);
      const third = client.submit((x: unknown) => calls.push(["third", x]), [second]);
      await failed(third);
      await errorOf(client.rerunHere(third));
      expect(calls.splice(0)).toEqual([[1]]);
      client.release([first, second, third]);
    }
    const third = client.submit(
      (x: unknown) => x,
      [client.submit((x: unknown) => x, [client.submit(failing, [1], { name: "gone" })])],
    );
    await third.error();
    // Its future may be garbage by now, or not.
    const error = await errorOf(client.rerunHere(third));
    if (isFlockError(error))
      expect(error).toMatchObject({
        code: "FLOCK_RELEASED",
        message: expect.stringMatching(/gone-.* failed before it/),
      });
    else expect(error).toBeInstanceOf(RangeError);
  });

  test("one that has not ended, or is done with a result that a worker holds", async () => {
    const wait = client.submit(failing, ["soon"], { resources: { GPU: 1 } });
    await errorOf(client.rerunHere(wait));
    expect(calls.splice(0)).toEqual([["soon"]]);
    const large = (n: number): Float64Array => new Float64Array(n).fill(calls.push([n]));
    const future = client.submit(large, [5000]);
    await future.result();
    expect(await client.rerunHere(future)).toEqual(new Float64Array(5000).fill(1));
    expect(calls).toEqual([[5000]]);
  });

  test("one of which the arguments are not kept", async () => {
    const future = client.submit((x: number) => x, [1]);
    await future.result();
    await expect(client.rerunHere(future)).rejects.toMatchObject({ code: "FLOCK_CALL_FORGOTTEN" });
  });

  test("none: released, another client's, data, no future", async () => {
    const other = await cluster.connect();
    const released = await failed(client.submit(failing, []));
    released.release();
    await expect(client.rerunHere(released)).rejects.toMatchObject({ code: "FLOCK_RELEASED" });
    const invalid = [other.submit(failing, []), await client.scatter(1), 1, undefined];
    for (const future of invalid) {
      const error = await errorOf(client.rerunHere(future as Future<unknown>));
      expect(error).toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    }
    await client.close();
    await expect(client.rerunHere(released)).rejects.toMatchObject({ code: "FLOCK_CLOSED" });
  });

  test("an input that is lost says so", async () => {
    const data = await client.scatter(new Float64Array(100_000));
    const future = await failed(client.submit(failing, [data]));
    for (const worker of cluster.workers.splice(0)) await worker.close();
    const error = await errorOf(client.rerunHere(future));
    expect(isFlockError(error)).toBe(true);
    expect(calls).toEqual([]);
  });
});
