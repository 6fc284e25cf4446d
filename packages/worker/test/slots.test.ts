import { decodeValue } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Harness, input } from "./slot-harness.ts";

let harness: Harness;
const open: Harness[] = [];

async function start(options?: ConstructorParameters<typeof Harness>[0]): Promise<Harness> {
  const started = new Harness(options);
  open.push(started);
  await started.slots.start();
  return started;
}

beforeEach(async () => {
  harness = await start();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ slots }) => slots.close()));
});

describe("a thread slot", () => {
  it("that cannot start says so once, and is not tried again and again", async () => {
    const tight = new Harness({ heapLimitMb: 5 });
    await expect(tight.slots.start()).rejects.toThrow(/memory/);
    await start(); // takes as long as several tries
    await tight.slots.close();
    expect(tight.told).toEqual([]);
  });

  it("runs a function and gives its result", async () => {
    const told = await harness.outcome({ task: 1, fn: "(a, b) => a + b", args: [1, 2] });
    expect(told).toMatchObject({ what: "finished", value: 3 });
  });

  it("awaits promises and thenables", async () => {
    expect(await harness.outcome({ task: 1, fn: "async (a) => a * 2", args: [21] })).toMatchObject({ value: 42 });
    expect(await harness.outcome({ task: 2, fn: "() => ({ then(done) { done('ok'); } })" })).toMatchObject({
      value: "ok",
    });
  });

  it("runs a batch in order, with an outcome for each", async () => {
    const tasks = Array.from({ length: 200 }, (_, i) => i + 1);
    harness.run(tasks.map((task) => ({ task, fn: "(x) => x ** 2", args: [task] })));
    await harness.next("free");
    const finished = harness.told.filter((told) => told.what === "finished");
    expect(finished.map((told) => told.value)).toEqual(tasks.map((task) => task ** 2));
    expect(finished.map((told) => told.task)).toEqual(tasks);
  });

  it("gives every outcome of a batch whose results together do not fit into the outbox", async () => {
    const tasks = Array.from({ length: 600 }, (_, i) => i + 1);
    harness.run(tasks.map((task) => ({ task, fn: "(x) => String(x).padEnd(4000, '.')", args: [task] })));
    await harness.next("free");
    const finished = harness.told.filter((told) => told.what === "finished");
    expect(finished.map((told) => told.task).sort((a, b) => a! - b!)).toEqual(tasks);
  });

  it("writes a large result into the arena", async () => {
    const told = await harness.outcome({ task: 7, fn: "(n) => new Float64Array(n).fill(1.5)", args: [10_000] });
    expect(told.what).toBe("stored");
    expect(told.value).toEqual(new Float64Array(10_000).fill(1.5));
    expect(harness.arena.usedBytes).toBeGreaterThanOrEqual(80_000);
    harness.store.drop(7 as never);
    expect(harness.arena.usedBytes).toBe(0);
  });

  it("refuses a result for which the arena has no room, and goes on", async () => {
    const small = await start({ arenaBytes: 1024 * 1024 });
    const told = await small.outcome({ task: 1, fn: "() => new Uint8Array(2_000_000)" });
    expect(told.failure?.code).toBe("FLOCK_OUT_OF_MEMORY");
    expect(await small.outcome({ task: 2, fn: "() => 5" })).toMatchObject({ value: 5 });
    expect(small.arena.usedBytes).toBe(0);
  });

  it("decodes arena inputs in place, once for all tasks of the slot, and frozen", async () => {
    harness.keep(50, { matrix: new Float64Array([1, 2, 3]), names: ["a"] });
    const look = {
      fn: "(x) => { globalThis.seen ??= x; return [x === globalThis.seen, Object.isFrozen(x.names), x.matrix.buffer instanceof SharedArrayBuffer, x.matrix[1]]; }",
    };
    const args = [input(0)];
    expect((await harness.outcome({ task: 1, ...look, args, inputs: [50] })).value).toEqual([true, true, true, 2]);
    expect((await harness.outcome({ task: 2, ...look, args, inputs: [50] })).value).toEqual([true, true, true, 2]);
  });

  it("does not take new bytes of a task for the old ones", async () => {
    const first = { fn: "(x) => x[0]", args: [input(0)], inputs: [50] };
    harness.keep(50, ["old"]);
    expect((await harness.outcome({ task: 1, ...first })).value).toBe("old");
    harness.store.drop(50 as never);
    harness.keep(50, ["new"]);
    expect((await harness.outcome({ task: 2, ...first })).value).toBe("new");
  });

  it("holds an input's memory while a task reads it, and gives it back after", async () => {
    harness.keep(50, new Float64Array(1000));
    harness.run([{ task: 1, fn: "(x) => x.length", args: [input(0)], inputs: [50] }]);
    harness.store.drop(50 as never);
    expect(harness.arena.usedBytes).toBeGreaterThan(0);
    expect(await harness.next("finished", 1)).toMatchObject({ value: 1000 });
    expect(harness.arena.usedBytes).toBe(0);
  });

  it("copies a result that is an argument", async () => {
    harness.keep(50, new Float64Array(1000).fill(3));
    const told = await harness.outcome({ task: 1, fn: "(x) => x", args: [input(0)], inputs: [50] });
    expect(told.what).toBe("stored");
    const lease = harness.store.lease(50 as never)!;
    (decodeValue(lease.bytes) as Float64Array).fill(0);
    expect(told.value).toEqual(new Float64Array(1000).fill(3));
  });
});

