// A task that asks for much of a resource is not passed for ever by lesser ones that ask for a little.

import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const WHOLE = 1;
const HALF = 2;
const EQUAL = 3;

/** Whole devices have the priority 5, halves 0; and halves as urgent as the whole ones. */
function begin(): Stage {
  const stage = new Stage();
  stage.client();
  stage.options(1, WHOLE, { resources: { GPU: 10_000 }, priority: 5 });
  stage.options(1, HALF, { resources: { GPU: 5_000 } });
  stage.options(1, EQUAL, { resources: { GPU: 5_000 }, priority: 5 });
  return stage;
}
const gpu = (amount = 10_000): { slots: number; resources: { GPU: number } } => ({
  slots: 8,
  resources: { GPU: amount },
});
function submitMany(stage: Stage, options: number, first: number, count: number): void {
  stage.say(1, ...Array.from({ length: count }, (_, i) => stage.submission(first + i, { options })));
}
const keys = (tasks: readonly { key: string }[]): string[] => tasks.map(({ key }) => key);

describe("a worker is saved for what waits for more than is free", () => {
  it("halves of lower priority do not pass it for ever", () => {
    const stage = begin();
    stage.worker(1, gpu());
    submitMany(stage, HALF, 1, 20);
    const [first, second] = stage.assigned(1);
    stage.submit(1, 100, { options: WHOLE });
    stage.finish(1, first!);
    expect(stage.assigned(1)).toEqual([]);
    stage.finish(1, second!);
    const [whole] = stage.assigned(1);
    expect(whole!.key).toBe("f-1-100");
    stage.finish(1, whole!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-3", "f-1-4"]);
  });

  it("only one: elsewhere they go on", () => {
    const stage = begin();
    stage.worker(1, gpu());
    stage.worker(2, gpu());
    submitMany(stage, HALF, 1, 20);
    const [a, b] = [stage.assigned(1), stage.assigned(2)];
    expect([a.length, b.length]).toEqual([2, 2]);
    stage.submit(1, 100, { options: WHOLE });
    stage.finish(1, a[0]!);
    stage.finish(2, b[0]!);
    const more = [stage.assigned(1), stage.assigned(2)];
    expect(more.map((given) => given.length).sort()).toEqual([0, 1]);
    const saved = more[0]!.length === 0 ? 1 : 2;
    stage.finish(saved, (saved === 1 ? a : b)[1]!);
    expect(keys(stage.assigned(saved))).toEqual(["f-1-100"]);
  });

  it("what is left beside what it needs is free for all", () => {
    const stage = begin();
    stage.worker(1, gpu(20_000));
    submitMany(stage, HALF, 1, 20);
    const running = stage.assigned(1);
    expect(running).toHaveLength(4);
    stage.options(1, 9, { resources: { GPU: 15_000 }, priority: 5 });
    stage.submit(1, 100, { options: 9 });
    stage.finish(1, running[0]!);
    stage.finish(1, running[1]!);
    expect(stage.assigned(1)).toEqual([]);
    stage.finish(1, running[2]!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-100"]);
    stage.finish(1, running[3]!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-5"]);
  });

  it("tasks as urgent, and tasks that ask for nothing of it, do not wait", () => {
    const stage = begin();
    stage.worker(1, gpu());
    submitMany(stage, HALF, 1, 4);
    const [first] = stage.assigned(1);
    stage.submit(1, 100, { options: WHOLE });
    stage.submit(1, 101, { options: EQUAL });
    stage.submit(1, 102);
    expect(keys(stage.assigned(1))).toEqual(["f-1-102"]);
    stage.finish(1, first!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-101"]);
  });

  it("ends when the task is cancelled, when it begins elsewhere, and with the worker", () => {
    const stage = begin();
    stage.worker(1, gpu());
    submitMany(stage, HALF, 1, 20);
    const [first, second] = stage.assigned(1);
    stage.submit(1, 100, { options: WHOLE });
    stage.finish(1, first!);
    expect(stage.assigned(1)).toEqual([]);
    stage.cancel(1, 100);
    expect(keys(stage.assigned(1))).toEqual(["f-1-3"]);
    stage.submit(1, 101, { options: WHOLE });
    stage.finish(1, second!);
    expect(stage.assigned(1)).toEqual([]);
    stage.worker(2, gpu());
    expect(keys(stage.assigned(2))).toEqual(["f-1-101"]);
    expect(keys(stage.assigned(1))).toEqual(["f-1-4"]);
    stage.submit(1, 102, { options: WHOLE });
    stage.lose(1);
    stage.worker(3, gpu());
    expect(keys(stage.assigned(3))).toEqual(["f-1-102"]);
  });

  it("does not wait for what an actor keeps", () => {
    const stage = begin();
    stage.options(1, 9, { isolation: "actor", resources: { GPU: 5_000 } });
    stage.worker(1, gpu());
    stage.submit(1, 50, { options: 9 });
    const [actor] = stage.assigned(1);
    stage.store(1, actor!, 0, 1);
    submitMany(stage, HALF, 1, 3);
    const [half] = stage.assigned(1);
    stage.submit(1, 100, { options: WHOLE });
    stage.finish(1, half!);
    expect(keys(stage.assigned(1))).toEqual(["f-1-2"]);
  });
});
