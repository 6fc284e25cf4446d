// What clients may tell of their runs: short names, readable values, finite numbers, and a bound for the whole message.

import { DETAIL_ENTRIES, DETAIL_UNITS, type DetailEntry, detailTexts, detailUnits } from "../words/index.ts";
import {
  bounded,
  checkField,
  choice,
  type Field,
  finite,
  flag,
  int,
  list,
  named,
  nullable,
  scalar,
  text,
  variants,
} from "./fields.ts";
import { bytes, natural } from "./terms.ts";

const name = text(detailTexts.name);
const long = text(detailTexts.line);
const seconds: Field = finite;
const score: Field = nullable(finite);
const trial = int(-1, 2 ** 31 - 1);
const names = list(name, detailTexts.names);

const entry = variants("e", {
  search: {
    kind: name,
    estimator: name,
    parameters: names,
    scorings: names,
    mode: choice("min", "max"),
    folds: natural,
    total: nullable(natural),
  },
  candidate: {
    candidate: natural,
    values: list(scalar(detailTexts.value), detailTexts.names),
    round: natural,
    resources: score,
  },
  fold: {
    candidate: natural,
    fold: natural,
    scores: list(score, detailTexts.names),
    fitSeconds: seconds,
    scoreSeconds: seconds,
    error: long,
  },
  best: { candidate: natural, refitSeconds: nullable(seconds) },
  training: { trial, model: name, parameters: natural, epochs: natural, samples: natural, workers: natural },
  epoch: {
    trial,
    epoch: natural,
    step: natural,
    seconds,
    learningRate: score,
    values: named(score, detailTexts.names),
    isBest: flag,
  },
  checkpoint: { trial, epoch: natural, where: long, bytes },
  remark: { trial, text: long },
});

export const detailEntries: Field = bounded(list(entry, DETAIL_ENTRIES), DETAIL_UNITS, detailUnits);

/** Whether an entry may be told: one that may not would close the connection. */
export function isDetailEntry(value: unknown): value is DetailEntry {
  try {
    checkField(entry, value, "entry");
    return detailUnits(value) <= DETAIL_UNITS - 16;
  } catch {
    return false;
  }
}
