// What a client tells of its run for people who watch: how a search stands, how a training goes. The scheduler keeps it, bounded.

import type { RunNumber } from "./ids.ts";

/** What the entries of one message may take together, as `detailUnits` counts; and how many there may be. */
export const DETAIL_UNITS: number = 64 * 1024;
export const DETAIL_ENTRIES = 512;
/** UTF-16 units that a name, a value and a longer text may have; and how many names (parameters, metrics) there may be. */
export const detailTexts = { name: 256, value: 200, line: 2048, names: 256 } as const;

/** About what an entry (or anything else of plain data) takes, in UTF-16 units: 8 for each value, and its texts. */
export function detailUnits(value: unknown): number {
  if (typeof value === "string") return 8 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  let units = 16;
  if (Array.isArray(value)) {
    for (const one of value) units += detailUnits(one);
    return units;
  }
  for (const name in value) units += name.length + detailUnits((value as Record<string, unknown>)[name]);
  return units;
}

/** A parameter's value as people read it. */
export type DetailValue = string | number | boolean | null;

export type DetailEntry =
  /**
   * First of a search. `scorings`: names of the metrics, the first is the one it ranks by; `mode`: "min" when lower ones are better, as
   * with a loss. `total`: candidates, when known. `folds`: scores that each candidate has in each round: 1 where it is trained once.
   */
  | {
      readonly e: "search";
      readonly kind: string;
      readonly estimator: string;
      readonly parameters: readonly string[];
      readonly scorings: readonly string[];
      readonly mode: "min" | "max";
      readonly folds: number;
      readonly total: number | null;
    }
  /**
   * In the order of `parameters`. `round`: of successive halving; 0 elsewhere. Said again when a candidate comes to a further round: its
   * folds belong to the round that was said last. `resources`: rows, epochs or the parameter's value of that round; null elsewhere.
   */
  | {
      readonly e: "candidate";
      readonly candidate: number;
      readonly values: readonly DetailValue[];
      readonly round: number;
      readonly resources: number | null;
    }
  /** `scores`: in the order of `scorings`; null where there is none. `error`: what the fold failed with, or "". */
  | {
      readonly e: "fold";
      readonly candidate: number;
      readonly fold: number;
      readonly scores: readonly (number | null)[];
      readonly fitSeconds: number;
      readonly scoreSeconds: number;
      readonly error: string;
    }
  /** What the search chose at its end, and the refit's time. */
  | { readonly e: "best"; readonly candidate: number; readonly refitSeconds: number | null }
  /** First of a training; also of each trial of a search over trainings (`trial`: its candidate; else -1). */
  | {
      readonly e: "training";
      readonly trial: number;
      readonly model: string;
      readonly parameters: number;
      readonly epochs: number;
      readonly samples: number;
      readonly workers: number;
    }
  /** `values`: loss, valLoss and metrics by name; null where it is not a number. `step`: of the optimizer. */
  | {
      readonly e: "epoch";
      readonly trial: number;
      readonly epoch: number;
      readonly step: number;
      readonly seconds: number;
      readonly learningRate: number | null;
      readonly values: Readonly<Record<string, number | null>>;
      readonly isBest: boolean;
    }
  | {
      readonly e: "checkpoint";
      readonly trial: number;
      readonly epoch: number;
      readonly where: string;
      readonly bytes: number;
    }
  /** `outcome` as people read it: "done", "stopped early: …", "failed: …", "resumed after worker-2 was lost". */
  | { readonly e: "remark"; readonly trial: number; readonly text: string };

/** Client to scheduler. One that comes too late, or is too much, is left out: the run does not depend on it. */
export interface RunDetails {
  readonly t: "runDetails";
  readonly run: RunNumber;
  readonly entries: readonly DetailEntry[];
}
