import {
  defaultTaskOptions,
  isFlockError,
  type RunNumber,
  TASK_GENERATIONS,
  TASK_SLOTS,
} from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Core } from "../src/machine/core.ts";
import { defaultSchedulerConfig } from "../src/machine/index.ts";
import { checkAll } from "../src/machine/invariants.ts";
import { enqueue, headOf, withdrawFromQueue } from "../src/machine/queue.ts";
import type { Task } from "../src/machine/records.ts";
import { sessionJoined } from "../src/machine/sessions.ts";
import { DONE, QUEUED, RUNNING } from "../src/machine/states.ts";
import { Stage } from "./machine-stage.ts";

function coreWithTasks(count: number): { core: Core; tasks: Task[] } {
  const core = new Core({ ...defaultSchedulerConfig, storyLines: 100 }, new Stage());
  sessionJoined(core, 1 as never, "c");
  const session = core.sessions.get(1 as never)!;
  const options = { data: defaultTaskOptions, lane: core.open };
  const run = session.runs.get(0 as RunNumber)!;
  const tasks = Array.from({ length: count }, (_, n) => core.newTask(n as never, options, run));
  return { core, tasks };
}

describe("the table of transitions", () => {
  it("refuses what is not in it, and tells the task's story", () => {
    const { core, tasks } = coreWithTasks(1);
    core.move(tasks[0]!, QUEUED, "submitted");
    let thrown: unknown;
    try {
      core.move(tasks[0]!, RUNNING, "too soon");
    } catch (error) {
      thrown = error;
    }
    expect(isFlockError(thrown, "FLOCK_INVARIANT")).toBe(true);
    expect(String(thrown)).toMatch(/queued -> running \(too soon\)[\s\S]*forgotten -> queued submitted/);
  });

  it("never lets an old id name a new task", () => {
    const { core, tasks } = coreWithTasks(2);
    const [a] = tasks;
    core.releaseSlot(a!);
    const again = core.newTask(9 as never, a!.options, a!.run);
    expect(again.id % 2 ** 24).toBe(a!.id % 2 ** 24);
    expect(core.taskById(a!.id)).toBeNull();
    expect(core.taskById(again.id)).toBe(again);
  });
});

describe("a slot", () => {
  it("whose generations are used up is not used again", () => {
    const { core, tasks } = coreWithTasks(1);
    const [task] = tasks;
    const slot = task!.id % TASK_SLOTS;
    core.releaseSlot(task!);
    core.generations[slot] = TASK_GENERATIONS - 2;
    const last = core.newTask(2 as never, task!.options, task!.run);
    expect(last.id).toBe((TASK_GENERATIONS - 1) * TASK_SLOTS + slot);
    core.releaseSlot(last);
    const next = core.newTask(3 as never, task!.options, task!.run);
    expect(next.id).toBe(TASK_SLOTS + 1);
  });
});

describe("the invariants", () => {
  it("find a task that is done without a result", () => {
    const { core, tasks } = coreWithTasks(1);
    core.move(tasks[0]!, DONE, "by mistake");
    expect(checkAll(core)).toContain("nobody refers to it");
    tasks[0]!.session.tasks.set(tasks[0]!.n, tasks[0]!);
    tasks[0]!.flags |= 64;
    tasks[0]!.refs = 1;
    expect(checkAll(core)).toContain("the result is nowhere");
  });
});

describe("a queue", () => {
  it("forgets what was withdrawn, and keeps the order of the rest", () => {
    const { core, tasks } = coreWithTasks(20_000);
    for (const [i, task] of tasks.entries()) {
      task.order = i % 3 === 0 ? -i : i;
      enqueue(core.open, task);
    }
    for (const [i, task] of tasks.entries()) if (i % 100 !== 0) withdrawFromQueue(task);
    enqueue(core.open, tasks[1]!);
    const queue = core.open.active[0]!;
    expect(queue.count).toBe(201);
    expect(queue.sorted.length + queue.heap.length).toBeLessThan(2000);
    const orders: number[] = [];
    for (let head = headOf(core.open); head !== null; head = headOf(core.open)) {
      orders.push(head.order);
      withdrawFromQueue(head);
    }
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    expect(orders).toHaveLength(201);
  });
});
