import {
  type FunctionId,
  type Micros,
  type PageSpans,
  spanEnds,
  type TaskId,
  type WorkerId,
} from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Core } from "../src/machine/core.ts";
import { defaultSchedulerConfig } from "../src/machine/index.ts";
import { SpanLog } from "../src/machine/page-spans.ts";
import type { FunctionRecord } from "../src/machine/records.ts";
import { type Assigned, Stage } from "./machine-stage.ts";
import { ask, observe } from "./page-stage.ts";

function withWorkers(count = 1, slots = 1): Stage {
  const stage = new Stage();
  observe(stage);
  stage.client();
  for (let id = 1; id <= count; id++) stage.worker(id, { slots });
  return stage;
}

function spans(stage: Stage, since = 0, limit = 8192): PageSpans {
  return ask(stage, { q: "pageSpans", since, limit });
}

function inWords({ fn, worker, durationUs, end, names }: PageSpans): string[] {
  return fn.map((id, i) => `${names[id]} ${worker[i]} ${durationUs[i]} ${spanEnds[end[i]!]}`);
}

/** Submits tasks from number `from`, and gives what the worker was sent. */
function given(stage: Stage, from: number, count: number): Assigned[] {
  stage.say(1, ...Array.from({ length: count }, (_, i) => stage.submission(from + i)));
  return stage.assigned(1);
}

function finishAll(stage: Stage, worker: number, durationUs = 10): void {
  for (let left = stage.assigned(worker); left.length > 0; left = stage.assigned(worker))
    for (const one of left) stage.finish(worker, one, durationUs);
}

