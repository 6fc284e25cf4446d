import { describe, expect, test } from "vitest";
import { asCompleted, Client, copy, progress, range } from "../src/index.ts";
import { describe as describeValue, nearest } from "../src/option-checks.ts";
import { checkTaskOptions, optionsData, type TaskOptions } from "../src/task-options.ts";
import { TestCluster } from "./cluster-harness.ts";

const refused = (options: object): string => {
  try {
    checkTaskOptions("submit", options as TaskOptions);
  } catch (error) {
    expect(error).toMatchObject({ code: "FLOCK_OPTION_INVALID" });
    return (error as Error).message;
  }
  return "";
};

describe("task options", () => {
  test.each([
    [{ retrys: 2 }, /no option "retrys".*Did you mean retries\?/],
    [{ timeout: 2 }, /Did you mean timeoutMs\?/],
    [{ zebra: 2 }, /It takes key, pure/],
    [{ timeoutMs: "5" }, /timeoutMs takes milliseconds.*not "5"/],
    [{ priority: 1.5 }, /whole number from -1,000,000 to 1,000,000, not 1\.5/],
    [{ resources: { GPU: "1" } }, /amounts by name/],
    [{ workers: "w1" }, /an array of names/],
    [{ isolation: "fork" }, /"thread" or "process"/],
    [{ run: "mine" }, /client\.run/],
    [{ signal: {} }, /an AbortSignal, not an object/],
    [{ key: "" }, /1 to 512 characters/],
    [{ key: "x".repeat(513) }, /1 to 512 characters/],
    [[], /options must be an object.*not an array/],
  ])("%j is refused", (options, message) => {
    expect(refused(options)).toMatch(message);
  });

  test("undefined counts as not given; defaults need no message", () => {
    expect(refused({ retries: undefined })).toBe("");
    expect(optionsData({})).toBeNull();
    expect(optionsData({ retries: 0, timeoutMs: 0, resources: {} })).toBeNull();
    expect(optionsData({ resources: { GPU: 0.5 }, timeoutMs: 0.2 })).toMatchObject({
      resources: { GPU: 5000 },
      timeoutMs: 1,
    });
  });

  test("equal options are equal as text, in whatever order they were given", () => {
    const one = optionsData({ resources: { b: 1, a: 2 }, retries: 1, workers: ["y", "x"] });
    const two = optionsData({ retries: 1, workers: ["x", "y"], resources: { a: 2, b: 1 } });
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
  });
});

test("nearest finds what was meant, and nothing where nothing is near", () => {
  expect(nearest("retrise", ["retries", "resources"])).toBe("retries");
  expect(nearest("zzz", ["retries", "resources"])).toBeNull();
});

test("calls with the wrong kinds of arguments say what they take", async () => {
  const cluster = await TestCluster.start(0);
  try {
    const client = await cluster.connect();
    const loose = client as unknown as Record<string, (...args: unknown[]) => unknown>;
    const thrown = (name: string, ...args: unknown[]): unknown => {
      try {
        loose[name]!.apply(client, args);
      } catch (error) {
        return error;
      }
      return null;
    };
    const invalid = (words: string) => ({ code: "FLOCK_ARGUMENT_INVALID", message: expect.stringContaining(words) });
    expect(thrown("submit", "name", [])).toMatchObject(invalid("a function first"));
    expect(thrown("submit", () => 1, 5)).toMatchObject(invalid("submit(fn, [a, b])"));
    expect(thrown("map", () => 1, 5)).toMatchObject(invalid("iterables"));
    expect(thrown("run", "")).toMatchObject(invalid("as the name"));
    expect(thrown("release", [1])).toMatchObject(invalid("futures"));
    expect(thrown("release", 1)).toMatchObject(invalid("release takes futures, not 1"));
    await expect(client.cancel("f-1-2" as never)).rejects.toMatchObject(invalid('cancel takes futures, not "f-1-2"'));
    await expect(client.scatterAll(3 as never)).rejects.toMatchObject(invalid("scatterAll takes an array of values"));
    await expect(client.runOnWorkers(3 as never)).rejects.toMatchObject(invalid("runOnWorkers takes a function"));
    expect(() => asCompleted(3 as never)).toThrow(/asCompleted takes futures, not 3/);
    await expect(client.waitForWorkers(-1)).rejects.toMatchObject({ code: "FLOCK_ARGUMENT_INVALID" });
    expect(() => asCompleted([1 as never])).toThrow(/asCompleted takes futures, not 1/);
    await expect(progress([1 as never])).rejects.toMatchObject(invalid("progress takes futures"));
    await expect(client.retireWorkers("w1" as never)).rejects.toMatchObject(invalid("an array of names"));
    await expect(client.gather([], { errors: "ignore" as "skip" })).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
    await expect(client.scatter(1, { brodcast: true } as object)).rejects.toThrowError(/broadcast/);
  } finally {
    await cluster.close();
  }
});

