// Sums over scores, as scikit-learn makes them. The page and the server share them: nothing here may need Node or a browser.

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of these values, not of a population that they were drawn from: as in a search's `stdTest…`. */
export function spread(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** From 1, the best first; equal ones share the smallest rank; null (there is no figure) comes last, behind all others. */
export function ranks(values: readonly (number | null)[], mode: "min" | "max"): number[] {
  const sign = mode === "min" ? -1 : 1;
  const merits = values.map((value) =>
    value === null || Number.isNaN(value) ? Number.NEGATIVE_INFINITY : sign * value,
  );
  const descending = [...merits].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const first = new Map<number, number>();
  for (const [index, merit] of descending.entries()) if (!first.has(merit)) first.set(merit, index + 1);
  return merits.map((merit) => first.get(merit) ?? 0);
}
