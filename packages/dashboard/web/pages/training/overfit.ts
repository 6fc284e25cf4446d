// Whether a training over-fits, in a sentence, from its loss and validation loss by epoch.

import { median } from "../../../server/details/figures.ts";
import type { TrainingEpoch } from "../../../server/details/training-table.ts";
import { figure } from "../searches/leader.ts";

export type Fit =
  | "no validation"
  | "too early"
  /** A loss is not a number. */
  | "diverged"
  /** Validation loss rises, training loss falls. */
  | "over-fits"
  /** Validation loss stands still, training loss falls. */
  | "levelled off"
  | "diverges"
  | "fine";

export interface FitVerdict {
  readonly fit: Fit;
  /** The epoch with the lowest validation loss; null when there is none. */
  readonly bestEpoch: number | null;
  readonly sentence: string;
}

interface Point {
  readonly epoch: number;
  readonly loss: number;
  readonly valLoss: number;
}

/** Epochs that are needed before anything is said, and those after the lowest validation loss. */
const FEWEST = 5;
const AFTER = 3;
/** So many epochs without progress are no chance. */
const STILL = 6;

export function fitVerdict(history: readonly TrainingEpoch[]): FitVerdict {
  const broken = history.find(({ values }) => values["loss"] === null || values["valLoss"] === null);
  if (broken !== undefined) {
    const sentence = `The loss is not a number since epoch ${broken.epoch}: the training has diverged. A lower learning rate may help.`;
    return { fit: "diverged", bestEpoch: bestOf(pointsOf(history))?.epoch ?? null, sentence };
  }
  const points = pointsOf(history);
  if (points.length === 0) {
    const none = history.length === 0;
    return {
      fit: none ? "too early" : "no validation",
      bestEpoch: null,
      sentence: none
        ? "No epoch has ended yet."
        : "No validation data: whether it over-fits cannot be told. Train with validationData or validationSplit to see it.",
    };
  }
  return judge(points);
}

function pointsOf(history: readonly TrainingEpoch[]): Point[] {
  return history.flatMap(({ epoch, values }) => {
    const { loss, valLoss } = values as { readonly loss?: number | null; readonly valLoss?: number | null };
    return typeof loss === "number" && typeof valLoss === "number" ? [{ epoch, loss, valLoss }] : [];
  });
}

function judge(points: readonly Point[]): FitVerdict {
  const best = bestOf(points);
  const bestAt = best === null ? 0 : points.indexOf(best);
  const bestEpoch = best?.epoch ?? null;
  if (points.length < FEWEST) {
    const count = points.length === 1 ? "1 epoch" : `${points.length} epochs`;
    return { fit: "too early", bestEpoch, sentence: `${count} so far: too few to tell whether it over-fits.` };
  }
  const after = points.length - 1 - bestAt;
  const valLoss = changeSince(
    points.map((point) => point.valLoss),
    bestAt,
  );
  const loss = changeSince(
    points.map((point) => point.loss),
    bestAt,
  );
  return { bestEpoch, ...verdict(after, valLoss, loss, best, points.at(-1)) };
}

function verdict(
  after: number,
  valLoss: Direction,
  loss: Direction,
  best: Point | null,
  last: Point | undefined,
): Pick<FitVerdict, "fit" | "sentence"> {
  const since = `since epoch ${best?.epoch}`;
  const fromTo = `(${figure(best?.valLoss ?? null)} then, ${figure(last?.valLoss ?? null)} now)`;
  const bestEpoch = `best epoch ${best?.epoch}`;
  if (after >= AFTER && valLoss === "rises" && loss === "falls") {
    const sentence = `Validation loss has risen ${since} ${fromTo} while training loss still falls: it over-fits; ${bestEpoch}.`;
    return { fit: "over-fits", sentence };
  }
  if (after >= AFTER && valLoss === "rises") {
    const how = loss === "rises" ? "so has training loss" : "training loss no longer falls";
    return {
      fit: "diverges",
      sentence: `Validation loss has risen ${since} ${fromTo}, and ${how}: it does not learn any more; ${bestEpoch}.`,
    };
  }
  if (after >= STILL && loss === "falls") {
    const sentence = `Validation loss has not fallen ${since} while training loss still falls: more epochs will make it over-fit; ${bestEpoch}.`;
    return { fit: "levelled off", sentence };
  }
  if (after >= STILL) {
    return {
      fit: "levelled off",
      sentence: `Neither loss has fallen ${since}: it has learnt what it can; ${bestEpoch}.`,
    };
  }
  return {
    fit: "fine",
    sentence: `Validation loss still falls with training loss: it does not over-fit; ${bestEpoch} so far.`,
  };
}

function bestOf(points: readonly Point[]): Point | null {
  let best: Point | null = null;
  for (const point of points) if (best === null || point.valLoss < best.valLoss) best = point;
  return best;
}

type Direction = "rises" | "falls" | "stands";

/** From around `from` to the end: medians of three, so that one odd epoch does not count, against what the epochs jump about. */
function changeSince(values: readonly number[], from: number): Direction {
  const smooth = values.map((_, at) => median(values.slice(Math.max(0, at - 1), at + 2)));
  const then = smooth[from] ?? 0;
  const now = median(values.slice(-3));
  const least = Math.max(3 * noise(values), 0.01 * Math.abs(then));
  if (now - then > least && risingShare(values.slice(from)) >= 0.7) return "rises";
  return then - now > Math.min(least, 0.05 * Math.abs(then)) ? "falls" : "stands";
}

/** How far an epoch lies off its neighbours, typically: third differences, so that a steady rise or a bend is no noise. */
function noise(values: readonly number[]): number {
  let differences = values;
  for (let order = 0; order < 3; order++) {
    const before = differences;
    differences = before.slice(1).map((value, at) => value - (before[at] ?? 0));
  }
  return (1.4826 * median(differences.map(Math.abs))) / Math.sqrt(20);
}

/** Of all pairs of epochs, how many have the higher value later: about half where there is no trend. */
function risingShare(values: readonly number[]): number {
  let rising = 0;
  let pairs = 0;
  for (const [later, value] of values.slice(-60).entries()) {
    for (const earlier of values.slice(-60).slice(0, later)) {
      pairs++;
      if (value > earlier) rising++;
    }
  }
  return pairs === 0 ? 0 : rising / pairs;
}