test("a run of another client is refused, since its number would mean another run here", async () => {
  const cluster = await TestCluster.start(0);
  try {
    const [one, other] = [await cluster.connect(), await cluster.connect()];
    other.run("the other's first"); // has the same number
    expect(() => other.submit(() => 1, [], { run: one.run("mine") })).toThrow(/"mine" was opened by another client/);
  } finally {
    await cluster.close();
  }
});

test("small values are shown, large ones are named", () => {
  expect(["GPU", { GPU: -1 }, [""], {}, []].map(describeValue)).toEqual([
    '"GPU"',
    "an object ({ GPU: -1 })",
    "an array ([ '' ])",
    "an object",
    "an array",
  ]);
  expect([new Map(), Array(100).fill("x".repeat(30)), () => 1].map(describeValue)).toEqual([
    "an object",
    "an array",
    "a function",
  ]);
});

describe("connect", () => {
  test("what people write who come from elsewhere", async () => {
    const cluster = {} as unknown as string;
    await expect(Client.connect(cluster)).rejects.toMatchObject({
      code: "FLOCK_ADDRESS_INVALID",
      message: expect.stringContaining("cluster.connect()"),
    });
    const Constructed = Client as unknown as new (address: string) => Client;
    expect(() => new Constructed("127.0.0.1:8786")).toThrow(/await Client\.connect\(address\)/);
  });

  test("wrong options and addresses", async () => {
    await expect(Client.connect("127.0.0.1:1", { reconnectMS: 1 } as object)).rejects.toThrowError(/reconnectMs/);
    await expect(Client.connect("127.0.0.1:1", { logs: "loud" } as object)).rejects.toMatchObject({
      code: "FLOCK_OPTION_INVALID",
    });
    for (const tls of ["ca.pem", true, { ca: "ca.pem" }, { caFile: 1 }, { caFile: "" }]) {
      await expect(Client.connect("127.0.0.1:1", { tls } as object)).rejects.toMatchObject({
        code: "FLOCK_OPTION_INVALID",
        message: expect.stringContaining("tls takes { caFile }, the name of a file, or false"),
      });
    }
    const nowhere = { token: "x", tls: { caFile: "nowhere.pem" } };
    await expect(Client.connect("127.0.0.1:9", nowhere)).rejects.toMatchObject({ code: "FLOCK_CERTIFICATE_FILE" });
    await expect(Client.connect("http://x", { token: "x" })).rejects.toMatchObject({ code: "FLOCK_ADDRESS_INVALID" });
    await expect(Client.connect("127.0.0.1:9", { token: "x" })).rejects.toMatchObject({
      code: "FLOCK_CONNECTION_REFUSED",
    });
  });

  test("a wrong token", async () => {
    const cluster = await TestCluster.start(0);
    await expect(Client.connect(cluster.scheduler.address, { token: "wrong" })).rejects.toMatchObject({
      code: "FLOCK_UNAUTHORIZED",
    });
    await cluster.close();
  });

  test("TASKFLOCK_ADDRESS is the default", async () => {
    process.env["TASKFLOCK_ADDRESS"] = "not an address";
    try {
      await expect(Client.connect(undefined, { token: "x" })).rejects.toMatchObject({ code: "FLOCK_ADDRESS_INVALID" });
    } finally {
      delete process.env["TASKFLOCK_ADDRESS"];
    }
  });
});

test("range and copy", () => {
  expect(range(3)).toEqual([0, 1, 2]);
  expect(range(2, 8, 3)).toEqual([2, 5]);
  expect(range(3, 0, -1)).toEqual([3, 2, 1]);
  const shared = new Float64Array(new SharedArrayBuffer(16)).fill(1);
  const own = copy({ list: [shared] });
  own.list[0]!.fill(2);
  expect(shared[0]).toBe(1);
  expect(own.list[0]!.buffer).toBeInstanceOf(ArrayBuffer);
});
