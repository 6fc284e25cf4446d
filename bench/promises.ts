// What DESIGN §6 promises, row by row: which figures it is judged by.

import type { Line } from "./row.ts";

export type Lines = ReadonlyMap<string, Line>;

/** Where a figure stands: a workload's line, and its name there; `cpu:` before it means CPU per task. */
export interface Place {
  readonly workload: string;
  readonly figure: string;
}

export interface Promised {
  readonly row: string;
  readonly text: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly ours: Place;
  readonly dask: Place | null;
  /** What it is held against in the same run, beside Dask. */
  readonly beside: (Place & { readonly name: string; readonly from: "ours" | "dask" }) | null;
  readonly promise: string;
  holds(figures: { readonly ours: number; readonly dask: number; readonly beside: number }): boolean;
}

const same = (workload: string, figure: string): Pick<Promised, "ours" | "dask" | "beside"> => ({
  ours: { workload, figure },
  dask: { workload, figure },
  beside: null,
});

const noop = (row: string, workload: string, tasks: string): Promised => ({
  row,
  text: `no-op map + gather, ${tasks} tasks`,
  unit: "tasks/s",
  better: "more",
  ...same(workload, "tasksPerSecond"),
  promise: "50 × Dask",
  holds: ({ ours, dask }) => ours >= 50 * dask,
});

const roundTrip = (row: string, name: string, figure: string, echo: string): Promised => ({
  row,
  text: `submit → result, one after the other, ${name}`,
  unit: "ms",
  better: "less",
  ...same("round-trip", figure),
  beside: { name: "bare echo", from: "ours", workload: "round-trip", figure: echo },
  promise: "≤ 2 × a bare echo",
  holds: ({ ours, beside }) => ours <= 2 * beside,
});

const cpu = (row: string, role: string, limit: number): Promised => ({
  row,
  text: `CPU per no-op task (of 50,000): ${role}`,
  unit: "µs",
  better: "less",
  ...same("noop-50000", `cpu:${role}`),
  promise: `≤ ${limit} µs`,
  holds: ({ ours }) => ours <= limit,
});

const atMost = (
  row: string,
  text: string,
  workload: string,
  figure: string,
  limit: number,
  unit: string,
): Promised => ({
  row,
  text,
  unit,
  better: "less",
  ...same(workload, figure),
  promise: `≤ ${limit} ${unit}`,
  holds: ({ ours }) => ours <= limit,
});

const wordCount = (row: string, size: string, workload: string): Promised => ({
  row,
  text: `word count, ${size}, plain futures`,
  unit: "s",
  better: "less",
  ...same(workload, "seconds"),
  beside: { name: "one process of ours", from: "ours", workload, figure: "oneProcessSeconds" },
  promise: "≥ 1.8 × as fast as one process of ours",
  holds: ({ ours, beside }) => beside >= 1.8 * ours,
});

// Long: one table, read top to bottom.
export const promises: readonly Promised[] = [
  noop("1", "noop-10000", "10,000"),
  noop("1", "noop-50000", "50,000"),
  roundTrip("2", "p50", "p50Ms", "echoP50Ms"),
  roundTrip("2", "p99", "p99Ms", "echoP99Ms"),
  atMost("3", "chain of 1,000 dependent tasks, per task", "chain-1000", "usPerTask", 40, "µs"),
  cpu("4", "scheduler", 2.5),
  cpu("4", "client", 2),
  cpu("4", "workers", 2.5),
  atMost("5", "tree reduction over 8,192 leaves, per task", "tree-8192", "usPerTask", 10, "µs"),
  atMost("6", "random DAG of 10,000 tasks, per task", "dag-10000", "usPerTask", 15, "µs"),
  {
    row: "7",
    text: "scheduler memory per retained tiny task (of 50,000)",
    unit: "B",
    better: "less",
    ours: { workload: "retained-50000", figure: "schedulerBytesPerTask" },
    dask: { workload: "retained-50000", figure: "residentBytesPerTask" },
    beside: {
      name: "growth of its resident memory",
      from: "ours",
      workload: "retained-50000",
      figure: "residentBytesPerTask",
    },
    promise: "≤ 500 B",
    holds: ({ ours }) => ours <= 500,
  },
  {
    row: "8",
    text: "64 MiB from worker to worker, into the store",
    unit: "MB/s",
    better: "more",
    ...same("transfer-64mib", "mbPerSecond"),
    beside: { name: "bare socket copy", from: "ours", workload: "transfer-64mib", figure: "copyMbPerSecond" },
    promise: "≥ 70 % of a bare socket copy",
    holds: ({ ours, beside }) => ours >= 0.7 * beside,
  },
  atMost("9", "dictionary of 24,000 keys from worker to worker", "dictionary-24000", "ms", 8, "ms"),
  atMost("10", "32 MiB used by 200 tiny tasks on both workers", "broadcast-32mib", "seconds", 0.06, "s"),
  {
    row: "11",
    text: "200 × 10 ms sleep, all data on one worker: part of the ideal",
    unit: "",
    better: "more",
    ...same("imbalance-200", "partOfIdeal"),
    promise: "≥ 0.97",
    holds: ({ ours }) => ours >= 0.97,
  },
  {
    row: "12",
    text: "digits grid search, refit included, equal scores",
    unit: "s",
    better: "less",
    ...same("digits-grid-search", "seconds"),
    beside: { name: "scikit-learn, n_jobs=2", from: "dask", workload: "digits-n-jobs-2", figure: "seconds" },
    promise: "≥ 1.7 × as fast as n_jobs=2",
    holds: ({ ours, beside }) => beside >= 1.7 * ours,
  },
  wordCount("13", "3.3 MB", "word-count-3.3mb"),
  wordCount("13", "330 MB", "word-count-330mb"),
  atMost("14", "a worker killed half-way through 400 × 20 ms: time lost", "worker-dies", "lostSeconds", 0.3, "s"),
  atMost("15", "LocalCluster to a first result", "first-result", "seconds", 0.5, "s"),
  {
    row: "16",
    text: "scheduler cost per task, 10 → 1,000 workers and 10,000 → 1,000,000 tasks: dearest by cheapest",
    unit: "×",
    better: "less",
    ours: { workload: "scaling", figure: "growth" },
    dask: null,
    beside: null,
    promise: "≤ 2 ×",
    holds: ({ ours }) => ours <= 2,
  },
];
