// What a person sees who gets something wrong: a coded error with words that help.

import { createServer } from "node:net";
import { inspect } from "node:util";
import { Client, LocalCluster, svc } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let cluster: LocalCluster;
let client: Client;
beforeAll(async () => {
  cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1 });
  client = await cluster.connect();
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("connecting", () => {
  test("no scheduler", async () => {
    const port = await freePort();
    await expect(Client.connect(`127.0.0.1:${port}`, { token: "x" })).rejects.toMatchObject({
      code: "FLOCK_CONNECTION_REFUSED",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
  test("the page's port instead of the scheduler's", async () => {
    const page = new URL(cluster.dashboardUrl);
    await expect(Client.connect(page.host, { token: "x" })).rejects.toMatchObject({ code: "FLOCK_NOT_A_SCHEDULER" });
  });
  test("a wrong token", async () => {
    await expect(Client.connect(cluster.address, { token: "wrong" })).rejects.toMatchObject({
      code: "FLOCK_UNAUTHORIZED",
    });
  });
  test("an address that is none", async () => {
    await expect(Client.connect("not an address", { token: "x" })).rejects.toMatchObject({
      code: "FLOCK_ADDRESS_INVALID",
    });
  });
});

test("a cluster or client that is printed does not show its token", () => {
  expect(inspect(cluster, { depth: 9, showHidden: true })).not.toContain(cluster.token);
  expect(inspect(client, { depth: 9 })).not.toContain(cluster.token);
});

describe("submitting", () => {
  test("a function that captures what cannot travel is refused by its name", () => {
    const factors = new WeakMap<object, number>();
    expect(() => client.submit((x: object) => factors.get(x), [{}])).toThrowError(
      expect.objectContaining({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE", message: expect.stringContaining("factors") }),
    );
  });
  test("a native function", () => {
    expect(() => client.submit(((x: number) => x).bind(null), [1])).toThrowError(
      expect.objectContaining({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE" }),
    );
  });
  test("an argument that cannot travel is named by its path", () => {
    expect(() => client.submit((x: unknown) => x, [{ socket: Symbol("s") }])).toThrowError(
      expect.objectContaining({ code: "FLOCK_NOT_SERIALIZABLE", message: expect.stringContaining("args[0].socket") }),
    );
  });
  test("an unknown option, and a string for a number", () => {
    // @ts-expect-error: there is no such option
    expect(() => client.submit((x: number) => x, [1], { retrys: 2 })).toThrowError(/retries/);
    // @ts-expect-error: a number
    expect(() => client.submit((x: number) => x, [1], { timeoutMs: "5" })).toThrowError(
      expect.objectContaining({ code: "FLOCK_OPTION_INVALID" }),
    );
  });
  test("an argument larger than the workers can hold", async () => {
    const own = await LocalCluster.start({
      workers: 1,
      threadsPerWorker: 1,
      memoryLimit: "256MiB",
      spillDirectory: null,
    });
    try {
      const other = await own.connect();
      const future = other.submit((x: Float64Array) => x.length, [new Float64Array(64 * 1024 * 1024)]);
      await expect(future.result()).rejects.toMatchObject({
        code: "FLOCK_DEPENDENCY_FAILED",
        message: expect.stringContaining("--memory-limit"),
        cause: { code: "FLOCK_OUT_OF_MEMORY" },
      });
      expect(await other.call((x: number) => x, [1])).toBe(1);
      await other.close();
    } finally {
      await own.close();
    }
  });
});

describe("searching", () => {
  const X = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [2, 2],
    [3, 3],
  ];
  const y = [0, 0, 0, 1, 1, 1];
  const search = (change: object) =>
    Promise.resolve().then(() =>
      client.gridSearch({ estimator: svc(), params: { C: [1] }, X, y, cv: 3, ...change }).result(),
    );

  test("NaN in X: row and column", async () => {
    const bad = [...X.slice(0, 4), [2, Number.NaN], [3, 3]];
    await expect(search({ X: bad })).rejects.toMatchObject({
      code: "FLOCK_ML_INPUT",
      message: expect.stringMatching(/4.*1/),
    });
  });
  test("y of the wrong length", async () => {
    await expect(search({ y: [0, 1] })).rejects.toMatchObject({
      code: "FLOCK_ML_INPUT",
      message: expect.stringMatching(/2.*6|6.*2/),
    });
  });
  test("an unknown parameter names those there are", async () => {
    await expect(search({ params: { c: [1] } })).rejects.toMatchObject({
      code: "FLOCK_ML_PARAMETER",
      message: expect.stringMatching(/\bC\b.*gamma|gamma.*\bC\b/s),
    });
  });
  test("an unknown scorer names those there are", async () => {
    await expect(search({ scoring: "acuracy" })).rejects.toMatchObject({
      code: "FLOCK_ML_SCORER",
      message: expect.stringContaining("accuracy"),
    });
  });
  test("cv larger than a class", async () => {
    await expect(search({ cv: 4 })).rejects.toMatchObject({
      code: "FLOCK_ML_SPLIT",
      message: expect.stringMatching(/3.*4|4.*3/),
    });
  });
});
