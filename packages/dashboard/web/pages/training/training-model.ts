// What the page of a training shows: chosen runs, their curves for the charts, and figures in words.

import { isValidation, type Training, validationOf } from "../../../server/details/training-table.ts";

/** One training among those that are shown; a search over trainings has many in one run. */
export interface Shown {
  readonly run: number;
  readonly name: string;
  readonly training: Training;
}

export interface Curve {
  readonly label: string;
  /** Which training, so that its curves have one colour. */
  readonly of: number;
  readonly isValidation: boolean;
  /** By the chart's `x`; null where there is nothing. */
  readonly y: readonly (number | null)[];
}

export interface Chart {
  /** Such as "loss": its validation curve stands in the same chart. */
  readonly title: string;
  readonly x: readonly number[];
  readonly curves: readonly Curve[];
}

/** Runs and trials that a chart shows at most. */
export const MOST_SHOWN = 12;

/** A chart for each figure, loss first. */
export function charts(shown: readonly Shown[]): Chart[] {
  const names = new Set(shown.flatMap(({ training }) => training.names));
  const titles = [...names].filter((name) => !isValidation(name) || !hasPlain(names, name));
  return titles.map((title) => chartOf(shown, title, [title, validationOf(title)]));
}

function hasPlain(names: ReadonlySet<string>, validation: string): boolean {
  return [...names].some((name) => validationOf(name) === validation);
}

function chartOf(shown: readonly Shown[], title: string, names: readonly string[]): Chart {
  const x = epochsOf(shown);
  const curves = shown.flatMap(({ name, training }, of) => {
    const byEpoch = new Map(training.history.map((epoch) => [epoch.epoch, epoch.values]));
    return names.flatMap((figure): Curve[] => {
      const y = x.map((epoch) => byEpoch.get(epoch)?.[figure] ?? null);
      if (y.every((value) => value === null)) return [];
      const side = isValidation(figure) ? "validation" : "training";
      const label = shown.length === 1 ? side : `${name}, ${side}`;
      return [{ label, of, isValidation: isValidation(figure), y }];
    });
  });
  return { title, x, curves };
}

/** Of one figure per epoch that is no metric. */
export function sideChart(
  shown: readonly Shown[],
  title: string,
  figure: (epoch: Training["history"][number]) => number | null,
): Chart {
  const x = epochsOf(shown);
  const curves = shown.flatMap(({ name, training }, of): Curve[] => {
    const byEpoch = new Map(training.history.map((epoch) => [epoch.epoch, figure(epoch)]));
    const y = x.map((epoch) => byEpoch.get(epoch) ?? null);
    return y.every((value) => value === null) ? [] : [{ label: name, of, isValidation: false, y }];
  });
  return { title, x, curves };
}

function epochsOf(shown: readonly Shown[]): number[] {
  const epochs = new Set(shown.flatMap(({ training }) => training.history.map(({ epoch }) => epoch)));
  return [...epochs].sort((a, b) => a - b);
}

/** "epoch 7 of 20" */
export function epochText({ history, epochs }: Training): string {
  const at = history.at(-1)?.epoch ?? 0;
  if (at === 0) return epochs === 0 ? "no epoch yet" : `no epoch of ${epochs} yet`;
  return epochs === 0 ? `epoch ${at}` : `epoch ${at} of ${epochs}`;
}

/** The last value of a figure; null while there is none. */
export function lastValue({ history }: Training, name: string): number | null {
  return history.at(-1)?.values[name] ?? null;
}

/** "loss" → "loss", "valAccuracy" → "validation accuracy" */
export function figureName(name: string): string {
  if (!isValidation(name)) return words(name);
  return `validation ${words(name.charAt(3).toLowerCase() + name.slice(4))}`;
}

function words(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, (_, before: string, next: string) => `${before} ${next.toLowerCase()}`);
}

/** In a search over trainings: which trials are shown first, the lowest last value of the figure before the others. */
export function firstTrials(all: readonly Training[], name: string, most: number): number[] {
  const known = all.flatMap((training) => {
    const value = lastValue(training, name);
    return value === null ? [] : [{ trial: training.trial, value }];
  });
  known.sort((a, b) => a.value - b.value || a.trial - b.trial);
  const chosen = known.length > 0 ? known.map(({ trial }) => trial) : all.map(({ trial }) => trial);
  return chosen.slice(0, most);
}
