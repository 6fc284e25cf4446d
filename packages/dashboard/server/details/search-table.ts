// What a client told of a search, as the table that people know from scikit-learn. The page, its report and the REST API share it.

import type { DetailEntry, DetailValue } from "@taskflock/protocol/words";
import { mean, ranks, spread } from "./figures.ts";

/** An entry of a run's details, as the feed and `pageDetails` bring it. */
export interface DetailItem {
  readonly seq: number;
  /** µs of the scheduler's clock. */
  readonly at: number;
  readonly run: number;
  readonly entry: DetailEntry;
}

type EntryOf<K extends DetailEntry["e"]> = Extract<DetailEntry, { readonly e: K }>;
export type Fold = Omit<EntryOf<"fold">, "e" | "candidate"> & { readonly at: number };

/** `waiting`: no fold has ended yet. `failed`: all have ended, at least one with an error. */
export type RowState = "waiting" | "running" | "done" | "failed";

/** A candidate in a round; in searches without rounds there is one row for each candidate. */
export interface SearchRow {
  readonly candidate: number;
  readonly round: number;
  /** What the round was given: rows, epochs, a parameter's value; null elsewhere. */
  readonly resources: number | null;
  /** In the order of the table's `parameters`. */
  readonly values: readonly DetailValue[];
  readonly state: RowState;
  /** In their order; one that has not ended yet is not there. */
  readonly folds: readonly Fold[];
  /** By scoring, over the folds that have ended; null before the first, and when a fold has no score. */
  readonly means: readonly (number | null)[];
  readonly spreads: readonly (number | null)[];
  /** By scoring, 1 is best, equal ones share the smallest; null until all folds have ended. */
  readonly ranks: readonly (number | null)[];
  /** Of one fold, on average; null before the first. */
  readonly fitSeconds: number | null;
  readonly fitSpread: number | null;
  readonly scoreSeconds: number | null;
  /** µs of the scheduler's clock, when its last fold ended; null until all have. */
  readonly endedAt: number | null;
}

/** The best mean from this moment on. */
export interface BestSoFar {
  readonly at: number;
  readonly score: number;
  readonly candidate: number;
  readonly round: number;
}

export interface SearchTable {
  readonly kind: string;
  readonly estimator: string;
  readonly parameters: readonly string[];
  readonly scorings: readonly string[];
  readonly mode: "min" | "max";
  readonly folds: number;
  /** Candidates that there will be; null when that is not known. */
  readonly total: number | null;
  /** By candidate, then by round. */
  readonly rows: readonly SearchRow[];
  /** Fold scores that have come. */
  readonly foldsDone: number;
  /** Rounds with different amounts of data cannot be compared: then the best is one of those with the most. */
  readonly isComparable: boolean;
  /** What the search chose at its end. */
  readonly chosen: { readonly candidate: number; readonly refitSeconds: number | null } | null;
  readonly bestSoFar: readonly BestSoFar[];
}

interface Draft {
  readonly candidate: number;
  readonly round: number;
  readonly resources: number | null;
  readonly values: readonly DetailValue[];
  readonly folds: Map<number, Fold>;
}

interface Gathered {
  search: EntryOf<"search"> | null;
  chosen: SearchTable["chosen"];
  hasTrainings: boolean;
  readonly drafts: Map<string, Draft>;
  /** The row that a candidate's next fold belongs to. */
  readonly current: Map<number, Draft>;
}

/** From the entries of one run, in their order; null when they tell of no search. */
export function searchTable(items: readonly DetailItem[]): SearchTable | null {
  const gathered = gather(items);
  const { search, chosen, hasTrainings } = gathered;
  const drafts = [...gathered.drafts.values()].sort((a, b) => a.candidate - b.candidate || a.round - b.round);
  if (search === null && drafts.length === 0) return null;
  const head = search ?? headOf(drafts);
  const measured = drafts.map((draft) => measure(draft, head));
  const byScoring = head.scorings.map((_, scoring) => rankColumn(measured, scoring, head.mode));
  const rows = measured.map((row, at) => ({ ...row, ranks: byScoring.map((column) => column[at] ?? null) }));
  const isComparable = hasTrainings || rows.every(({ resources }) => resources === null);
  const { kind, estimator, parameters, scorings, mode, folds, total } = head;
  const facts = { kind, estimator, parameters, scorings, mode, folds, total };
  const foldsDone = rows.reduce((sum, row) => sum + row.folds.length, 0);
  return { ...facts, rows, foldsDone, isComparable, chosen, bestSoFar: bestSoFar(rows, mode) };
}

