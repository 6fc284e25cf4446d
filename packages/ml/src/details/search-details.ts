// What a search tells of itself while it runs: what it is, its candidates, their scores fold by fold, and the best.

import { detailTexts } from "@taskflock/protocol/words";
import type { RunScope } from "../executor.ts";
import { readable } from "./readable.ts";
import { asLine, asName, finiteOr0, finiteOrNull, tell } from "./tell.ts";

export interface SearchHeader {
  /** As users call it: "gridSearch". */
  readonly search: string;
  readonly estimator: string;
  readonly candidates: readonly object[];
  /** The first is the one it ranks by. */
  readonly scorings: readonly string[];
  readonly mode: "min" | "max";
  readonly folds: number;
  /** A parameter that no candidate names, as its values are the rounds'. */
  readonly resource?: string | null;
}

export interface ToldFold {
  readonly candidate: number;
  readonly fold: number;
  readonly scores: readonly number[];
  readonly fitSeconds: number;
  readonly scoreSeconds: number;
  readonly error: string | null;
}

/** So many candidates are shown before any of their folds has ended. */
const SHOWN_AT_ONCE = 500;

export class SearchDetails {
  readonly #scope: RunScope;
  readonly #parameters: readonly string[];
  readonly #candidates: readonly object[];
  /** Candidates that were told. */
  readonly #told = new Set<number>();

  constructor(scope: RunScope, header: SearchHeader) {
    this.#scope = scope;
    this.#candidates = header.candidates;
    this.#parameters = scope.details === undefined ? [] : parametersOf(header);
    const { estimator, scorings, mode, folds, candidates } = header;
    tell(scope, () => ({
      e: "search",
      kind: asName(header.search.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)),
      estimator: asName(estimator),
      parameters: this.#parameters.map(asName),
      scorings: scorings.slice(0, detailTexts.names).map(asName),
      mode,
      folds,
      total: candidates.length,
    }));
  }

  /** All of them, where there are not too many; the others are told with their first fold. */
  begin(): void {
    if (this.#candidates.length > SHOWN_AT_ONCE) return;
    for (const candidate of this.#candidates.keys()) this.#tellOnce(candidate);
  }

  /** A candidate comes to a round, with so much of the resource. */
  round(candidate: number, params: object, round: number, resources: number): void {
    this.#told.add(candidate);
    this.#tell(candidate, params, round, resources);
  }

  fold({ candidate, fold, scores, fitSeconds, scoreSeconds, error }: ToldFold): void {
    this.#tellOnce(candidate);
    tell(this.#scope, () => ({
      e: "fold",
      candidate,
      fold,
      scores: scores.slice(0, detailTexts.names).map(finiteOrNull),
      fitSeconds: finiteOr0(fitSeconds),
      scoreSeconds: finiteOr0(scoreSeconds),
      error: asLine(error ?? ""),
    }));
  }

  best(candidate: number, refitSeconds: number | null): void {
    tell(this.#scope, () => ({ e: "best", candidate, refitSeconds }));
  }

  #tellOnce(candidate: number): void {
    if (this.#told.has(candidate)) return;
    this.#told.add(candidate);
    this.#tell(candidate, this.#candidates[candidate] ?? {}, 0, null);
  }

  #tell(candidate: number, params: object, round: number, resources: number | null): void {
    const given = (name: string): unknown => (params as Record<string, unknown>)[name];
    tell(this.#scope, () => ({
      e: "candidate",
      candidate,
      values: this.#parameters.map((name) => readable(given(name))),
      round,
      resources,
    }));
  }
}

function parametersOf({ candidates, resource = null }: SearchHeader): string[] {
  const names = new Set<string>();
  for (const candidate of candidates) for (const name of Object.keys(candidate)) names.add(name);
  if (resource !== null) names.add(resource);
  return [...names].slice(0, detailTexts.names);
}
