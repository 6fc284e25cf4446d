import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { amountIn } from "../src/machine/resources.ts";
import { Stage } from "./machine-stage.ts";
import { World } from "./machine-world.ts";

const GPU = { GPU: 10_000 };

function stageWith(...options: Parameters<Stage["options"]>[2][]): Stage {
  const stage = new Stage();
  stage.client();
  for (const [i, data] of options.entries()) stage.options(1, i + 1, data);
  return stage;
}

function submitMany(stage: Stage, count: number, options: number, first = 1): void {
  stage.say(1, ...Array.from({ length: count }, (_, i) => stage.submission(first + i, { options })));
}

const used = (stage: Stage): number[] => stage.machine.workers().map((w) => w.resourcesUsed["GPU"] ?? 0);

describe("resources", () => {
  it("that nobody has are none, whatever they are called", () => {
    expect(["GPU", "constructor", "__proto__", "MEM"].map((name) => amountIn(GPU, name))).toEqual([10_000, 0, 0, 0]);
  });

  it("forty tasks of a GPU each on two workers: two run, 38 are queued here; a third worker gets one at once", () => {
    const stage = stageWith({ resources: GPU });
    stage.worker(1, { slots: 4, resources: GPU });
    stage.worker(2, { slots: 4, resources: GPU });
    submitMany(stage, 40, 1);
    const given = [...stage.assigned(1), ...stage.assigned(2)];
    expect(given).toHaveLength(2);
    stage.started(1, given[0]!);
    stage.started(2, given[1]!);
    expect(stage.machine.taskCounts()).toMatchObject({ queued: 38, assigned: 0, running: 2 });
    stage.worker(3, { slots: 4, resources: GPU });
    const [third] = stage.assigned(3);
    expect(third!.key).toBe("f-1-3");
    expect(stage.machine.taskCounts()).toMatchObject({ queued: 37, assigned: 1, running: 2 });
    stage.finish(1, given[0]!);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-4"]);
    // What runs where is taken; a task without a wish passes all of them.
    stage.submit(1, 100);
    const open = [1, 2, 3].flatMap((id) => stage.assigned(id));
    expect(open.map((a) => a.key)).toEqual(["f-1-100"]);
    expect(used(stage)).toEqual([10_000, 10_000, 10_000]);
    expect(stage.leftOver()).toEqual([]);
  });

  it.each([
    ["halves", 5_000, 2],
    ["thirds, the last part of which serves nobody", 3_333, 3],
    ["quarters", 2_500, 4],
    ["more than a half", 5_001, 1],
  ])("in fractions: %s", (_, amount, most) => {
    const stage = stageWith({ resources: { GPU: amount } });
    stage.worker(1, { slots: 8, resources: GPU });
    submitMany(stage, 20, 1);
    let running = stage.assigned(1);
    for (let left = 20; left > 0; left--) {
      expect(running).toHaveLength(Math.min(most, left));
      stage.finish(1, running[0]!);
      running = [...running.slice(1), ...stage.assigned(1)];
    }
    expect(used(stage)).toEqual([0]);
  });

  it("several at once: each of them bounds", () => {
    const stage = stageWith({ resources: { GPU: 5_000, MEM: 40_000 } }, { resources: { MEM: 20_000 } });
    stage.worker(1, { slots: 8, resources: { GPU: 20_000, MEM: 100_000 } });
    submitMany(stage, 5, 1);
    const big = stage.assigned(1);
    expect(big).toHaveLength(2); // 80,000 of MEM; GPU were enough for four
    submitMany(stage, 5, 2, 10);
    expect(stage.assigned(1)).toHaveLength(1);
    expect(stage.machine.workers()[0]!.resourcesUsed).toEqual({ GPU: 10_000, MEM: 100_000 });
    stage.finish(1, big[0]!);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-3"]);
  });

  it("come back from tasks that are cancelled, fail, time out, or die with their worker", () => {
    const stage = stageWith({ resources: GPU, retries: 1 }, { resources: GPU, deadlineMs: 10 });
    stage.worker(1, { slots: 2, resources: GPU });
    submitMany(stage, 3, 1);
    const [first] = stage.assigned(1);
    stage.started(1, first!);
    stage.cancel(1, 1);
    const [second] = stage.assigned(1);
    expect(second!.key).toBe("f-1-2");
    stage.error(1, second!);
    const [again] = stage.assigned(1);
    stage.worker(2, { slots: 2, resources: GPU });
    stage.lose(1);
    expect(used(stage)).toEqual([10_000]);
    const [third] = stage.assigned(2);
    expect(new Set([again!.key, third!.key])).toEqual(new Set(["f-1-2", "f-1-3"]));
    stage.finish(2, third!);
    stage.finish(2, stage.assigned(2)[0]!);
    stage.submit(1, 9, { options: 2 });
    stage.pass(10_000);
    expect(used(stage)).toEqual([0]);
    // Counted out once: what the worker says late of the stopped ones changes nothing.
    stage.stopped(2, stage.assigned(2)[0]!.task, 1 as never, "cancelled");
    expect(used(stage)).toEqual([0]);
  });

  it("stay taken at a worker whose link is cut, by what runs there", () => {
    const stage = stageWith({ resources: GPU });
    stage.worker(1, { slots: 2, resources: GPU });
    submitMany(stage, 2, 1);
    const [task] = stage.assigned(1);
    stage.started(1, task!);
    stage.cut(1);
    stage.snapshot(1, { tasks: [{ task: task!.task, attempt: task!.attempt, running: true }] });
    expect(stage.assigned(1)).toEqual([]);
    expect(used(stage)).toEqual([10_000]);
    stage.finish(1, task!);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-2"]);
  });

  it("do not drift, whatever happens", () => {
    const tapes = fc.array(fc.nat(2 ** 30), { minLength: 50, maxLength: 400 });
    const property = fc.property(tapes, (tape) => {
      const world = new World();
      for (const choice of [101, 102, 10]) world.act(choice);
      for (const choice of tape) world.act(choice); // after each step: free = all - taken, and never less than none
      world.quiesce();
      for (const { assigned, running, resourcesUsed } of world.stage.machine.workers()) {
        expect({ assigned, running }).toEqual({ assigned: 0, running: 0 });
        expect(Object.values(resourcesUsed).filter((amount) => amount !== 0)).toEqual([]);
      }
      expect(world.stage.machine.runs().filter((run) => run.counts.running > 0)).toEqual([]);
    });
    fc.assert(property, { seed: 20261121, numRuns: 300 });
  });
});