describe("attempts that ended", () => {
  it("are told once each, in their order, with how they ended", () => {
    const stage = withWorkers(1, 4);
    const [a, b, c] = given(stage, 1, 4);
    stage.now = 5_000;
    stage.finish(1, a!, 700);
    stage.error(1, b!, false);
    stage.started(1, c!);
    stage.now = 65_000;
    stage.cancel(1, 3);
    const all = spans(stage);
    expect(inWords(all)).toEqual(["f 1 700 done", "f 1 10 failed", "f 1 60000 stopped"]);
    expect(all.endedAt).toEqual([5_000, 5_000, 65_000]);
    expect(all.task).toEqual([a!.task, b!.task, c!.task]);
    expect([all.last, all.missed, ask(stage, { q: "pageOverview" }).lastSpan]).toEqual([3, 0, 3]);
    expect(inWords(spans(stage, 1, 1))).toEqual(["f 1 10 failed"]);
    expect(spans(stage, 1, 1).last).toBe(2);
    expect([spans(stage, 3).task, spans(stage, 3).last, spans(stage, 99).last]).toEqual([[], 3, 3]);
  });

  it("that run now are told with their keys, the longest first", () => {
    const stage = withWorkers(1, 3);
    const [a, b] = given(stage, 1, 3);
    stage.started(1, a!);
    stage.now += 500;
    stage.started(1, b!);
    const { running, runningKeys } = spans(stage);
    expect(runningKeys).toEqual(["f-1-1", "f-1-2"]);
    expect(running.startedAt).toEqual([1_000, 1_500]);
    expect(running.task).toEqual([a!.task, b!.task]);
    stage.finish(1, a!);
    stage.stopped(1, b!.task, b!.attempt, "retiring");
    expect(spans(stage).runningKeys).toEqual([]);
    expect(inWords(spans(stage)).at(-1)).toBe("f 1 0 stopped");
  });

  it("that are short and many are summed up by worker and function; long ones are kept", () => {
    const stage = withWorkers(1, 4);
    stage.check = "touched";
    for (let n = 0; n < 2_000; n += 100) for (const one of given(stage, n + 1, 100)) stage.finish(1, one, 10);
    finishAll(stage, 1);
    const short = spans(stage);
    // What time had saved up: 100 ms of it.
    expect(short.task).toHaveLength(400);
    expect(short.skipped).toEqual({ worker: [1], fn: [short.fn[0]], count: [1_600], us: [16_000] });
    for (const one of given(stage, 5_001, 4)) stage.finish(1, one, 60_000);
    expect(inWords(spans(stage, 400)).slice(0, 4)).toEqual(Array(4).fill("f 1 60000 done"));
    // In 10 ms so many short ones are kept again.
    stage.now += 10_000;
    for (const one of given(stage, 6_001, 60)) stage.finish(1, one, 10);
    finishAll(stage, 1);
    expect(spans(stage, 404).task).toHaveLength(40);
    expect(spans(stage, 404).skipped.count).toEqual([1_620]);
  });

  it("that are summed up are said again only when more came", () => {
    const stage = withWorkers(2, 1);
    stage.check = "touched";
    stage.say(1, ...Array.from({ length: 1_000 }, (_, i) => stage.submission(i + 1)));
    for (let round = 0; round < 400; round++) {
      finishAll(stage, 1);
      finishAll(stage, 2);
    }
    const { last, skipped } = spans(stage);
    expect(skipped.worker).toEqual([1, 2]);
    stage.now += 1_000;
    stage.say(1, ...Array.from({ length: 20 }, (_, i) => stage.submission(2_001 + i)));
    stage.cut(2);
    finishAll(stage, 1);
    const later = spans(stage, last + 1).skipped;
    expect(later.worker).toEqual([1]);
    expect(later.count[0]!).toBeGreaterThan(skipped.count[0]!);
  });

  it("that are summed up give way to others when their function is forgotten", () => {
    const log = new SpanLog();
    const core = new Core(defaultSchedulerConfig, new Stage());
    const add = (fn: number): void => log.add(0 as Micros, 1 as TaskId, fn as FunctionId, 7 as WorkerId, 10, 0);
    for (let fn = 1; fn <= 20_000; fn++) add(fn);
    add(30_000);
    expect(log.page(core, 0, 1).skipped.fn).not.toContain(30_000);
    for (let fn = 1; fn <= 20_000; fn++) log.nameStays({ id: fn, name: `f${fn}` } as FunctionRecord);
    add(30_000);
    const { worker, fn, count } = log.page(core, 0, 1).skipped;
    // The first is of those that had no place.
    expect([worker, fn.slice(1), count.slice(1)]).toEqual([[0, 7], [30_000], [1]]);
  });

  it("are forgotten, the oldest first, and said to be missed", () => {
    const stage = withWorkers(1, 64);
    stage.check = "none";
    let n = 0;
    while (spans(stage, 0, 1).missed === 0) {
      for (const one of given(stage, n + 1, 1_000)) stage.finish(1, one, 60_000);
      finishAll(stage, 1, 60_000);
      stage.release(1, ...Array.from({ length: 1_000 }, (_, i) => n + 1 + i));
      n += 1_000;
      stage.now += 100_000;
    }
    const { missed, last } = spans(stage, 0, 8192);
    expect(missed + 65_536).toBe(n);
    expect(last).toBe(missed + 8192);
    expect(stage.machine.taskCounts().done).toBe(0);
  });

  it("keep the name of a function that is forgotten", () => {
    const stage = withWorkers();
    const [a] = given(stage, 1, 1);
    stage.finish(1, a!);
    stage.speakable.delete("c1");
    stage.step({ e: "clientGone", session: 1 as never });
    expect(stage.machine.clusterInfo().functions).toBe(0);
    expect(inWords(spans(stage))).toEqual(["f 1 10 done"]);
  });
});

