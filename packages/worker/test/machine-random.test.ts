// Any order of what may happen leaves the machine consistent (the bench checks after each event), and nothing behind.

import type { Attempt, Input, PayloadRef, TaskId } from "@taskflock/protocol/words";
import fc from "fast-check";
import { expect, test } from "vitest";
import { from, holder, MachineBench, send } from "./machine-bench.ts";

type Draw = (below: number) => number;

function input(bench: MachineBench, draw: Draw, task: number): Input {
  const kind = draw(3);
  if (kind === 0) return from(task);
  if (kind === 1) return from(task, ...Array.from({ length: 1 + draw(2) }, (_, i) => 3 + i));
  return { task: task as TaskId, bytes: 5, inline: bench.payload(), holders: [] };
}

function someTask(draw: Draw): TaskId {
  return (1 + draw(12)) as TaskId;
}

/** Data that clients upload is never an attempt's result, but may be dropped, acquired and read. */
function scattered(draw: Draw): TaskId {
  return (11 + draw(3)) as TaskId;
}

const actions: ((bench: MachineBench, draw: Draw) => void)[] = [
  (bench, draw) => {
    const task = (1 + draw(10)) as TaskId;
    const inputs = new Set(Array.from({ length: draw(3) }, () => 1 + draw(12)).filter((t) => t !== task));
    const assign = bench.assign(task, {
      attempt: (1 + draw(3)) as Attempt,
      inputs: [...inputs].map((t) => input(bench, draw, t)),
      order: draw(10),
      expectedUs: draw(2) * 10,
      timeoutMs: draw(4) === 0 ? 5 : 0,
      cancelGraceMs: draw(2) * 5,
      solo: draw(5) === 0,
      gpu: draw(3) === 0 ? [2_500, 6_000, 10_000, 15_000, 20_000][draw(5)]! : 0,
    });
    bench.say(assign);
  },
  (bench, draw) => {
    const why = draw(2) === 0 ? "cancelled" : "stolen";
    bench.say({ t: "stop", task: someTask(draw), attempt: (1 + draw(3)) as Attempt, why });
  },
  (bench, draw) => bench.say({ t: "drop", task: someTask(draw) }),
  (bench, draw) =>
    bench.say({ t: "acquire", task: someTask(draw), bytes: 9, holders: draw(3) === 0 ? [] : [holder(3)] }),
  (bench, draw) => bench.say({ t: "expect", task: scattered(draw), bytes: 9 }),
  (bench, draw) => bench.say(send(bench, 1 + draw(3))),
  (bench, draw) => {
    const slot = draw(bench.slots.length);
    const state = bench.slots[slot];
    if (state === undefined || state.items.length === 0) return;
    if (bench.lacksInput(slot)) bench.giveBack(slot);
    else if (draw(3) === 0) bench.fail(slot);
    else bench.finish(slot, draw(2) === 0 ? 10 : 500);
  },
  (bench, draw) => {
    const slot = draw(bench.slots.length);
    const first = bench.slots[slot]?.items[0]?.assign;
    if (first !== undefined && !bench.lacksInput(slot))
      bench.event({ e: "itemStarted", slot, task: first.task, attempt: first.attempt });
  },
  (bench, draw) => {
    const slot = draw(bench.slots.length);
    // told so, or, now and then, by itself
    if (bench.slots[slot]?.ending !== null || draw(4) === 0) bench.replace(slot);
  },
  (bench, draw) => {
    const [fetch] = [...bench.fetches].slice(draw(Math.max(1, bench.fetches.size)));
    if (fetch === undefined) return;
    const [task, at] = fetch;
    bench.fetches.delete(task);
    if (draw(2) === 0) {
      bench.stored.set(task, 500);
      bench.event({ e: "fetched", task, bytes: 500 });
    } else bench.event({ e: "fetchFailed", task, holder: at, full: draw(4) === 0, why: "gone" });
  },
  (bench, draw) => {
    const [task] = bench.uploads;
    if (task === undefined) return;
    bench.uploads.delete(task);
    if (draw(2) === 0) {
      bench.stored.set(task, 500);
      bench.event({ e: "uploaded", task, bytes: 500 });
    } else bench.event({ e: "uploadFailed", task, message: "cut", code: null });
  },
  (bench, draw) => {
    bench.now += draw(10_000);
    if (bench.alarm !== null && bench.alarm <= bench.now) bench.event({ e: "woken" });
  },
  (bench, draw) => {
    if (draw(4) !== 0) return;
    bench.event({ e: "linkDown" });
    bench.event({ e: "linkUp", fresh: draw(3) === 0, inlineLimitBytes: 100, snapshotPending: false });
  },
  (bench, draw) => {
    if (draw(8) === 0) bench.say({ t: "retire" });
  },
];

/** Ends the run: a fresh scheduler wants nothing of what is here. */
function settle(bench: MachineBench): void {
  bench.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
  for (const [slot, state] of bench.slots.entries())
    if (state.items.length > 0 || state.ending !== null) bench.replace(slot);
}

test.each([7, 303])("random events, seed %i", (seed) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(2 ** 30), { minLength: 100, maxLength: 1000, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      (numbers, slots) => {
        const bench = new MachineBench({ slots, devices: 2, maxFetches: 2, maxBatch: 3, storyLines: 200 });
        let next = 0;
        const draw: Draw = (below) => (numbers[next++] ?? 0) % below;
        while (next < numbers.length) actions[draw(actions.length)]?.(bench, draw);
        settle(bench);
        expect(bench.leftOver()).toEqual([]);
        expect(bench.sent.at(-1)?.t).toBe("snapshot");
        expect(bench.slots.every((s) => s.items.length === 0)).toBe(true);
      },
    ),
    { seed, numRuns: 1000 },
  );
});

test("nothing leaks a payload that a frame brought after the end", () => {
  const bench = new MachineBench();
  bench.say({ t: "leave", restart: false });
  bench.say(
    bench.assign(1, { inputs: [{ task: 2 as TaskId, bytes: 1, inline: bench.payload() as PayloadRef, holders: [] }] }),
  );
  expect(bench.leftOver()).toEqual([]);
});
