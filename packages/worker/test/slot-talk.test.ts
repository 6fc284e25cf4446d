import type { Attempt, TaskId } from "@taskflock/protocol";
import { encodeValue } from "@taskflock/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Reports } from "../src/reports.ts";
import { Harness } from "./slot-harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = new Harness();
  await harness.slots.start();
});
afterAll(() => harness.slots.close());

const context = "globalThis[Symbol.for('taskflock.taskContext')]()";

describe.each(["thread", "process"] as const)("in a %s slot", (isolation) => {
  const base = isolation === "thread" ? 100 : 200;
  const tell = (task: number, value: unknown): void =>
    harness.slots.tell(0, task as TaskId, 1, encodeValue(value).toBytes());

  it("reports are values, and lines unless they are to be quiet", async () => {
    const task = base + 1;
    const fn = `() => { const { report } = ${context}; report({ a: [1, 2] }, { quiet: true }); report("half"); }`;
    await harness.outcome({ task, fn, isolation });
    expect(await harness.next("report", task)).toMatchObject({ value: { a: [1, 2] } });
    expect(await harness.next("report", task)).toMatchObject({ value: "half" });
    expect(await harness.next("log", task)).toMatchObject({ text: "progress half" });
  });

  it("what can only be printed is printed; what is too large is refused", async () => {
    const task = base + 2;
    const fn = `() => { const { report } = ${context}; report({ f: () => 1 }); return report(new Uint8Array(2e6)); }`;
    const { failure } = await harness.outcome({ task, fn, isolation });
    expect(failure).toMatchObject({ code: "FLOCK_TOO_LARGE" });
    expect((await harness.next("log", task)).text).toContain("progress");
    const quiet = `() => ${context}.report({ f: () => 1 }, { quiet: true })`;
    const refused = await harness.outcome({ task: base + 3, fn: quiet, isolation });
    expect(refused.failure).toMatchObject({ code: "FLOCK_NOT_SERIALIZABLE" });
  });

  it("a task hears what it is told, also what came before it listened", async () => {
    const task = base + 4;
    const fn = `async () => {
      const { onTell, report } = ${context};
      report("begun", { quiet: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
      const heard = [];
      return new Promise((resolve) => onTell((value) => {
        heard.push(value);
        if (heard.length === 1) report("one", { quiet: true });
        else resolve(heard);
      }));
    }`;
    harness.run([{ task, fn, isolation }]);
    await harness.next("report", task);
    tell(task + 50, "not its own");
    tell(task, { stop: true });
    await harness.next("report", task);
    tell(task, 2);
    expect(await harness.next("finished", task)).toMatchObject({ value: [{ stop: true }, 2] });
    await harness.next("free");
    tell(task, 3); // it has ended
  });

  it("what a listener throws fails its task", async () => {
    const task = base + 5;
    const fn = `() => { const { onTell, report } = ${context};
      onTell((value) => { throw new Error("no " + value); });
      report(0, { quiet: true });
      return new Promise(() => {}); }`;
    harness.run([{ task, fn, isolation }]);
    await harness.next("report", task);
    tell(task, "more");
    expect(await harness.next("failed", task)).toMatchObject({ failure: { message: "no more" } });
    await harness.next("free");
  });

  it("a task learns that its worker retires, whether it asks before or after", async () => {
    const fn = `async () => {
      const { retiring, report } = ${context};
      const asked = retiring.aborted;
      report(asked, { quiet: true });
      if (!asked) await new Promise((resolve) => retiring.addEventListener("abort", resolve));
      retiring.throwIfAborted();
    }`;
    harness.run([{ task: base + 6, fn, isolation }]);
    expect(await harness.next("report", base + 6)).toMatchObject({ value: false });
    harness.slots.retiring(true);
    expect(await harness.next("failed", base + 6)).toMatchObject({ failure: { code: "FLOCK_TASK_YIELDED" } });
    await harness.next("free");
    const after = await harness.outcome({ task: base + 7, fn, isolation });
    expect(after.failure).toMatchObject({ code: "FLOCK_TASK_YIELDED" });
    expect(await harness.next("report", base + 7)).toMatchObject({ value: true });
    harness.slots.retiring(false);
  });
});

describe("reports on their way", () => {
  const first = 1 as Attempt;
  const bytes = (value: number, length = 1): Uint8Array => new Uint8Array(length).fill(value);

  function limited(): { reports: Reports; sent: string[]; pass: (ms: number) => void } {
    const sent: string[] = [];
    let now = 0;
    const reports = new Reports(
      (task, attempt, data) => sent.push(`${task}.${attempt}: ${data[0]}`),
      () => now,
    );
    return {
      reports,
      sent,
      pass: (ms) => {
        now += ms;
        reports.linkUp(false); // looks at all, as its timer does
      },
    };
  }

  it("come at once, then the latest of those that came too soon", () => {
    const { reports, sent, pass } = limited();
    for (const value of [1, 2, 3]) reports.add(5 as TaskId, first, bytes(value));
    expect(sent).toEqual(["5.1: 1"]);
    pass(60);
    expect(sent).toEqual(["5.1: 1", "5.1: 3"]);
    pass(60);
    expect(reports.any).toBe(false);
    reports.close();
  });

  it("pause the longer the larger they are, and go before the outcome all the same", () => {
    const { reports, sent, pass } = limited();
    reports.add(5 as TaskId, first, bytes(1, 1_000_000));
    reports.add(5 as TaskId, first, bytes(2));
    pass(100);
    expect(sent).toEqual(["5.1: 1"]);
    reports.ended(5 as TaskId);
    expect(sent).toEqual(["5.1: 1", "5.1: 2"]);
    expect(reports.any).toBe(false);
    reports.close();
  });

  it("wait for the link; those of another scheduler's tasks are dropped", () => {
    const { reports, sent, pass } = limited();
    reports.linkDown();
    for (const value of [1, 2]) reports.add(5 as TaskId, first, bytes(value));
    expect(sent).toEqual([]);
    pass(0);
    expect(sent).toEqual(["5.1: 2"]);
    reports.linkDown();
    reports.add(6 as TaskId, first, bytes(3));
    reports.linkUp(true);
    expect(sent).toEqual(["5.1: 2"]);
    reports.close();
  });
});
