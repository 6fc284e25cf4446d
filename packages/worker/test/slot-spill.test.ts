// Inputs and results that are files, in real threads and processes.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskId } from "@taskflock/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IN_FILE } from "../src/slot/batch.ts";
import { Harness, input } from "./slot-harness.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slot-spill-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const MIB = 1024 * 1024;
const numbers = "(n) => Float64Array.from({ length: n }, (_, i) => i)";
const sum = "(x) => x.reduce((a, b) => a + b, 0)";

async function withSlots(options: ConstructorParameters<typeof Harness>[0], act: (harness: Harness) => Promise<void>) {
  const harness = new Harness({ arenaBytes: MIB, spillFolder: directory, ...options });
  await harness.slots.start();
  try {
    await act(harness);
  } finally {
    await harness.slots.close();
    harness.store.close();
  }
}

function pathOf(harness: Harness, task: number): string {
  const lease = harness.store.lease(task as TaskId)!;
  lease.release();
  expect(lease.place.segment).toBe(IN_FILE);
  return harness.store.pathOf(lease.place);
}

describe.each(["thread", "process"] as const)("in a %s", (isolation) => {
  test("a result larger than the arena is a file, and so is the input that it becomes", () =>
    withSlots({}, async (harness) => {
      const n = 400_000;
      const made = await harness.outcome({ task: 1, fn: numbers, args: [n], isolation });
      expect(made).toMatchObject({ what: "stored", value: "in a file" });
      expect(harness.store).toMatchObject({ spillCount: 1 });
      expect(harness.store.spilledBytes).toBeGreaterThan(n * 8);
      for (let task = 2; task <= 3; task++) {
        const item = { task, fn: sum, args: [input(0)], inputs: [1], isolation };
        expect(await harness.outcome(item)).toMatchObject({ what: "finished", value: (n * (n - 1)) / 2 });
      }
      harness.store.drop(1 as TaskId);
      const [folder] = readdirSync(directory);
      await expect.poll(() => readdirSync(join(directory, folder!))).toEqual([]);
    }));

  test("an input whose file is damaged is told; the task is not run, and the slot goes on", () =>
    withSlots({}, async (harness) => {
      await harness.outcome({ task: 1, fn: numbers, args: [400_000], isolation });
      const path = pathOf(harness, 1);
      const bytes = readFileSync(path);
      bytes[2_000_000]! ^= 1;
      writeFileSync(path, bytes);
      const item = { task: 2, fn: "(n, x) => x.length", args: [1, input(0)], inputs: [1], isolation };
      expect(await harness.outcome(item)).toMatchObject({ what: "spoiled", task: 2, value: 0 });
      expect(await harness.outcome({ task: 3, fn: "() => 3", isolation })).toMatchObject({ value: 3 });
    }));

  test("a disk that takes nothing fails the one task, coded, and the slot goes on", () => {
    const file = join(directory, "a file");
    writeFileSync(file, "");
    return withSlots({ spillFolder: file }, async (harness) => {
      const failed = await harness.outcome({ task: 1, fn: numbers, args: [400_000], isolation });
      expect(failed).toMatchObject({ what: "failed", failure: { code: "FLOCK_DISK_FULL" } });
      expect(await harness.outcome({ task: 2, fn: numbers, args: [1000], isolation })).toMatchObject({
        what: "stored",
      });
      expect(harness.arena.usedBytes).toBeLessThan(10_000);
    });
  });

  test("where there are no files, a result without room fails, coded", () =>
    withSlots({ spillFolder: undefined as never }, async (harness) => {
      const failed = await harness.outcome({ task: 1, fn: numbers, args: [400_000], isolation });
      expect(failed).toMatchObject({ what: "failed", failure: { code: "FLOCK_OUT_OF_MEMORY" } });
    }));
});

test("shared inputs in files are checked for changes too", () =>
  withSlots({ checkArguments: true }, async (harness) => {
    await harness.outcome({ task: 1, fn: numbers, args: [400_000] });
    const reads = { task: 2, fn: sum, args: [input(0)], inputs: [1] };
    expect(await harness.outcome(reads)).toMatchObject({ what: "finished" });
    const changes = { task: 3, fn: "(x) => { x[0] = 7; return 1; }", args: [input(0)], inputs: [1] };
    const failed = await harness.outcome(changes);
    expect(failed).toMatchObject({ what: "failed" });
  }));