describe("between clients", () => {
  it("the higher priority goes first, whoever submitted it", () => {
    const stage = stageWith();
    stage.client(2);
    stage.options(2, 1, { priority: 1 });
    submitMany(stage, 3, 0);
    stage.say(2, ...[1, 2].map((n) => stage.submission(n, { options: 1 })));
    stage.worker(1);
    const order: string[] = [];
    for (let queue = stage.assigned(1); queue.length > 0; queue = [...queue.slice(1), ...stage.assigned(1)]) {
      order.push(queue[0]!.key);
      stage.finish(1, queue[0]!, 10_000_000);
    }
    expect(order).toEqual(["f-2-1", "f-2-2", "f-1-1", "f-1-2", "f-1-3"]);
  });

  it("equal priorities share the slots by the weights of their runs, also where a resource is short", () => {
    const stage = stageWith({ resources: GPU });
    stage.say(1, { t: "openRun", run: 1 as never, name: "a", weight: 3, steps: 0, keepMs: null });
    stage.say(1, { t: "openRun", run: 2 as never, name: "b", weight: 1, steps: 0, keepMs: null });
    for (const [run, first] of [
      [2, 1],
      [1, 101],
    ] as const) {
      stage.say(1, ...Array.from({ length: 40 }, (_, i) => stage.submission(first + i, { run, options: 1 })));
    }
    for (let id = 1; id <= 8; id++) stage.worker(id, { slots: 4, resources: GPU });
    for (let id = 1; id <= 8; id++) for (const task of stage.assigned(id)) stage.started(id, task);
    const running = (name: string) => stage.machine.runs().find((run) => run.name === name)!.counts.running;
    expect([running("a"), running("b")]).toEqual([6, 2]);
  });
});
