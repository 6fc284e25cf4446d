// Failures as their reader needs them: what failed by itself, the first first. What could not run because of it is not among them.

import type { PageFailures } from "@taskflock/protocol/words";
import { count } from "../../ui/format.ts";

export type Failure = PageFailures["items"][number];

/** Of one run; 0 is any. */
export function failuresOf({ items }: Pick<PageFailures, "items">, run: number): readonly Failure[] {
  return run === 0 ? items : items.filter((item) => item.run === run);
}

/** `total`: of all runs; null when only those of one run are shown. */
export function failuresSentence(shown: number, total: number | null): string {
  if (shown === 0) return "";
  const failed = `${count(total ?? shown, "task")} failed by ${(total ?? shown) === 1 ? "itself" : "themselves"}`;
  return total !== null && shown < total
    ? `${failed}: the first of each run, and the last of all, are here.`
    : `${failed}.`;
}

/** Messages that several tasks share, the most frequent first: one cause is seldom one task. */
export function sameMessages(items: readonly Failure[]): { readonly message: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { outcome } of items) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const same = [...counts].filter(([, of]) => of > 1).map(([message, of]) => ({ message, count: of }));
  return same.sort((a, b) => b.count - a.count);
}
