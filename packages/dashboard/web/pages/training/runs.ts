import type { PageRun } from "@taskflock/protocol/words";

/** Runs that train: trainings of their own, and searches over trainings. */
export function trainingRuns(runs: readonly PageRun[]): readonly PageRun[] {
  return runs.filter(({ kind }) => kind.includes("training"));
}
