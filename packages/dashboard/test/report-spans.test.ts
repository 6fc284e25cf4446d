import type { PageSpans } from "@taskflock/protocol/words";
import { expect, test } from "vitest";
import { SpanColumns } from "../server/report/span-columns.ts";

/** An answer with these sums alone: [worker, function, count, µs]. */
function answer(...sums: readonly (readonly [number, number, number, number])[]): PageSpans {
  const column = (at: 0 | 1 | 2 | 3): number[] => sums.map((row) => row[at]);
  const ended = { task: [], fn: [], worker: [], endedAt: [], durationUs: [], end: [] };
  const running = { task: [], fn: [], worker: [], startedAt: [] };
  const skipped = { worker: column(0), fn: column(1), count: column(2), us: column(3) };
  return { now: 1, last: 0, missed: 0, ...ended, skipped, running, runningKeys: [], names: {} };
}

test("sums of the period are those since its begin, though each answer has only those that changed", () => {
  const spans = new SpanColumns(10);
  spans.begin(answer([1, 7, 100, 900], [2, 7, 50, 400]));
  spans.add(answer([2, 7, 60, 450]));
  spans.add(answer([1, 8, 3, 30]));
  spans.add(answer());
  expect(spans.spans()?.skipped).toEqual({ worker: [2, 1], fn: [7, 8], count: [10, 3], us: [50, 30] });
});
