// Profiles of process slots, whose threads the worker's own profiler does not reach.

import { expect, test } from "vitest";
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
