// Values that a random search draws, by parameter.

import { FlockError } from "@taskflock/protocol/words";

/** What a parameter's values are drawn from. `draw` gets numbers in [0, 1), the same for the same seed. */
export interface Distribution<T> {
  draw(random: () => number): T;
}

/** By parameter: values to choose from, each as likely, or a distribution. */
export type ParameterSpace<P extends object> = { readonly [K in keyof P]?: readonly P[K][] | Distribution<P[K]> };

/** Numbers from `low` up to `high`, each as likely. */
export function uniform(low: number, high: number): Distribution<number> {
  checkRange("uniform", low, high);
  return { draw: (random) => low + (high - low) * random() };
}

/** Numbers from `low` up to `high` whose logarithms are each as likely: for what counts by orders of magnitude. */
export function logUniform(low: number, high: number): Distribution<number> {
  checkRange("logUniform", low, high);
  if (low <= 0) throw wrong(`logUniform takes numbers above 0, not ${low}.`);
  const [from, to] = [Math.log(low), Math.log(high)];
  return { draw: (random) => Math.min(high, Math.max(low, Math.exp(from + (to - from) * random()))) };
}

/** Whole numbers from `low` to `high`, both included. */
export function randInt(low: number, high: number): Distribution<number> {
  checkRange("randInt", low, high);
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) {
    throw wrong(`randInt takes whole numbers, not ${low} and ${high}.`);
  }
  return { draw: (random) => low + Math.floor(random() * (high - low + 1)) };
}

/** One of the values, also where other parameters are drawn from distributions; the same as the array alone. */
export function choice<const T>(values: readonly T[]): readonly T[] {
  if (Array.isArray(values) && values.length > 0) return values;
  throw wrong("choice takes an array with at least one value.");
}

export function isDistribution(value: unknown): value is Distribution<unknown> {
  return typeof value === "object" && value !== null && "draw" in value && typeof value.draw === "function";
}

function checkRange(name: string, low: number, high: number): void {
  if (Number.isFinite(low) && Number.isFinite(high) && low <= high) return;
  throw wrong(`${name} takes two numbers, the lower first, not ${low} and ${high}.`);
}

function wrong(message: string): FlockError {
  return new FlockError("FLOCK_ML_PARAMETER", message);
}
