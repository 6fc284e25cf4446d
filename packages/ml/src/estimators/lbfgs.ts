// Limited-memory BFGS: minimizes a smooth function of many variables from its values and gradients.

export interface Minimum {
  readonly point: Float64Array;
  readonly iterations: number;
  /** The largest component of the gradient is at most the tolerance, or no smaller value could be found. */
  readonly converged: boolean;
}

/** Writes the gradient at `point` into `gradient` and returns the value. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly inverse: number;
}

const MEMORY = 10;
const SUFFICIENT = 1e-4;
const CURVATURE = 0.9;
const SEARCH_STEPS = 40;
/** A decrease by less than this share of the value is lost in rounding. */
const NOTHING = 16 * Number.EPSILON;

export function minimize(objective: Objective, start: Float64Array, tol: number, maxIter: number): Minimum {
  const pairs: Pair[] = [];
  let point: Float64Array = start;
  let gradient: Float64Array = new Float64Array(start.length);
  let value = objective(point, gradient);
  for (let iteration = 0; iteration < maxIter; iteration++) {
    if (largest(gradient) <= tol) return { point, iterations: iteration, converged: true };
    const direction = descent(gradient, pairs);
    const first = iteration === 0 ? Math.min(1, 1 / norm(gradient)) : 1;
    const next = lineSearch(objective, point, value, gradient, direction, first);
    // Rounding leaves nothing to gain: as near as numbers get.
    if (next === null) return { point, iterations: iteration, converged: true };
    const gained = value - next.value;
    remember(pairs, point, gradient, next);
    point = next.point;
    gradient = next.gradient;
    value = next.value;
    if (gained <= NOTHING * Math.max(Math.abs(value), 1)) return { point, iterations: iteration + 1, converged: true };
  }
  return { point, iterations: maxIter, converged: largest(gradient) <= tol };
}

/** Minus the gradient, scaled by the curvature that the last steps showed. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const weights: number[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { step, change, inverse } = pairs[k] as Pair;
    const weight = inverse * dot(step, direction);
    weights[k] = weight;
    addScaled(direction, change, -weight);
  }
  const newest = pairs.at(-1);
  if (newest !== undefined) {
    const scale = 1 / (newest.inverse * dot(newest.change, newest.change));
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  }
  for (const [k, { step, change, inverse }] of pairs.entries()) {
    addScaled(direction, step, (weights[k] as number) - inverse * dot(change, direction));
  }
  return direction;
}

interface Evaluation {
  readonly point: Float64Array;
  readonly gradient: Float64Array;
  readonly value: number;
}

/** A step that lowers the value enough and has passed the steepest part (weak Wolfe conditions), by bisection. */
function lineSearch(
  objective: Objective,
  point: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  first: number,
): Evaluation | null {
  const slope = dot(gradient, direction);
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let length = first;
  let best: Evaluation | null = null;
  for (let tries = 0; tries < SEARCH_STEPS; tries++) {
    const there = point.map((x, i) => x + length * (direction[i] as number));
    const nextGradient = new Float64Array(point.length);
    const reached = { point: there, gradient: nextGradient, value: objective(there, nextGradient) };
    if (!(reached.value <= value + SUFFICIENT * length * slope)) high = length;
    else {
      best = reached;
      if (dot(nextGradient, direction) >= CURVATURE * slope) return reached;
      low = length;
    }
    length = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
  }
  return best;
}

function remember(pairs: Pair[], point: Float64Array, gradient: Float64Array, next: Evaluation): void {
  const step = next.point.map((x, i) => x - (point[i] as number));
  const change = next.gradient.map((g, i) => g - (gradient[i] as number));
  const curvature = dot(step, change);
  if (curvature <= 1e-300) return;
  pairs.push({ step, change, inverse: 1 / curvature });
  if (pairs.length > MEMORY) pairs.shift();
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function addScaled(into: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + factor * (values[i] as number);
}

function norm(values: Float64Array): number {
  return Math.sqrt(dot(values, values));
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
