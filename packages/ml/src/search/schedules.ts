// How many candidates a search tries with how much of its resource: pure arithmetic.

import { FlockError } from "@taskflock/protocol/words";

/** So many candidates are tried with so much of the resource (rows, epochs, or a parameter's value). */
export interface Rung {
  readonly candidates: number;
  readonly resources: number;
}

/** Candidates that compete with each other; the best of each rung go on to the next. */
export interface Bracket {
  /** Its number; Hyperband counts them down to 0. */
  readonly bracket: number;
  readonly rungs: readonly Rung[];
}

export interface HalvingPlan {
  readonly candidates: number;
  /** The least that one trial may be given. */
  readonly minResources: number;
  readonly maxResources: number;
  /** Of each rung the best 1/factor go on, with factor times the resources; default 3. */
  readonly factor?: number;
  /** Raises the resources of the first rung so that the last rung has as much as there is; default false. */
  readonly exhaust?: boolean;
  /** Repeats the first resources until the last rung has at most `factor` candidates; default false. */
  readonly aggressiveElimination?: boolean;
}

/** Rungs of successive halving (Jamieson and Talwalkar, 2016), as scikit-learn's halving searches have them. */
export function halvingSchedule(plan: HalvingPlan): readonly Rung[] {
  const { candidates, maxResources, factor = 3, aggressiveElimination = false } = plan;
  checkFactor(factor);
  const required = 1 + wholeLog(candidates, factor);
  const raised = Math.floor(maxResources / factor ** (required - 1));
  const minResources = plan.exhaust ? Math.max(plan.minResources, raised) : plan.minResources;
  checkResources(minResources, maxResources);
  const possible = 1 + wholeLog(Math.floor(maxResources / minResources), factor);
  const rungs: Rung[] = [];
  let left = candidates;
  for (let iter = 0; iter < (aggressiveElimination ? required : Math.min(possible, required)); iter++) {
    const power = aggressiveElimination ? Math.max(0, iter - required + possible) : iter;
    rungs.push({ candidates: left, resources: Math.min(maxResources, Math.floor(factor ** power * minResources)) });
    left = Math.ceil(left / factor);
  }
  return rungs;
}

export interface HyperbandPlan {
  readonly maxResources: number;
  /** The least that one trial may be given; default 1. */
  readonly minResources?: number;
  /** Default 3. */
  readonly factor?: number;
}

/** Hyperband's brackets (Li et al., 2018, algorithm 1), the one with the most candidates first. */
export function hyperbandBrackets({ maxResources, minResources = 1, factor = 3 }: HyperbandPlan): readonly Bracket[] {
  checkFactor(factor);
  checkResources(minResources, maxResources);
  const most = wholeLog(maxResources / minResources, factor);
  return Array.from({ length: most + 1 }, (_, i) => {
    const bracket = most - i;
    const candidates = Math.ceil(((most + 1) * factor ** bracket) / (bracket + 1) - 1e-9);
    return { bracket, rungs: hyperbandRungs(candidates, bracket, maxResources, factor) };
  });
}

/** The rungs of one bracket when it begins with so many candidates. */
export function hyperbandRungs(
  candidates: number,
  bracket: number,
  maxResources: number,
  factor: number,
): readonly Rung[] {
  return Array.from({ length: bracket + 1 }, (_, iter) => ({
    candidates: Math.max(1, Math.floor(candidates / factor ** iter + 1e-9)),
    resources: Math.max(1, Math.floor(maxResources * factor ** (iter - bracket) + 1e-9)),
  }));
}

/** The greatest whole n with factor^n <= value; logarithms of floating point miss whole powers. */
function wholeLog(value: number, factor: number): number {
  let n = 0;
  while (factor ** (n + 1) <= value * (1 + 1e-12)) n++;
  return n;
}

function checkFactor(factor: number): void {
  if (Number.isFinite(factor) && factor > 1) return;
  throw new FlockError("FLOCK_OPTION_INVALID", `factor must be a number above 1, but is ${String(factor)}.`);
}

function checkResources(min: number, max: number): void {
  for (const [name, value] of [
    ["minResources", min],
    ["maxResources", max],
  ] as const) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new FlockError("FLOCK_OPTION_INVALID", `${name} must be a whole number from 1 up, but is ${String(value)}.`);
  }
  if (min <= max) return;
  throw new FlockError("FLOCK_OPTION_INVALID", `minResources is ${min}, more than maxResources, ${max}.`);
}
