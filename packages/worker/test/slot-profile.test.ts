// Profiles of slots: of threads, and of process slots, whose threads the worker's own profiler does not reach.

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Profiler } from "../src/profiler.ts";
import { Harness } from "./slot-harness.ts";

test("a profile that ends before the slot could begin it is over, and so is the one after it", async () => {
  const harness = new Harness({});
  await harness.slots.start();
  try {
    await harness.outcome({ task: 1, fn: "() => 1", isolation: "process" });
    for (let times = 0; times < 3; times++) {
      harness.slots.startProfile(1_000);
      const reports = await Promise.all(harness.slots.takeProfiles());
      expect(reports).toEqual([expect.objectContaining({ functions: expect.any(Array), idleUs: expect.any(Number) })]);
    }
    expect(await harness.outcome({ task: 2, fn: "() => 2", isolation: "process" })).toMatchObject({ value: 2 });
  } finally {
    await harness.slots.close();
  }
});

const SPIN = `function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return end;
}`;

test("a function that was optimized before the profile began is seen by its name", async () => {
  const harness = new Harness({});
  await harness.slots.start();
  try {
    let task = 0;
    const spins = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await harness.outcome({ task: ++task, fn: SPIN, args: [3] });
    };
    await spins(300); // by now the optimizer has put it into what calls it
    const profiler = new Profiler(1_000);
    await profiler.start();
    const [text] = await Promise.all([pause(300).then(() => profiler.stop([])), spins(150)]);
    expect(JSON.parse(text)).toMatchObject({ functions: [{ name: "spin" }] });
  } finally {
    await harness.slots.close();
  }
});
