import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

/** Keys in the order in which one single-slot worker gets to run them, each taking long. */
function orderOn(stage: Stage, id: number, count: number): string[] {
  const order: string[] = [];
  let queue = stage.assigned(id);
  while (order.length < count) {
    const task = queue.shift()!;
    order.push(task.key);
    stage.finish(id, task, 10_000_000);
    queue = [...queue, ...stage.assigned(id)];
  }
  return order;
}

describe("the queue", () => {
  it("takes higher priority first, then first come first served", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { priority: 5 });
    stage.options(1, 2, { priority: -5 });
    const options = [2, 0, 1, 0, 1];
    stage.say(1, ...options.map((o, i) => stage.submission(i + 1, { options: o })));
    stage.worker(1);
    expect(orderOn(stage, 1, 5)).toEqual(["f-1-3", "f-1-5", "f-1-2", "f-1-4", "f-1-1"]);
  });

  it("goes on with what was begun before it begins something new", () => {
    const stage = new Stage();
    stage.client();
    const roots = [1, 2, 3, 4].map((n) => stage.submission(n));
    const leaves = [5, 6, 7, 8].map((n) => stage.submission(n, { deps: [n - 4] }));
    stage.say(1, ...roots, ...leaves);
    stage.worker(1);
    const order = orderOn(stage, 1, 8);
    expect(order.indexOf("f-1-5")).toBeLessThan(order.indexOf("f-1-4"));
  });

  it.each([
    ["what calls take, 1 ms", 10_000, 1000, 20],
    ["how long their results would travel, 1 ms, but for one that was given before that was known", 500_000, 20, 21],
    ["no more than one that runs and one that waits, if results are larger", 100_000_000, 20, 2],
  ])("supplies a slot for 20 ms, by %s", (_, bytes, durationUs, count) => {
    const stage = new Stage();
    stage.client();
    stage.say(1, ...Array.from({ length: 1000 }, (_, i) => stage.submission(i + 1)));
    stage.worker(1);
    const [first, ...others] = stage.assigned(1);
    stage.store(1, first!, bytes, 1, durationUs);
    expect(others.length + stage.assigned(1).length).toBe(count);
  });

  it("shares slots between runs by their weights", () => {
    const stage = new Stage();
    stage.client();
    stage.say(1, { t: "openRun", run: 1 as never, name: "a", weight: 3, steps: 0, keepMs: null });
    stage.say(1, { t: "openRun", run: 2 as never, name: "b", weight: 1, steps: 0, keepMs: null });
    const of = (run: number, from: number) =>
      Array.from({ length: 100 }, (_, i) => stage.submission(from + i, { run }));
    stage.say(1, ...of(2, 1), ...of(1, 101));
    for (let id = 1; id <= 10; id++) stage.worker(id, { slots: 3 });
    const active = (name: string) => stage.machine.runs().find((r) => r.name === name)!;
    for (let id = 1; id <= 10; id++) for (const task of stage.assigned(id)) stage.started(id, task);
    expect([active("a").counts.running, active("b").counts.running]).toEqual([30, 10]);
  });

  it("gives a resource to one task at a time, and lets others pass", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { resources: { GPU: 10_000 }, priority: 9 });
    stage.worker(1, { slots: 4, resources: { GPU: 10_000 } });
    stage.say(1, ...[1, 2, 3].map((n) => stage.submission(n, { options: n < 3 ? 1 : 0 })));
    const [gpu, plain] = stage.assigned(1);
    expect([gpu!.key, plain!.key]).toEqual(["f-1-1", "f-1-3"]);
    expect(stage.machine.workers()[0]!.resourcesUsed).toEqual({ GPU: 10_000 });
    stage.finish(1, gpu!);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-2"]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("keeps to the workers named, unless others are allowed and none of those is there", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { workers: ["w2"] });
    stage.options(1, 2, { workers: ["w2"], allowOtherWorkers: true });
    stage.worker(1, { slots: 4 });
    stage.submit(1, 1, { options: 1 });
    const notice = stage.told().find((m) => m.t === "notice");
    expect(notice!.text).toContain("FLOCK_NO_WORKER: f-1-1 asks for a worker named w2; none of the 1 workers");
    stage.submit(1, 2, { options: 2 });
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-2"]);
    stage.worker(2, { slots: 4 });
    stage.submit(1, 3, { options: 2 });
    expect(stage.assigned(2).map((a) => a.key)).toEqual(["f-1-1", "f-1-3"]);
    stage.submit(1, 4, { options: 2 });
    stage.lose(2);
    expect(stage.assigned(1).map((a) => a.key)).toEqual(["f-1-3", "f-1-4"]);
  });
});

