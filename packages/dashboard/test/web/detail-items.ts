// Entries of runs as the feed brings them, for tests.
import type { DetailEntry, DetailValue } from "@taskflock/protocol/words";
import type { DetailItem } from "../../server/details/search-table.ts";

export function itemsOf(entries: readonly DetailEntry[], run = 7): DetailItem[] {
  return entries.map((entry, at) => ({ seq: at + 1, at: (at + 1) * 1e6, run, entry }));
}

export function search(parameters: readonly string[], more: Partial<DetailEntry & { e: "search" }> = {}): DetailEntry {
  const facts = {
    kind: "gridSearch",
    estimator: "svc",
    scorings: ["score"],
    mode: "max",
    folds: 3,
    total: null,
  } as const;
  return { e: "search", ...facts, parameters, ...more };
}

export function candidate(
  number: number,
  values: readonly DetailValue[],
  round = 0,
  resources: number | null = null,
): DetailEntry {
  return { e: "candidate", candidate: number, values, round, resources };
}

export function folds(number: number, scores: readonly (number | null)[], error = ""): DetailEntry[] {
  return scores.map((score, fold) => {
    return { e: "fold", candidate: number, fold, scores: [score], fitSeconds: 0.5 + fold, scoreSeconds: 0.25, error };
  });
}

export function epoch(number: number, values: Readonly<Record<string, number | null>>, trial = -1): DetailEntry {
  const facts = { step: number * 32, seconds: 2, learningRate: 0.001, isBest: number === 2 };
  return { e: "epoch", trial, epoch: number, values, ...facts };
}
