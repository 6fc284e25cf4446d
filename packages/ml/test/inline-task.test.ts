// A task in this process and its owner talk, as on a cluster.

import { describe, expect, it } from "vitest";
import { InlineExecutor, type SubmitOptions } from "../src/index.ts";
import { type TaskHere, taskHere } from "../src/task-here.ts";

function here(): TaskHere {
  const found = taskHere();
  if (found === undefined) throw new Error("not in a task");
  return found;
}

/** Sums what it is told, reports each sum, and ends with a zero. */
async function sums(): Promise<number[]> {
  const all: number[] = [];
  await new Promise<void>((resolve) => {
    here().onTell((value) => {
      if (value === 0) resolve();
      else all.push(value as number);
      here().report({ all });
    });
    here().report("begun");
  });
  return all;
}

class Reports {
  readonly heard: unknown[] = [];
  #wake: () => void = () => {};
  readonly options: SubmitOptions = {
    onReport: (report) => {
      this.heard.push(report);
      this.#wake();
    },
  };
  async upTo(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((wake) => (this.#wake = wake));
  }
}

describe("a task in this process", () => {
  it("reports copies, and hears what it is told", async () => {
    const reports = new Reports();
    const handle = new InlineExecutor().submit(sums, [], reports.options);
    expect(await handle.tell(9)).toBe(false); // it has not begun
    await reports.upTo(1);
    expect(await handle.tell(1)).toBe(true);
    await handle.tell(2);
    await handle.tell(0);
    expect(await handle.result()).toEqual([1, 2]);
    expect(reports.heard).toEqual(["begun", { all: [1] }, { all: [1, 2] }, { all: [1, 2] }]);
    expect(await handle.tell(3)).toBe(false);
    expect(taskHere()).toBeUndefined();
  });

  it("hears later what it was told before it listened, and nothing once it has ended that", async () => {
    const reports = new Reports();
    const handle = new InlineExecutor().submit(
      async () => {
        const { onTell, report } = here();
        report("begun");
        await new Promise((next) => setImmediate(next));
        const heard: unknown[] = [];
        const end = onTell((value) => heard.push(value));
        end();
        report("deaf");
        await new Promise((resolve) => onTell(resolve));
        return heard;
      },
      [],
      reports.options,
    );
    await reports.upTo(1);
    await handle.tell("early");
    await reports.upTo(2);
    await handle.tell("late");
    expect(await handle.result()).toEqual(["early"]);
  });

  it("fails with what its listener throws", async () => {
    const reports = new Reports();
    const handle = new InlineExecutor().submit(
      () => {
        here().onTell((value) => {
          throw new RangeError(`no ${value}`);
        });
        here().report("begun");
        return new Promise(() => {});
      },
      [],
      reports.options,
    );
    await reports.upTo(1);
    expect(await handle.tell("more")).toBe(true);
    await expect(handle.result()).rejects.toThrow("no more");
  });

  it("sees its cancellation by its signal; each of two tasks has surroundings of its own", async () => {
    const executor = new InlineExecutor();
    const reports = new Reports();
    const waiting = executor.submit(
      async () => {
        here().report("begun");
        await new Promise((resolve) => here().signal.addEventListener("abort", resolve));
        here().signal.throwIfAborted();
      },
      [],
      reports.options,
    );
    const named = executor.submit(function second() {
      return { key: here().task.key, aborted: here().signal.aborted, retires: here().retiring.aborted };
    }, []);
    await reports.upTo(1);
    await waiting.cancel("enough");
    await expect(waiting.result()).rejects.toMatchObject({ code: "FLOCK_CANCELLED", message: "enough" });
    expect(await named.result()).toEqual({ key: "second", aborted: false, retires: false });
  });
});
