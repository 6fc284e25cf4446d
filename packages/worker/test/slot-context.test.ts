import { FlockError } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { taskContext } from "../src/index.ts";
import { Harness, input } from "./slot-harness.ts";

let harness: Harness;

beforeAll(async () => {
  harness = new Harness();
  await harness.slots.start();
});

afterAll(() => harness.slots.close());

const context = "globalThis[Symbol.for('taskflock.taskContext')]()";

describe.each(["thread", "process"] as const)("in a %s slot", (isolation) => {
  const base = isolation === "thread" ? 100 : 200;

  it("taskContext tells the task, also after an await", async () => {
    const fn = `async () => { await null; return ${context}.task; }`;
    const { value } = await harness.outcome({ task: base + 1, fn, isolation });
    expect(value).toEqual({ key: `task-${base + 1}`, attempt: 1, worker: "tester" });
  });

  it("console output becomes lines of the task", async () => {
    const task = base + 2;
    const fn =
      "() => { console.log('one'); console.error('%s', 'two'); process.stdout.write('th'); process.stdout.write('ree'); }";
    await harness.outcome({ task, fn, isolation });
    await harness.next("log", task).then((told) => expect(told).toMatchObject({ stream: "stdout", text: "one" }));
    await harness.next("log", task).then((told) => expect(told).toMatchObject({ stream: "stderr", text: "two" }));
    await harness.next("log", task).then((told) => expect(told).toMatchObject({ stream: "stdout", text: "three" }));
  });

  it("log and report write lines", async () => {
    const task = base + 3;
    await harness.outcome({
      task,
      fn: `() => { const { log, report } = ${context}; log('a', { b: 1 }); report(0.5); }`,
      isolation,
    });
    expect((await harness.next("log", task)).text).toBe("a { b: 1 }");
    expect((await harness.next("log", task)).text).toBe("progress 50 %");
  });

  it("output is limited, and says what was dropped", async () => {
    const task = base + 4;
    await harness.outcome({
      task,
      fn: "() => { for (let i = 0; i < 5000; i++) console.log('x'.repeat(99)); }",
      isolation,
    });
    await harness.outcome({ task: base + 5, fn: "() => { console.log('end'); }", isolation });
    const text = harness.logs(task).join("\n");
    expect(text.length).toBeLessThan(80_000);
    expect(text).toMatch(/… \d+ lines dropped/);
  });
});

describe("a process slot", () => {
  it("gets copies of arena inputs, and its large results reach the arena", async () => {
    harness.keep(50, new Float64Array(2000).fill(2));
    const told = await harness.outcome({
      task: 301,
      fn: "(x) => x.map((v) => v * 2)",
      args: [input(0)],
      inputs: [50],
      isolation: "process",
    });
    expect(told).toMatchObject({ what: "stored", value: new Float64Array(2000).fill(4) });
  });

  it("keeps the inputs it was sent, within its cache", async () => {
    const small = new Harness({ cacheBytes: 20_000 });
    const look = { fn: "(x) => { globalThis.seen ??= x; return [x === globalThis.seen, x[9]]; }", args: [input(0)] };
    small.keep(50, new Float64Array(2000).fill(2));
    small.keep(51, new Float64Array(2000).fill(3));
    const values: unknown[] = [];
    for (const [task, held] of [50, 50, 51, 50].entries()) {
      const told = await small.outcome({ task: task + 1, ...look, inputs: [held], isolation: "process" });
      values.push(told.value);
    }
    expect(values).toEqual([
      [true, 2],
      [true, 2],
      [false, 3],
      [false, 2],
    ]);
    await small.slots.close();
  });

  it("does not have the tokens", async () => {
    process.env["TASKFLOCK_TOKEN"] = "secret";
    try {
      const fresh = new Harness();
      const fn = "() => [process.env.TASKFLOCK_TOKEN ?? null, typeof process.env.PATH]";
      expect((await fresh.outcome({ task: 1, fn })).value).toEqual([null, "string"]);
      expect((await fresh.outcome({ task: 2, fn, isolation: "process" })).value).toEqual([null, "string"]);
      await fresh.slots.close();
    } finally {
      delete process.env["TASKFLOCK_TOKEN"];
    }
  });

  it("fills its heap: told as such", async () => {
    const tight = new Harness({ heapLimitMb: 40 });
    const fn = "() => { const all = []; for (;;) all.push(new Array(1000).fill({})); }";
    tight.run([{ task: 1, fn, isolation: "process" }]);
    expect((await tight.next("failed", 1)).failure?.code).toBe("FLOCK_TASK_OUT_OF_MEMORY");
    await tight.next("replaced");
    await tight.slots.close();
  });
});

describe("taskContext", () => {
  it("is refused outside a task", () => {
    expect(() => taskContext()).toThrow(FlockError);
    expect(() => taskContext()).toThrow(/outside a task/);
  });
});
