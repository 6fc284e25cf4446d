import type { TaskId } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const MB = 1_000_000;
const SECOND = 1_000_000;

/** Task 1 is done, and its result lies at worker 1, which has one slot; its readers take 1 ms. */
function stored(bytes = 100 * MB): { stage: Stage; result: TaskId } {
  const stage = new Stage();
  stage.client();
  stage.define(1, 2, "read");
  stage.worker(1);
  stage.submit(1, 1);
  const [maker] = stage.assigned(1);
  stage.store(1, maker!, bytes, 1, 1000);
  stage.submit(1, 2, { fn: 2 });
  stage.finish(1, stage.assigned(1)[0]!, 1000);
  stage.told();
  return { stage, result: maker!.task };
}

function read(stage: Stage, from: number, count: number): void {
  const fields = { fn: 2, deps: [1] };
  stage.say(1, ...Array.from({ length: count }, (_, i) => stage.submission(from + i, fields)));
}

/** Everything that is assigned to the workers ends, until nothing is. */
function work(stage: Stage, ...ids: number[]): number {
  let ended = 0;
  for (let busy = true; busy; ) {
    busy = false;
    for (const id of ids) {
      for (const assigned of stage.assigned(id)) {
        stage.finish(id, assigned, 1000);
        ended++;
        busy = true;
      }
    }
  }
  return ended;
}

/** Worker `id` has got the copy that it was asked to get. */
function hold(stage: Stage, id: number, result: TaskId, bytes = 100 * MB): void {
  stage.tell(id, { t: "held", task: result, bytes, version: 1 });
}

/** Time passes; the last worker says every second that it is there. */
function wait(stage: Stage, us: number): void {
  for (let passed = 0; passed < us; passed += SECOND) {
    stage.pass(SECOND);
    stage.tell(stage.machine.workers().length, { t: "heartbeat", metrics: {} as never });
  }
}

describe("a result that many wait for at one worker", () => {
  it("is copied to a worker with a free slot, which then takes its share", () => {
    const { stage, result } = stored();
    read(stage, 10, 60);
    stage.worker(2);
    const [acquire, ...more] = stage.take(2, "acquire");
    expect(more).toEqual([]);
    expect(acquire).toMatchObject({ task: result, holders: [{ worker: 1 }] });
    // Until it is there, nothing that waits would begin earlier at worker 2.
    expect(stage.assigned(2)).toEqual([]);
    hold(stage, 2, result);
    const taken = stage.assigned(2);
    expect(taken.length).toBeGreaterThan(5);
    expect(taken[0]!.inputs[0]!.holders[0]).toMatchObject({ worker: 2 });
    for (const assigned of taken) stage.finish(2, assigned, 1000);
    expect(taken.length + work(stage, 1, 2)).toBe(60);
    expect(stage.leftOver()).toEqual([]);
  });

  it("is not copied for two, nor where it would take half of the memory", () => {
    const few = stored();
    // All but two are at worker 1 already.
    read(few.stage, 10, 22);
    expect(few.stage.machine.taskCounts().queued).toBeLessThan(3);
    few.stage.worker(2);
    expect(few.stage.take(2, "acquire")).toEqual([]);
    const large = stored(600 * MB);
    read(large.stage, 10, 60);
    large.stage.worker(2);
    expect(large.stage.take(2, "acquire")).toEqual([]);
  });

  it("is not asked for again at once where there was no room", () => {
    const { stage, result } = stored();
    read(stage, 10, 60);
    stage.worker(2);
    expect(stage.take(2, "acquire")).toHaveLength(1);
    stage.tell(2, { t: "notHeld", task: result, message: "the store is full", code: null });
    stage.pass(SECOND / 10);
    expect(stage.take(2, "acquire")).toEqual([]);
    expect(stage.machine.workers()[1]!.stored).toBe(0);
    work(stage, 1, 2);
    expect(stage.leftOver()).toEqual([]);
  });

  it("may be released while it is copied", () => {
    const { stage, result } = stored();
    read(stage, 10, 60);
    stage.worker(2);
    stage.release(1, 1, ...Array.from({ length: 60 }, (_, i) => 10 + i));
    hold(stage, 2, result);
    expect(stage.take(2, "drop")).toMatchObject([{ task: result }]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("copies that nobody asked for", () => {
  /** Five workers have the result, and nothing reads it. */
  function copied(bytes = 100 * MB): { stage: Stage; result: TaskId } {
    const { stage, result } = stored(bytes);
    for (const id of [2, 3, 4, 5]) {
      stage.worker(id);
      hold(stage, id, result, bytes);
    }
    return { stage, result };
  }
  const holders = (stage: Stage): number => stage.machine.workers().filter((w) => w.stored > 0).length;

  it("are dropped, but for two, when nothing has read the result for 10 s", () => {
    const { stage, result } = copied();
    wait(stage, 9 * SECOND);
    expect(holders(stage)).toBe(5);
    wait(stage, 11 * SECOND);
    expect(holders(stage)).toBe(2);
    const drops = [1, 2, 3, 4, 5].flatMap((id) => stage.take(id, "drop"));
    expect(drops).toEqual(new Array(3).fill({ t: "drop", task: result }));
    expect(stage.leftOver()).toEqual([]);
  });

  it("stay while a task that needs it waits or runs", () => {
    const { stage } = copied();
    read(stage, 10, 1);
    wait(stage, 60 * SECOND);
    expect(holders(stage)).toBe(5);
    expect(work(stage, 1, 2, 3, 4, 5)).toBe(1);
    wait(stage, 20 * SECOND);
    expect(holders(stage)).toBe(2);
  });

  it("go sooner where they take more than half of the memory", () => {
    const { stage } = copied(600 * MB);
    wait(stage, 6 * SECOND);
    expect(holders(stage)).toBe(2);
  });

  it("are no surplus when they were asked for", () => {
    const { stage } = copied();
    stage.say(1, { t: "ask", id: 1, question: { q: "replicate", ns: [1], copies: 4, workers: [] } } as never);
    wait(stage, 60 * SECOND);
    expect(holders(stage)).toBe(4);
  });

  it("are kept at workers that stay", () => {
    const { stage, result } = copied();
    stage.cut(1);
    stage.cut(2);
    wait(stage, 60 * SECOND);
    expect([3, 4, 5].flatMap((id) => stage.take(id, "drop"))).toHaveLength(1);
    stage.snapshot(1, { holds: [{ task: result, bytes: 100 * MB, version: 1 }] });
    stage.snapshot(2, { holds: [{ task: result, bytes: 100 * MB, version: 1 }] });
    wait(stage, 60 * SECOND);
    expect(holders(stage)).toBe(2);
  });
});

describe("data scattered to all", () => {
  it("stays at all", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2, 3, 4]) stage.worker(id);
    stage.scatter(1, 1, MB, { broadcast: true });
    for (const id of [1, 2, 3, 4]) {
      const [expected] = stage.take(id, "expect") as { task: TaskId }[];
      stage.tell(id, { t: "held", task: expected!.task, bytes: MB, version: 1 });
    }
    wait(stage, 60 * SECOND);
    expect(stage.machine.workers().map((w) => w.stored)).toEqual([1, 1, 1, 1]);
    expect(stage.leftOver()).toEqual([]);
  });
});
