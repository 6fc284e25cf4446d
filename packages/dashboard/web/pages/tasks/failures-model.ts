// Failures as their reader needs them: what failed by itself, the first first; what failed only because of it, with it.

import type { PageFailures, PageTaskRow } from "@taskflock/protocol/words";
import { count } from "../../ui/format.ts";

type Failure = PageFailures["items"][number];

export interface RootFailure {
  /** Null when the task that failed first is not among those that came. */
  readonly row: Failure | null;
  readonly key: string;
  readonly at: number | null;
  readonly message: string;
  /** Tasks that could not run because of it. */
  readonly because: readonly PageTaskRow[];
}

/** The first to fail first. `run`: 0 is any. */
export function rootFailures({ items }: Pick<PageFailures, "items">, run: number = 0): RootFailure[] {
  const roots = new Map<string, { row: Failure | null; at: number | null; because: Failure[] }>();
  for (const item of items) {
    if (run !== 0 && item.run !== run) continue;
    const isRoot = item.failedKey === "" || item.failedKey === item.key;
    const key = isRoot ? item.key : item.failedKey;
    const root = roots.get(key) ?? { row: null, at: item.at, because: [] };
    roots.set(key, root);
    if (isRoot) Object.assign(root, { row: item, at: item.at });
    else root.because.push(item);
  }
  const all = [...roots].map(([key, { row, at, because }]): RootFailure => {
    return { key, row, at, because, message: row?.outcome ?? because[0]?.outcome ?? "" };
  });
  return all.sort((a, b) => (a.at ?? Number.POSITIVE_INFINITY) - (b.at ?? Number.POSITIVE_INFINITY));
}

/** "3 tasks failed by themselves, and 40 because of them." */
export function failuresSentence(roots: readonly RootFailure[], total: number): string {
  if (roots.length === 0) return "No task has failed.";
  const because = roots.reduce((sum, root) => sum + root.because.length, 0);
  const own = `${count(roots.length, "task")} failed`;
  const text =
    because === 0 ? own : `${own}, and ${count(because, "task")} that needed ${roots.length === 1 ? "it" : "them"}`;
  const shown = because + roots.filter(({ row }) => row !== null).length;
  return shown < total ? `${text}, among the first of ${count(total, "failure")}.` : `${text}.`;
}

/** Messages that many tasks share, the most frequent first: one cause is seldom one task. */
export function sameMessages(roots: readonly RootFailure[]): { readonly message: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { message } of roots) counts.set(message, (counts.get(message) ?? 0) + 1);
  return [...counts].map(([message, of]) => ({ message, count: of })).sort((a, b) => b.count - a.count);
}