describe("what user code does wrong", () => {
  it("throws: name, message, cause and fields come back", async () => {
    const fn =
      "() => { class Bad extends TypeError {}; throw Object.assign(new Bad('no', { cause: new Error('why') }), { at: 3 }); }";
    const { failure } = await harness.outcome({ task: 1, fn });
    expect(failure).toMatchObject({ code: null, name: "Bad", message: "no", retryable: true });
    const [error] = decodeValue(failure!.error) as [Error & { at: number }, unknown];
    expect(error.message).toBe("no");
    expect((error.cause as Error).message).toBe("why");
    expect(error.at).toBe(3);
    expect(error.stack).toContain("taskflock:f");
  });

  it("throws what is no error, or an error that cannot travel", async () => {
    const odd = await harness.outcome({ task: 1, fn: "() => { throw { odd: 1 }; }" });
    expect(odd.failure?.message).toContain("{ odd: 1 }");
    const unsendable = await harness.outcome({
      task: 2,
      fn: "() => { throw Object.assign(new RangeError('held'), { socket: new WeakMap(), get boom() { throw 1; } }); }",
    });
    expect(unsendable.failure).toMatchObject({ name: expect.any(String) });
    const [error] = decodeValue(unsendable.failure!.error) as [Error, unknown];
    expect(error.message).toBe(unsendable.failure!.message);
  });

  it("returns what cannot travel: the path is named, and no retry helps", async () => {
    const { failure } = await harness.outcome({ task: 1, fn: "() => ({ x: { f() {} } })" });
    expect(failure).toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE", retryable: false });
    expect(failure?.message).toContain("result.x.f");
  });

  it("is no function: no retry helps", async () => {
    const { failure } = await harness.outcome({ task: 1, fn: "42" });
    expect(failure).toMatchObject({ code: "FLOCK_FUNCTION_NOT_SERIALIZABLE", retryable: false });
  });

  it("fails in a timer's callback while it is awaited", async () => {
    const fn = "() => new Promise(() => { setTimeout(() => { throw new Error('late'); }, 1); })";
    expect((await harness.outcome({ task: 1, fn })).failure).toMatchObject({ code: null, message: "late" });
    const rejected = "() => new Promise(() => { void Promise.reject(new Error('alone')); })";
    expect((await harness.outcome({ task: 2, fn: rejected })).failure).toMatchObject({ message: "alone" });
    expect(await harness.outcome({ task: 3, fn: "() => 1" })).toMatchObject({ value: 1 });
  });

  it("leaves something behind that fails later: the next task is not to blame", async () => {
    const fn = "() => { setTimeout(() => { throw new Error('leftover'); }, 1); return 1; }";
    expect(await harness.outcome({ task: 1, fn })).toMatchObject({ value: 1 });
    const next = "() => new Promise((done) => setTimeout(done, 30, 'fine'))";
    expect(await harness.outcome({ task: 2, fn: next })).toMatchObject({ value: "fine" });
    expect(harness.logs(1).join("\n")).toContain("leftover");
  });

  it("exits: the slot is replaced, and nothing that finished before is lost", async () => {
    harness.run([
      { task: 1, fn: "() => 'kept'" },
      { task: 2, fn: "() => process.exit(3)" },
      { task: 3, fn: "() => 'not begun'" },
    ]);
    await harness.next("replaced");
    expect(await harness.next("finished", 1)).toMatchObject({ value: "kept" });
    const { failure } = await harness.next("failed", 2);
    expect(failure).toMatchObject({ code: "FLOCK_TASK_EXITED", message: expect.stringContaining("exit code 3") });
    expect(harness.told.filter((told) => told.task === 3)).toEqual([]);
    expect(await harness.outcome({ task: 4, fn: "() => 'again'" })).toMatchObject({ value: "again" });
  });

  it("fills its heap: only its slot ends", async () => {
    const tight = await start({ heapLimitMb: 32 });
    tight.run([{ task: 1, fn: "() => { const all = []; for (;;) all.push({ x: [1, 2, 3] }); }" }]);
    await tight.next("replaced");
    expect((await tight.next("failed", 1)).failure?.code).toBe("FLOCK_TASK_OUT_OF_MEMORY");
    expect(await tight.outcome({ task: 2, fn: "() => 2" })).toMatchObject({ value: 2 });
  });

  it("changes a shared argument: told under checkArguments", async () => {
    const strict = await start({ checkArguments: true });
    strict.keep(50, new Float64Array([1, 2]));
    const told = await strict.outcome({
      task: 9,
      fn: "(x) => { x[0] = 5; return 1; }",
      args: [input(0)],
      inputs: [50],
    });
    expect(told.failure).toMatchObject({ code: "FLOCK_ARGUMENT_MUTATED", retryable: false });
    expect(told.failure?.message).toContain("task-9");
  });
});
