import { afterEach, beforeEach, expect, test } from "vitest";
import { type Client, delayed } from "../src/index.ts";
import { TestCluster } from "./cluster-harness.ts";

let cluster: TestCluster;
let client: Client;
beforeEach(async () => {
  cluster = await TestCluster.start();
  client = await cluster.connect({ name: "ann", logs: "ignore" });
});
afterEach(() => cluster.close());

const nobody = { workers: ["nobody"] };

test("why and story take a future, or the key of any client's task", async () => {
  const other = await cluster.connect({ name: "bob", logs: "ignore" });
  const waits = client.submit((x: number) => x, [1], { ...nobody, name: "fit" });
  const shared = client.submit((x: number) => x, [2], { ...nobody, key: "the fit" });
  for (const future of [waits, shared]) {
    const why = await client.why(future);
    expect(why).toMatchObject({ key: future.key, status: "queued", client: "ann" });
    expect(why.text).toContain("It asks for a worker named nobody: no worker named nobody is there.");
    const { forUs: _, ...rest } = await other.why(future.key);
    expect(why).toMatchObject({ ...rest, sentences: expect.anything(), text: expect.anything() });
    expect(await other.story(future.key)).toEqual(await client.story(future));
  }
});

test("a future that was released is found while others need its task", async () => {
  const head = client.submit((x: number) => x, [1], { ...nobody, name: "head" });
  const tail = client.submit((x: number) => x, [head], { name: "tail" });
  const { key } = head;
  head.release();
  expect((await client.why(tail)).inputs).toMatchObject({ missing: 1, heldUpBy: { key, depth: 1 } });
  expect((await client.why(head)).key).toBe(key);
  expect((await client.story(head)).at(-1)?.to).toBe("queued");
  tail.release();
  await expect(client.why(head)).rejects.toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
  await expect(client.story(head)).rejects.toMatchObject({ code: "FLOCK_TASK_UNKNOWN" });
});

test("the inner calls of a graph have keys to ask for, too", async () => {
  const load = delayed((x: number) => x, { ...nobody, name: "load" });
  const add = delayed((a: number, b: number) => a + b, { name: "add" });
  const sum = client.compute(add(add(load(1), load(2)), 3));
  const { inputs } = await client.why(sum);
  expect(inputs!.heldUpBy).toMatchObject({ status: "queued", depth: 2 });
  const inner = await client.why(inputs!.heldUpBy!.key);
  expect(inner).toMatchObject({ status: "queued", key: expect.stringMatching(/^load-/) });
});

test("what is neither is refused", async () => {
  const other = await cluster.connect({ logs: "ignore" });
  const foreign = other.submit(() => 1, []);
  for (const given of [foreign, 7, "", null, {}]) {
    for (const ask of [client.why.bind(client), client.story.bind(client)]) {
      await expect(ask(given as string)).rejects.toMatchObject({
        code: "FLOCK_ARGUMENT_INVALID",
        message: expect.stringContaining("takes a future of this client, or a task's key, not "),
      });
    }
  }
});