describe("placement by data", () => {
  it("waits for the worker with the data when moving it takes longer, and lets an idle one help when it does not", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.submit(1, 1);
    // 2 s to move at 500 bytes per µs; a task takes 1 s.
    stage.store(1, stage.assigned(1)[0]!, 1_000_000_000, 1, 1_000_000);
    stage.worker(2);
    stage.say(1, ...Array.from({ length: 8 }, (_, i) => stage.submission(i + 2, { deps: [1] })));
    const here = stage.assigned(1);
    const there = stage.assigned(2);
    expect(here.map((a) => a.key)).toEqual(["f-1-2", "f-1-3"]);
    // Past two seconds of work at the first, the transfer pays; then the data is on its way there already.
    expect(there.length).toBeGreaterThan(0);
    expect(stage.machine.taskCounts().queued).toBe(8 - here.length - there.length);
    expect(stage.leftOver()).toEqual([]);
  });

  it("spreads tasks over the holders of scattered data", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2, 3, 4]) stage.worker(id);
    stage.scatter(1, 1, 50_000_000, { broadcast: true });
    for (const id of [1, 2, 3, 4]) {
      const [expected] = stage.take(id, "expect") as unknown as { task: never }[];
      expect(stage.outcomes()).toEqual([]);
      stage.tell(id, { t: "held", task: expected!.task, bytes: 50_000_000, version: 1 });
    }
    expect(stage.outcomes()).toEqual(["done 1"]);
    stage.say(1, ...Array.from({ length: 8 }, (_, i) => stage.submission(i + 2, { deps: [1] })));
    expect([1, 2, 3, 4].map((id) => stage.assigned(id).length)).toEqual([2, 2, 2, 2]);
  });
});

describe("the effort per task", () => {
  /** Looks per task for so many tasks of a few kinds on so many workers, all told; counts, not time. */
  function effort(workers: number, tasks: number, durationUs: number): number {
    const stage = new Stage();
    stage.check = "none";
    stage.client();
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.options(1, 2, { workers: ["nobody"] });
    for (let id = 1; id <= workers; id++) stage.worker(id, id % 2 === 0 ? { resources: { GPU: 10_000 } } : {});
    // What can never run is in the way of nothing.
    stage.say(1, ...Array.from({ length: 5000 }, (_, i) => stage.submission(tasks + 1 + i, { options: 2 })));
    for (let n = 1; n <= tasks; n += 500) {
      stage.say(
        1,
        ...Array.from({ length: 500 }, (_, i) => stage.submission(n + i, { options: i % 10 === 0 ? 1 : 0 })),
      );
    }
    for (let left = tasks; left > 0; ) {
      for (let id = 1; id <= workers; id++) {
        for (const task of stage.assigned(id)) {
          stage.finish(id, task, durationUs);
          left--;
        }
      }
    }
    return stage.machine.looks() / tasks;
  }

  it("does not grow with workers or tasks", () => {
    const long = effort(10, 5_000, 1_000_000);
    expect(effort(1000, 20_000, 1_000_000)).toBeLessThan(2 * long);
    expect(effort(10, 40_000, 1_000_000)).toBeLessThan(1.2 * long);
    expect(effort(1000, 20_000, 10)).toBeLessThan(2 * long);
    expect(long).toBeLessThan(8);
  });
});