describe("a worker that died", () => {
  it("can be asked what it did last, by its name", () => {
    const stage = withWorkers(2, 2);
    const [a, b, c] = given(stage, 1, 4);
    stage.now = 10_000;
    stage.started(1, a!);
    stage.started(1, b!);
    stage.now = 20_000;
    stage.finish(1, a!, 9_000);
    stage.now = 30_000;
    stage.lose(1, "SIGKILL");
    stage.release(1, 1);
    const life = ask(stage, { q: "pageWorker", name: "w1" });
    expect(life.worker).toBeNull();
    expect(life.gone).toHaveLength(1);
    expect(life.gone[0]).toMatchObject({ name: "w1", how: "SIGKILL", planned: false, goneAt: 30_000, finished: 1 });
    expect(life.gone[0]!.running).toEqual([{ task: b!.task, key: "f-1-3", startedAt: 10_000 }]);
    expect(life.spans.map(({ key, durationUs, end, endedAt }) => [key, durationUs, end, endedAt])).toEqual([
      ["f-1-3", 20_000, "stopped", 30_000],
      ["f-1-1", 9_000, "done", 20_000],
    ]);
    expect(c).toBeUndefined();
    expect(ask(stage, { q: "pageGone", limit: 10 }).items.map(({ name }) => name)).toEqual(["w1"]);
    expect(ask(stage, { q: "pageWorker", name: "nobody" })).toMatchObject({ worker: null, gone: [], spans: [] });
  });

  it("and came again under its name has both lives", () => {
    const stage = withWorkers();
    const [a] = given(stage, 1, 1);
    stage.finish(1, a!, 10);
    stage.lose(1, "left", true);
    stage.worker(7, { name: "w1", slots: 3 });
    const life = ask(stage, { q: "pageWorker", name: "w1" });
    expect(life.worker).toMatchObject({ worker: 7, slots: 3, hasNanny: true, silentUs: 0, occupancyUs: 0 });
    expect(life.gone.map(({ planned, worker }) => [planned, worker])).toEqual([[true, 1]]);
    expect(life.spans.map(({ key }) => key)).toEqual(["f-1-1"]);
  });

  it("keeps what it did last also when its successor has done more since", () => {
    const stage = withWorkers();
    const [a] = given(stage, 1, 1);
    stage.finish(1, a!, 10);
    stage.lose(1, "SIGKILL");
    stage.worker(7, { name: "w1" });
    given(stage, 2, 20);
    finishAll(stage, 7);
    const life = ask(stage, { q: "pageWorker", name: "w1" });
    expect(life.spans).toHaveLength(20);
    expect(life.spans.map(({ key }) => key)).not.toContain("f-1-1");
    expect(life.goneSpans.map(({ key }) => key)).toEqual(["f-1-1"]);
  });

  it("is remembered among the last 1,000, with attempts of the last 200", () => {
    const stage = withWorkers(0);
    stage.check = "touched";
    for (let id = 1; id <= 1_010; id++) {
      stage.worker(id);
      stage.submit(1, id);
      const [one] = stage.assigned(id);
      stage.finish(id, one!, 60_000);
      stage.lose(id);
      stage.now += 10;
    }
    expect(ask(stage, { q: "pageGone", limit: 1_000 }).items).toHaveLength(1_000);
    const of = (id: number): number[] => {
      const { gone, spans } = ask(stage, { q: "pageWorker", name: `w${id}` });
      return [gone.length, spans.length];
    };
    expect([of(1), of(11), of(810), of(811), of(1_010)]).toEqual([
      [0, 0],
      [1, 0],
      [1, 0],
      [1, 1],
      [1, 1],
    ]);
  });
});

describe("workers", () => {
  it("say since when they are there, how long they are silent, and how much they have before them", () => {
    const stage = withWorkers(2, 1);
    stage.now = 3_000;
    const [a] = given(stage, 1, 1);
    stage.finish(1, a!, 400);
    stage.submit(1, 2);
    const [first, second] = ask(stage, { q: "pageWorkers", workers: [] }).workers;
    expect([first!.joinedAt, first!.silentUs, second!.name]).toEqual([1_000, 2_000, "w2"]);
    const busy = [first!, second!].find(({ assigned }) => assigned > 0)!;
    expect(busy.occupancyUs).toBe(400);
    expect(ask(stage, { q: "pageWorkers", workers: [2, 9] }).workers.map(({ name }) => name)).toEqual(["w2"]);
  });
});
