// Metrics over a whole epoch: they take batch after batch and tell one number of all, which a mean over batches is not.

import { FlockError } from "@taskflock/protocol/words";
import { show } from "../estimators/parameter-checks.ts";
import { averages, type LabelAverage } from "./averages.ts";
import {
  type AnyDefinition,
  type AveragedMetricName,
  averagedMetrics,
  type MetricState,
  type PlainMetricName,
  plainMetrics,
} from "./definitions.ts";
import { hasNaN, type MetricInput, paired } from "./pairs.ts";

/** A metric by name. With an average in it, such as "f1Macro", it is the same as `{ name: "f1", average: "macro" }`. */
export type MetricName = PlainMetricName | AveragedMetricName | `${AveragedMetricName}${Capitalize<LabelAverage>}`;

export interface MetricOptions {
  readonly name: MetricName;
  /** Scores above it are positive; default 0.5. Classes of several scores are the largest instead. */
  readonly threshold?: number;
  /** Over labels; default: all labels' counts together ("micro"), as Keras does. */
  readonly average?: LabelAverage;
  /** Its name in logs; default: the metric's own. */
  readonly as?: string;
}

/** Takes batches; knows one result of all of them. */
export interface Metric<R = number> {
  readonly name: string;
  /** "min": less is better. */
  readonly mode: "min" | "max";
  /**
   * Takes a batch. `yTrue` has the shape of `yPred`, or one class number per row; `weights` are by row. Throws FLOCK_ML_INPUT where
   * they do not fit.
   */
  update(yTrue: MetricInput, yPred: MetricInput, weights?: ArrayLike<number>): void;
  /** Of all since the start or `reset`; 0 before the first batch, and where a ratio has no denominator; NaN where something was NaN. */
  result(): R;
  reset(): void;
  /** What was seen, as plain data: a copy. */
  state(): MetricState;
  /** Goes on from a `state()` of the same metric. */
  restore(state: MetricState): void;
  /** Takes what another metric of the same name has seen, such as that of another worker. */
  merge(state: MetricState): void;
}

const definitions: Readonly<Record<string, AnyDefinition>> = { ...plainMetrics, ...averagedMetrics };

/** Makes a metric. Throws FLOCK_ML_SCORER for a name that is not known, FLOCK_OPTION_INVALID for a wrong option. */
export function createMetric(metric: MetricName | MetricOptions): Metric {
  const options: MetricOptions = typeof metric === "string" ? { name: metric } : metric;
  checkOptions(options);
  const { base, average: inName } = findMetric(options.name);
  const average = options.average ?? inName;
  const definition = definitions[base] as AnyDefinition;
  if (options.average !== undefined && !(Object.hasOwn(averagedMetrics, base) && inName === null)) {
    throw wrongOption(
      `${show(options.name)} takes no average. Those that do: ${Object.keys(averagedMetrics).join(", ")}.`,
    );
  }
  const name = options.as ?? (average === null ? base : nameWith(base, average));
  return accumulating(name, definition, average, options.threshold ?? 0.5);
}

/** The metric of one batch. */
export function scoreOnce(
  metric: MetricName | MetricOptions,
  yTrue: MetricInput,
  yPred: MetricInput,
  weights?: ArrayLike<number>,
): number {
  const made = createMetric(metric);
  made.update(yTrue, yPred, weights);
  return made.result();
}

/** Every name that `createMetric` takes. */
export const metricNames: readonly MetricName[] = [
  ...Object.keys(plainMetrics),
  ...Object.keys(averagedMetrics).flatMap((name) => [name, ...averages.map((average) => nameWith(name, average))]),
] as MetricName[];

/** Makes the metric of a definition. */
export function accumulating<R>(
  name: string,
  definition: AnyDefinition<R>,
  average: LabelAverage | null,
  threshold: number,
): Metric<R> {
  const { keep, tell, mode } = definition;
  let state = keep.start();
  return {
    name,
    mode,
    update(yTrue, yPred, weights) {
      const batch = paired(yTrue, yPred, weights);
      keep.add(state, batch, threshold);
      if (hasNaN(batch)) keep.spoil(state);
    },
    result: () => tell(state, average),
    reset() {
      state = keep.start();
    },
    state: () => structuredClone(state),
    restore(kept) {
      state = sameKind(name, kept, state);
    },
    merge: (other) => keep.merge(state, sameKind(name, other, state)),
  };
}

/** A copy of another metric's state. */
function sameKind(name: string, given: MetricState, own: MetricState): MetricState {
  if (typeof given === "object" && given !== null && Object.keys(own).every((key) => key in given)) {
    return structuredClone(given);
  }
  throw new FlockError(
    "FLOCK_ML_INPUT",
    `This is no state of the metric "${name}". Give what state() of the same metric told.`,
  );
}

function nameWith(base: string, average: LabelAverage): string {
  return base + average.charAt(0).toUpperCase() + average.slice(1);
}

interface Found {
  readonly base: string;
  readonly average: LabelAverage | null;
}

function findMetric(name: string): Found {
  if (Object.hasOwn(definitions, name)) return { base: name, average: null };
  for (const base of Object.keys(averagedMetrics)) {
    const average = averages.find((one) => nameWith(base, one) === name);
    if (average !== undefined) return { base, average };
  }
  throw new FlockError(
    "FLOCK_ML_SCORER",
    `There is no metric ${show(name)}. Known: ${Object.keys(plainMetrics).join(", ")}; and, alone or with Macro, Micro, Weighted or ` +
      `Samples at the end, ${Object.keys(averagedMetrics).join(", ")}.`,
  );
}

const optionNames = ["name", "threshold", "average", "as"];

function checkOptions(options: MetricOptions): void {
  if (typeof options !== "object" || options === null) {
    throw wrongOption(`A metric is a name or { ${optionNames.join(", ")} }, not ${show(options)}.`);
  }
  const unknown = Object.keys(options).find((key) => !optionNames.includes(key));
  if (unknown !== undefined)
    throw wrongOption(`A metric has no option ${show(unknown)}. It has ${optionNames.join(", ")}.`);
  const { threshold, average, as } = options;
  if (threshold !== undefined && !Number.isFinite(threshold))
    throw wrongOption(`threshold is ${show(threshold)}, not a number.`);
  if (average !== undefined && !averages.includes(average)) {
    throw wrongOption(`average is ${show(average)}. Known: ${averages.join(", ")}.`);
  }
  if (as !== undefined && typeof as !== "string") throw wrongOption(`as is ${show(as)}, not a text.`);
}

function wrongOption(message: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", message);
}