function gather(items: readonly DetailItem[]): Gathered {
  const gathered: Gathered = {
    search: null,
    chosen: null,
    hasTrainings: false,
    drafts: new Map(),
    current: new Map(),
  };
  for (const { entry, at } of items) {
    if (entry.e === "search") gathered.search = entry;
    else if (entry.e === "candidate") openRow(gathered, entry);
    else if (entry.e === "fold") addFold(gathered, entry, at);
    else if (entry.e === "best") gathered.chosen = { candidate: entry.candidate, refitSeconds: entry.refitSeconds };
    else if (entry.e === "training") gathered.hasTrainings = true;
  }
  return gathered;
}

function openRow({ drafts, current }: Gathered, entry: Omit<EntryOf<"candidate">, "e">): Draft {
  const { candidate, round, resources, values } = entry;
  const key = `${candidate}/${round}`;
  const draft = drafts.get(key) ?? { candidate, round, resources, values, folds: new Map() };
  drafts.set(key, draft);
  current.set(candidate, draft);
  return draft;
}

/** Of a candidate whose own entry is forgotten, only the scores are known. */
function addFold(gathered: Gathered, entry: EntryOf<"fold">, at: number): void {
  const { candidate, fold, scores, fitSeconds, scoreSeconds, error } = entry;
  const row =
    gathered.current.get(candidate) ?? openRow(gathered, { candidate, round: 0, resources: null, values: [] });
  row.folds.set(fold, { fold, scores, fitSeconds, scoreSeconds, error, at });
}

/** When the search's own entry is forgotten: what its rows show. */
function headOf(drafts: readonly Draft[]): EntryOf<"search"> {
  const widest = Math.max(0, ...drafts.map(({ values }) => values.length));
  const folds = drafts.flatMap((draft) => [...draft.folds.values()]);
  const scorings = Math.max(1, ...folds.map(({ scores }) => scores.length));
  return {
    e: "search",
    kind: "search",
    estimator: "",
    parameters: Array.from({ length: widest }, (_, at) => `parameter ${at + 1}`),
    scorings: Array.from({ length: scorings }, (_, at) => (scorings === 1 ? "score" : `score ${at + 1}`)),
    mode: "max",
    folds: Math.max(1, ...drafts.map((draft) => draft.folds.size)),
    total: null,
  };
}

function measure(draft: Draft, { scorings, folds: expected }: EntryOf<"search">): Omit<SearchRow, "ranks"> {
  const { candidate, round, resources, values } = draft;
  const folds = [...draft.folds.values()].sort((a, b) => a.fold - b.fold);
  const isWhole = folds.length >= Math.max(1, expected);
  const columns = scorings.map((_, scoring) => folds.map(({ scores }) => scores[scoring] ?? Number.NaN));
  const fits = folds.map(({ fitSeconds }) => fitSeconds);
  return {
    ...{ candidate, round, resources, values, folds },
    state: stateOf(folds, isWhole),
    means: columns.map((column) => known(mean(column))),
    spreads: columns.map((column) => known(spread(column))),
    fitSeconds: known(mean(fits)),
    fitSpread: known(spread(fits)),
    scoreSeconds: known(mean(folds.map(({ scoreSeconds }) => scoreSeconds))),
    endedAt: isWhole ? folds.reduce((last, { at }) => Math.max(last, at), 0) : null,
  };
}

function stateOf(folds: readonly Fold[], isWhole: boolean): RowState {
  if (!isWhole) return folds.length === 0 ? "waiting" : "running";
  return folds.some(({ error }) => error !== "") ? "failed" : "done";
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function rankColumn(
  rows: readonly Omit<SearchRow, "ranks">[],
  scoring: number,
  mode: "min" | "max",
): (number | null)[] {
  const whole = rows.filter(({ endedAt }) => endedAt !== null);
  const ranked = ranks(
    whole.map(({ means }) => means[scoring] ?? null),
    mode,
  );
  const rankOf = new Map(whole.map((row, at) => [row, ranked[at] ?? null]));
  return rows.map((row) => rankOf.get(row) ?? null);
}

function bestSoFar(rows: readonly SearchRow[], mode: "min" | "max"): BestSoFar[] {
  const ended = rows.flatMap((row) => {
    const score = row.means[0] ?? null;
    return row.endedAt === null || score === null ? [] : [{ ...row, at: row.endedAt, score }];
  });
  ended.sort((a, b) => a.at - b.at);
  const best: BestSoFar[] = [];
  for (const { at, score, candidate, round } of ended) {
    const last = best.at(-1);
    if (last === undefined || (mode === "max" ? score > last.score : score < last.score))
      best.push({ at, score, candidate, round });
  }
  return best;
}
