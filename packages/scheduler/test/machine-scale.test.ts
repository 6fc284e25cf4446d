import type { ScaleAdvice } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { Stage } from "./machine-stage.ts";

const second = 1_000_000;

function ask<V>(stage: Stage, question: object): V {
  stage.told();
  stage.say(1, { t: "ask", id: 1, question } as never);
  const answer = stage.told().find(({ t }) => t === "answer") as { value: V; error: unknown } | undefined;
  expect(answer?.error).toBe(null);
  return answer!.value;
}

function advice(stage: Stage, targetDurationMs = 5_000, slots = 1): ScaleAdvice {
  return ask(stage, { q: "scale", targetDurationMs, slots });
}

/** A client and a worker; the function takes `us`. */
function measured(us: number, slots = 1): Stage {
  const stage = new Stage();
  stage.client();
  stage.worker(1, { slots });
  stage.submit(1, 1);
  stage.finish(1, stage.assigned(1)[0]!, us);
  return stage;
}

function submit(stage: Stage, from: number, to: number, options = 0): void {
  for (let n = from; n <= to; n++) stage.submit(1, n, { options });
}

describe("how many workers the work could use", () => {
  it("none without work, one for a little of it", () => {
    const stage = measured(1_000);
    expect(advice(stage)).toMatchObject({ workers: 1, wanted: 0, runnable: 0, workMs: 0, demands: [], mayGo: ["w1"] });
    stage.submit(1, 2);
    expect(advice(stage)).toMatchObject({ wanted: 1, runnable: 1, mayGo: [] });
    expect(stage.leftOver()).toEqual([]);
  });

  it("as many as finish it in the time that is asked for", () => {
    const stage = measured(1 * second);
    submit(stage, 2, 41);
    expect(advice(stage, 5_000)).toMatchObject({ workMs: 40_000, runnable: 40, wanted: 8 });
    expect(advice(stage, 10_000).wanted).toBe(4);
    expect(advice(stage, 100).wanted).toBe(40); // no more than there are tasks
    expect(stage.leftOver()).toEqual([]);
  });

  it("by the slots that workers have", () => {
    const stage = measured(1 * second, 4);
    submit(stage, 2, 41);
    expect(advice(stage, 5_000).wanted).toBe(2);
    expect(stage.leftOver()).toEqual([]);
  });

  it("without workers, by the slots that they would have; unknown functions take half a second", () => {
    const stage = new Stage();
    stage.client();
    submit(stage, 1, 100);
    expect(advice(stage, 5_000, 2)).toMatchObject({ workers: 0, workMs: 50_000, wanted: 5 });
    expect(stage.leftOver()).toEqual([]);
  });

  it("one for a long chain, and for data that waits for a worker", () => {
    const chain = measured(10 * second);
    for (let n = 2; n <= 200; n++) chain.submit(1, n, { deps: [n - 1] });
    expect(advice(chain)).toMatchObject({ wanted: 1, runnable: 1 });
    expect(chain.leftOver()).toEqual([]);
    const data = new Stage();
    data.client();
    data.scatter(1, 1, 100_000);
    expect(advice(data).wanted).toBe(1);
    expect(data.leftOver()).toEqual([]);
  });

  it("samples a long queue of tasks that take differently long", () => {
    const stage = measured(1 * second);
    stage.define(1, 2, "g");
    stage.submit(1, 2, { fn: 2 });
    stage.finish(1, stage.assigned(1)[0]!, 3 * second);
    for (let n = 3; n < 2003; n++) stage.submit(1, n, { fn: n % 2 === 0 ? 1 : 2 });
    const { workMs } = advice(stage);
    expect(workMs).toBeGreaterThan(3_500_000);
    expect(workMs).toBeLessThan(4_500_000);
    expect(stage.leftOver()).toEqual([]);
  });

  it("more while results fill the workers' memory", () => {
    const stage = new Stage();
    stage.client();
    stage.worker(1);
    stage.worker(2);
    submit(stage, 1, 2);
    for (const id of [1, 2]) stage.store(id, stage.assigned(id)[0]!, 700_000_000);
    expect(advice(stage)).toMatchObject({ storedBytes: 1.4e9, memoryLimitBytes: 2e9, wanted: 3, mayGo: [] });
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("tasks that only some workers can run", () => {
  it("that nobody can run: what they ask for, and how many of such workers", () => {
    const stage = measured(1 * second);
    stage.options(1, 1, { resources: { GPU: 10_000 } });
    stage.options(1, 2, { workers: ["big"] });
    submit(stage, 2, 11, 1);
    submit(stage, 12, 14, 2);
    expect(advice(stage)).toMatchObject({
      wanted: 0,
      runnable: 13,
      demands: [
        { resources: { GPU: 10_000 }, workers: [], tasks: 10, able: 0, wanted: 2 },
        { resources: {}, workers: ["big"], tasks: 3, able: 0, wanted: 1 },
      ],
    });
    expect(stage.leftOver()).toEqual([]);
  });

  it("that some can run: by what a worker has of it; a named worker is there once", () => {
    const stage = measured(10 * second);
    stage.worker(2, { name: "gpu", slots: 8, resources: { GPU: 20_000 } });
    stage.options(1, 1, { resources: { GPU: 5_000 } });
    stage.options(1, 2, { workers: ["w1"] });
    submit(stage, 2, 25, 1); // 4 run at once, 20 wait
    submit(stage, 26, 40, 2);
    const { demands } = advice(stage);
    expect(demands).toMatchObject([
      { resources: { GPU: 5_000 }, tasks: 20, able: 1, wanted: 5 },
      { workers: ["w1"], able: 1, wanted: 0 },
    ]);
    expect(stage.leftOver()).toEqual([]);
  });
});

describe("workers that could go", () => {
  it("idle ones, those that hold least first; not those without whom memory would be full", () => {
    const stage = new Stage();
    stage.client();
    for (const id of [1, 2, 3, 4]) stage.worker(id);
    submit(stage, 1, 3);
    const given = [1, 2, 3, 4].flatMap((id) => stage.assigned(id).map((task) => ({ id, task })));
    const sizes = [400_000_000, 100_000_000];
    for (const [i, bytes] of sizes.entries()) stage.store(given[i]!.id, given[i]!.task, bytes);
    const names = (index: number): string => `w${given[index]!.id}`;
    const unused = [1, 2, 3, 4].find((id) => !given.some((g) => g.id === id));
    expect(advice(stage).mayGo).toEqual([`w${unused}`, names(1), names(0)]);
    stage.finish(given[2]!.id, given[2]!.task);
    // The last one stays: somebody must hold the results.
    expect(advice(stage).mayGo).toHaveLength(3);
    expect(advice(stage).mayGo).not.toContain(names(0));
    expect(stage.leftOver()).toEqual([]);
  });

  it("never one that an actor lives at; actors that wait for a worker want one", () => {
    const stage = new Stage();
    stage.client();
    stage.options(1, 1, { isolation: "actor" });
    stage.options(1, 2, { isolation: "actor", resources: { GPU: 10_000 } });
    stage.submit(1, 1, { options: 1 });
    stage.submit(1, 2, { options: 2 });
    expect(advice(stage)).toMatchObject({ wanted: 1, runnable: 2, demands: [{ tasks: 1, able: 0, wanted: 1 }] });
    stage.worker(1);
    stage.store(1, stage.assigned(1)[0]!);
    expect(advice(stage)).toMatchObject({ wanted: 0, mayGo: [] });
    expect(ask(stage, { q: "retireIdle", workers: ["w1"], reason: "no work" })).toEqual([]);
    expect(stage.leftOver()).toEqual([]);
  });

  it("are retired when they are still idle, and named again when the question comes twice", () => {
    const stage = measured(1 * second);
    stage.worker(2);
    submit(stage, 2, 2);
    const busy = stage.assigned(1).length > 0 ? 1 : 2;
    const question = { q: "retireIdle", workers: ["w1", "w2", "w9"], reason: "no work" };
    expect(ask(stage, question)).toEqual([`w${3 - busy}`]);
    expect(ask(stage, question)).toEqual([`w${3 - busy}`]);
    expect(stage.take(busy, "retire")).toEqual([]);
    expect(stage.take(3 - busy, "retire")).toHaveLength(1);
    expect(stage.take(3 - busy, "leave")).toEqual([{ t: "leave", restart: false }]);
    expect(stage.leftOver()).toEqual([]);
  });
});
