// Summaries of repeated runs.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The first run: the cluster had seen nothing but its warm-up. */
  readonly first: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which the given part of the sample lies (nearest rank). */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** Median and range, four significant digits each. */
export function spread(values: readonly number[]): Spread {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const summary = { median: median(values), min, max, first: values[0] ?? Number.NaN };
  return Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, short(value)])) as unknown as Spread;
}

export function short(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}

/** The spread of each figure over the runs that have it. */
export function spreads<N extends string>(runs: readonly Readonly<Record<N, number>>[]): Record<N, Spread> {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run) as N[]))];
  const valuesOf = (name: N): number[] => runs.filter((run) => name in run).map((run) => run[name]);
  return Object.fromEntries(names.map((name) => [name, spread(valuesOf(name))])) as Record<N, Spread>;
}
