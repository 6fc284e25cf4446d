// What a row of the benchmark gives.

import type { Spread } from "./measure.ts";
import type { ProfileOptions } from "./profiler.ts";

export interface RowOptions {
  readonly repeats: number;
  readonly profile: ProfileOptions | null;
}

/** One line of the benchmark's output. */
export interface Line {
  readonly workload: string;
  readonly repeats: number;
  readonly facts: Readonly<Record<string, number | string>>;
  readonly figures: Readonly<Record<string, Spread>>;
  readonly cpuUsPerTask?: Readonly<Record<string, Spread>>;
  readonly peakMb?: Readonly<Record<string, number>>;
}

export type Row = (options: RowOptions) => Promise<Line>;
