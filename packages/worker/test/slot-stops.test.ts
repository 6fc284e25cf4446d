import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Harness, input, type Wanted } from "./slot-harness.ts";

const open: Harness[] = [];

async function start(options?: ConstructorParameters<typeof Harness>[0]): Promise<Harness> {
  const started = new Harness(options);
  open.push(started);
  await started.slots.start();
  return started;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ slots }) => slots.close()));
});

/** Says "here" in its log once it runs. */
const spinning = "() => { console.log('here'); for (;;); }";
const patient =
  "() => { const { signal } = globalThis[Symbol.for('taskflock.taskContext')](); console.log('here');" +
  " return new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason))); }";

describe.each(["thread", "process"] as const)("stopping code in a %s slot", (isolation) => {
  const here = async (harness: Harness, item: Wanted): Promise<void> => {
    harness.run([{ ...item, isolation }]);
    await harness.next("log", item.task);
  };

  it("tells the code by its AbortSignal", async () => {
    const harness = await start();
    await here(harness, { task: 1, fn: patient });
    harness.slots.abort(0, 1 as never, "cancelled");
    expect((await harness.next("failed", 1)).failure?.code).toBe("FLOCK_CANCELLED");
    await harness.next("free");
    await here(harness, { task: 2, fn: patient });
    harness.slots.abort(0, 2 as never, "timeout");
    expect((await harness.next("failed", 2)).failure?.code).toBe("FLOCK_TIMEOUT");
  });

  it("says whether the code listens to its AbortSignal, when it runs", async () => {
    const harness = await start();
    await here(harness, { task: 1, fn: spinning });
    expect(harness.slots.abort(0, 1 as never, "cancelled")).toBe(true);
    harness.slots.end(0, "cancelled");
    await harness.next("replaced");
    await here(harness, { task: 2, fn: patient });
    expect(harness.slots.abort(0, 2 as never, "cancelled")).toBe(false);
    await harness.next("failed", 2);
    expect(harness.slots.abort(0, 3 as never, "cancelled")).toBe(false);
  });

  it("ends code that never returns, and goes on", async () => {
    const harness = await start();
    await here(harness, { task: 1, fn: spinning, timeoutMs: 40 });
    harness.slots.end(0, "timeout");
    const { failure } = await harness.next("failed", 1);
    expect(failure).toMatchObject({ code: "FLOCK_TIMEOUT", message: expect.stringContaining("40 ms") });
    await harness.next("replaced");
    expect(await harness.outcome({ task: 2, fn: "() => 2", isolation })).toMatchObject({ value: 2 });
  });

  it("replaces a slot that exits", async () => {
    const harness = await start();
    harness.run([{ task: 1, fn: "() => process.exit(4)", isolation }]);
    const { failure } = await harness.next("failed", 1);
    expect(failure).toMatchObject({ code: "FLOCK_TASK_EXITED", message: expect.stringContaining("exit code 4") });
    await harness.next("replaced");
    expect(await harness.outcome({ task: 2, fn: "() => 2", isolation })).toMatchObject({ value: 2 });
  });

  it("answers for a slot that is free already", async () => {
    const harness = await start();
    harness.slots.end(0, "cancelled");
    await harness.next("replaced");
    expect(await harness.outcome({ task: 1, fn: "() => 1", isolation })).toMatchObject({ value: 1 });
  });
});

it("that is closed while its thread is replaced is not broken", async () => {
  const harness = await start();
  harness.run([{ task: 1, fn: "() => process.exit(3)" }]);
  await harness.next("failed", 1);
  await harness.slots.close();
  // What the new thread's end causes has been told by now.
  await new Promise((resolve) => setImmediate(resolve));
  expect(harness.told.filter(({ what }) => what === "broken")).toEqual([]);
});

describe("a batch", () => {
  it("does not begin an item that was cancelled before its turn", async () => {
    const harness = await start();
    harness.run([
      { task: 1, fn: "() => new Promise((done) => setTimeout(done, 20))" },
      { task: 2, fn: "() => { throw new Error('must not run'); }" },
      { task: 3, fn: "() => 3" },
    ]);
    harness.slots.abort(0, 2 as never, "cancelled");
    expect((await harness.next("failed", 2)).failure?.code).toBe("FLOCK_CANCELLED");
    expect(await harness.next("finished", 3)).toMatchObject({ value: 3 });
  });

  it("tells what finished and what began while it still runs", async () => {
    const harness = await start();
    harness.run([
      { task: 1, fn: "() => 1" },
      { task: 2, fn: spinning },
    ]);
    expect(await harness.next("finished", 1)).toMatchObject({ value: 1 });
    await harness.next("started", 2);
    harness.slots.end(0, "cancelled");
    expect((await harness.next("failed", 2)).failure?.code).toBe("FLOCK_CANCELLED");
    await harness.next("replaced");
  });

  it("does not blame an item that began unnoticed when the slot is ended", async () => {
    const harness = await start();
    harness.run([
      { task: 1, fn: "() => 1" },
      { task: 2, fn: spinning },
    ]);
    await harness.next("log", 2);
    // What is ended is whatever the machine knows of; that item 2 runs was not told yet, or is.
    const knew = harness.told.some((told) => told.what === "started" && told.task === 2);
    harness.slots.end(0, "cancelled");
    await harness.next("replaced");
    expect(await harness.next("finished", 1)).toMatchObject({ value: 1 });
    expect(harness.told.some((told) => told.what === "failed" && told.task === 2)).toBe(knew);
  });

  it("gives back memory that an ended task had asked for", async () => {
    const harness = await start();
    harness.keep(50, new Float64Array(1000));
    const kept = harness.arena.usedBytes;
    harness.run([{ task: 1, fn: spinning, args: [input(0)], inputs: [50] }]);
    await harness.next("log", 1);
    harness.slots.end(0, "cancelled");
    await harness.next("replaced");
    expect(harness.arena.usedBytes).toBe(kept);
    harness.store.drop(50 as never);
    expect(harness.arena.usedBytes).toBe(0);
  });
});

describe("native code", () => {
  it("that holds a thread makes the worker replaceable, and keeps its memory until it lets go", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskflock-"));
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const harness = await start();
    harness.keep(50, new Float64Array(1000));
    const reads = `() => require('node:fs').readFileSync(${JSON.stringify(pipe)}, 'utf8')`;
    harness.run([{ task: 1, fn: reads, inputs: [50] }]);
    // Succeeds once the thread has opened the pipe; one native call opens it and waits for what is never written.
    const writer = await vi.waitFor(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), 10_000);
    harness.slots.end(0, "timeout");
    await harness.next("stuck");
    expect((await harness.next("failed", 1)).failure?.code).toBe("FLOCK_TIMEOUT");
    await harness.next("replaced");
    expect(await harness.outcome({ task: 2, fn: "() => 2" })).toMatchObject({ value: 2 });
    harness.store.drop(50 as never);
    expect(harness.arena.usedBytes).toBeGreaterThan(0);
    closeSync(writer);
    await vi.waitFor(() => expect(harness.arena.usedBytes).toBe(0), 10_000);
    rmSync(folder, { recursive: true });
  });
});
