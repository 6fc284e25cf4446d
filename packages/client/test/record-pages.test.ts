import type { TaskNumber } from "@taskflock/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TaskRecord } from "../src/record.ts";
import { RecordPages } from "../src/record-pages.ts";

/** How far the next number is from the last one; and which of those that are there goes afterwards, if any. */
const step = fc.record({
  ahead: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3000 })),
  goes: fc.option(fc.nat(), { nil: null }),
});

test("records are found by their numbers, as in a map", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pages = new RecordPages();
      const model = new Map<TaskNumber, TaskRecord>();
      let last = 0;
      for (const { ahead, goes } of steps) {
        last += ahead;
        const record = new TaskRecord(last as TaskNumber, "f", null, null);
        pages.set(record);
        model.set(record.n, record);
        const gone = goes === null ? undefined : [...model.keys()][goes % model.size];
        if (gone === undefined) continue;
        pages.delete(gone);
        pages.delete(gone);
        model.delete(gone);
        expect(pages.get(gone)).toBeUndefined();
      }
      for (const [n, record] of model) expect(pages.get(n)).toBe(record);
      expect([...pages.values()]).toEqual([...model.values()]);
    }),
    { seed: 11, numRuns: 300 },
  );
});
