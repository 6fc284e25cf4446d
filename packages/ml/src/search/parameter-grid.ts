// Candidates of a search: every combination of a grid's values, in scikit-learn's order.

import { FlockError } from "@taskflock/protocol/words";
import type { Estimator } from "../estimator.ts";

/** Values to try, by parameter. */
export type ParameterGrid<P extends object> = { readonly [K in keyof P]?: readonly P[K][] };

/** The part of an estimator that has parameters. */
export type Parametrized<P extends object> = Pick<Estimator<P, unknown, unknown>, "name" | "params" | "check">;

/**
 * Parameters sorted by name; the last one changes fastest; grids one after the other. Throws FLOCK_ML_PARAMETER, unless `unchecked` also for
 * values that cannot be.
 */
export function expandGrids<P extends object>(
  estimator: Parametrized<P>,
  params: ParameterGrid<P> | readonly ParameterGrid<P>[],
  { unchecked = false }: { readonly unchecked?: boolean } = {},
): Partial<P>[] {
  const grids = isSeveral(params) ? params : [params];
  if (grids.length === 0) throw wrongParameter("params is an empty array. Give at least one grid.");
  const candidates = grids.flatMap((grid) => expandOne(estimator, grid));
  if (!unchecked) checkCandidates(estimator, candidates);
  return candidates;
}

/** Throws FLOCK_ML_PARAMETER for values that the estimator refuses. */
export function checkCandidates<P extends object>(estimator: Parametrized<P>, candidates: readonly Partial<P>[]): void {
  for (const candidate of candidates) {
    const problem = estimator.check?.({ ...estimator.params, ...candidate }) ?? null;
    if (problem !== null) throw wrongParameter(`Estimator ${estimator.name}: ${problem}.`);
  }
}

function isSeveral<P extends object>(
  params: ParameterGrid<P> | readonly ParameterGrid<P>[],
): params is readonly ParameterGrid<P>[] {
  return Array.isArray(params);
}

function expandOne<P extends object>(estimator: Parametrized<P>, grid: ParameterGrid<P>): Partial<P>[] {
  if (typeof grid !== "object" || grid === null)
    throw wrongParameter("params must be an object of arrays, or an array of such.");
  let candidates: Partial<P>[] = [{}];
  for (const name of (Object.keys(grid) as (keyof P & string)[]).sort()) {
    const values = checkedValues(estimator, name, grid[name]);
    candidates = candidates.flatMap((candidate) => values.map((value) => ({ ...candidate, [name]: value })));
  }
  return candidates;
}

function checkedValues<P extends object>(
  estimator: Parametrized<P>,
  name: keyof P & string,
  values: readonly P[keyof P][] | undefined,
): readonly P[keyof P][] {
  if (!Object.hasOwn(estimator.params, name)) {
    const known = Object.keys(estimator.params).join(", ") || "none";
    throw wrongParameter(`Estimator ${estimator.name} has no parameter "${name}". It has: ${known}.`);
  }
  if (!Array.isArray(values) || values.length === 0) {
    throw wrongParameter(`Parameter "${name}" needs an array with at least one value to try.`);
  }
  return values;
}

function wrongParameter(message: string): FlockError {
  return new FlockError("FLOCK_ML_PARAMETER", message);
}
