// What is in use at the marks, and whether it grows.

export interface Growth {
  readonly early: number;
  readonly late: number;
  readonly allowed: number;
  readonly isGrowing: boolean;
}

/** The first marks warm up: code is compiled, caches fill, workers see each function and each peer for the first time. */
const WARM_UP_SHARE = 0.2;

/**
 * The least of the last third is held against the most of the first third. A leak raises every later mark, the least of them too; what
 * comes and goes (code that was compiled or thrown away, a connection more, the last task's remains) raises some of them.
 *
 * What may be added, 4 MiB or 15 %, is for stores that are bounded and not full in the first third: events (10,000), lines that workers
 * print (8 MiB), medians by function, compiled code. It finds a leak of 1 KiB per unit of work in half an hour, and of 10 KiB in two
 * minutes, since a client does some 20 units a second.
 */
export function growth(bytes: readonly number[]): Growth | null {
  const counted = bytes.slice(Math.ceil(bytes.length * WARM_UP_SHARE));
  const third = Math.floor(counted.length / 3);
  if (third === 0) return null;
  const early = Math.max(...counted.slice(0, third));
  const late = Math.min(...counted.slice(-third));
  const allowed = Math.max(4 * 1024 ** 2, early * 0.15);
  return { early, late, allowed, isGrowing: late > early + allowed };
}

export const inMb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
