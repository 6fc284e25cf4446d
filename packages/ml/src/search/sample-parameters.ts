// Candidates of a random search, drawn as scikit-learn's ParameterSampler draws them: without replacement where all are lists.

import { FlockError } from "@taskflock/protocol/words";
import { randomNumbers } from "../random.ts";
import { type Distribution, isDistribution, type ParameterSpace } from "./distributions.ts";
import { checkCandidates, expandGrids, type Parametrized } from "./parameter-grid.ts";

export type Spaces<P extends object> = ParameterSpace<P> | readonly ParameterSpace<P>[];

/**
 * Draws `count` candidates. Where all spaces are lists, none is drawn twice; there are fewer than `count` when the grid has no more.
 * Throws FLOCK_ML_PARAMETER.
 */
export function sampleParameters<P extends object>(
  estimator: Parametrized<P>,
  params: Spaces<P>,
  count: number,
  seed: number,
): Partial<P>[] {
  const random = randomNumbers(seed);
  const spaces = isSeveral(params) ? params : [params];
  if (isGrid(params)) {
    const all = expandGrids(estimator, params as Parameters<typeof expandGrids<P>>[1]);
    return takeSome(all, count, random);
  }
  // Checks names and lists; distributions stand for any value.
  expandGrids(estimator, spaces.map(withOneValue) as Parameters<typeof expandGrids<P>>[1], { unchecked: true });
  const drawn = Array.from({ length: count }, () => {
    const space = spaces[Math.floor(random() * spaces.length)] as ParameterSpace<P>;
    return drawOne(space, random);
  });
  checkCandidates(estimator, drawn);
  return drawn;
}

/** Without a distribution in it. */
export function isGrid<P extends object>(params: Spaces<P>): boolean {
  const spaces: readonly unknown[] = isSeveral(params) ? params : [params];
  return spaces.every(
    (space) => typeof space !== "object" || space === null || !Object.values(space).some(isDistribution),
  );
}

function isSeveral<P extends object>(params: Spaces<P>): params is readonly ParameterSpace<P>[] {
  return Array.isArray(params);
}

function drawOne<P extends object>(space: ParameterSpace<P>, random: () => number): Partial<P> {
  const candidate: Partial<P> = {};
  for (const name of (Object.keys(space) as (keyof P & string)[]).sort()) {
    const values = space[name] as readonly P[keyof P & string][] | Distribution<P[keyof P & string]>;
    candidate[name] = isDistribution(values)
      ? (values.draw(random) as P[keyof P & string])
      : (values[Math.floor(random() * values.length)] as P[keyof P & string]);
  }
  return candidate;
}

function withOneValue<P extends object>(space: ParameterSpace<P>): unknown {
  if (typeof space !== "object" || space === null) return space;
  return Object.fromEntries(
    Object.entries(space).map(([name, values]) => [name, isDistribution(values) ? [null] : values]),
  );
}

/** In a random order. */
function takeSome<T>(all: readonly T[], count: number, random: () => number): T[] {
  const left = [...all];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) {
    const at = Math.floor(random() * left.length);
    taken.push(left[at] as T);
    left.splice(at, 1);
  }
  return taken;
}

/** A whole number from 1 up. Throws FLOCK_OPTION_INVALID. */
export function checkedCount(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new FlockError("FLOCK_OPTION_INVALID", `${name} must be a whole number from 1 up, but is ${String(value)}.`);
}

/** A whole number; a random one where none is given. Throws FLOCK_OPTION_INVALID. */
export function checkedSeed(value: unknown): number {
  if (value === undefined) return Math.floor(Math.random() * 2 ** 31);
  if (Number.isSafeInteger(value)) return value as number;
  throw new FlockError("FLOCK_OPTION_INVALID", `seed must be a whole number, but is ${String(value)}.`);
}
