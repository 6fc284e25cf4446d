// Calls that are made while another one is being written, and futures that are let go.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Client, Future } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start(2);
  client = await cluster.connect({ logs: "ignore" });
});
afterEach(() => cluster.close());

const tasksThere = async (): Promise<number> =>
  Object.values((await client.cluster()).tasks).reduce((a, b) => a + b, 0);

test("a getter among the arguments may submit another call", async () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => client.submit((x: string) => x, [name]));
  const inner: Future<unknown>[] = [];
  const times = 3;
  const given = {
    first: a,
    get then1(): number {
      inner.push(client.submit((x: unknown) => [x, times], [c]));
      return 1;
    },
    second: b,
  };
  const outer = client.submit((x: object) => Object.entries(x), [given]);
  expect(await outer.result()).toEqual([
    ["first", "a"],
    ["then1", 1],
    ["second", "b"],
  ]);
  expect(await inner[0]!.result()).toEqual(["c", 3]);
});

test("a future that was released holds none of those that were made with it", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const kept = client.submit((x: number) => x, [0]);
  for (let i = 1; i <= 20; i++) client.submit((x: number) => x, [i]);
  expect(await kept.result()).toBe(0);
  kept.release();
  await expect
    .poll(
      async () => {
        gc();
        return await tasksThere();
      },
      { timeout: 20_000 },
    )
    .toBe(0);
  expect(kept.status).toBe("released");
});

test("what is said of a class that is called reads well", () => {
  const submit = (): unknown => client.submit(class Foo {} as never, []);
  expect(submit).toThrow(
    "Foo is a class, which is not called as a function is; pass (…args) => new Foo(…args), and return plain data.",
  );
});
