// What a client told of trainings, in order: curves by epoch, checkpoints, remarks. The page, its report and the REST API share it.

import type { DetailEntry } from "@taskflock/protocol/words";
import { csvText } from "./csv.ts";
import { median } from "./figures.ts";
import type { DetailItem } from "./search-table.ts";

type EntryOf<K extends DetailEntry["e"]> = Extract<DetailEntry, { readonly e: K }>;
export type TrainingEpoch = Omit<EntryOf<"epoch">, "e" | "trial"> & { readonly at: number };
export type TrainingCheckpoint = Omit<EntryOf<"checkpoint">, "e" | "trial"> & { readonly at: number };

export interface Training {
  /** The candidate of a search over trainings; -1 for a training of its own. */
  readonly trial: number;
  readonly model: string;
  /** Weights of the model; 0 when that is not known. */
  readonly parameters: number;
  /** That it is to have, 0 when not known. */
  readonly epochs: number;
  readonly samples: number;
  readonly workers: number;
  /** By epoch. One that was done again, after a resume, stands once, as it was last. */
  readonly history: readonly TrainingEpoch[];
  /** The epoch that was best last; null when none was. */
  readonly bestEpoch: number | null;
  /** Names of what was measured: loss first, then metrics, each before its `val…`. */
  readonly names: readonly string[];
  /** Seconds until its last epoch, at the pace of the last ones; null when not known. */
  readonly secondsLeft: number | null;
  readonly checkpoints: readonly TrainingCheckpoint[];
  readonly remarks: readonly { readonly at: number; readonly text: string }[];
}

interface Draft {
  head: EntryOf<"training"> | null;
  readonly history: Map<number, TrainingEpoch>;
  readonly checkpoints: TrainingCheckpoint[];
  readonly remarks: { readonly at: number; readonly text: string }[];
}

/** From the entries of one run, in their order: its trainings by trial. */
export function trainings(items: readonly DetailItem[]): Training[] {
  const drafts = new Map<number, Draft>();
  for (const { entry, at } of items) {
    if (entry.e !== "training" && entry.e !== "epoch" && entry.e !== "checkpoint" && entry.e !== "remark") continue;
    let draft = drafts.get(entry.trial);
    if (draft === undefined) {
      draft = { head: null, history: new Map(), checkpoints: [], remarks: [] };
      drafts.set(entry.trial, draft);
    }
    add(draft, entry, at);
  }
  const told = [...drafts].filter(([, { head, history }]) => head !== null || history.size > 0);
  return told.sort(([a], [b]) => a - b).map(([trial, draft]) => trainingOf(trial, draft));
}

function add(draft: Draft, entry: EntryOf<"training" | "epoch" | "checkpoint" | "remark">, at: number): void {
  if (entry.e === "training") draft.head = entry;
  else if (entry.e === "epoch") draft.history.set(entry.epoch, { ...entry, at });
  else if (entry.e === "checkpoint") draft.checkpoints.push({ ...entry, at });
  else draft.remarks.push({ at, text: entry.text });
}

function trainingOf(trial: number, { head, history: byEpoch, checkpoints, remarks }: Draft): Training {
  const history = [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
  const epochs = head?.epochs ?? 0;
  return {
    trial,
    model: head?.model ?? "",
    parameters: head?.parameters ?? 0,
    epochs,
    samples: head?.samples ?? 0,
    workers: head?.workers ?? 0,
    history,
    bestEpoch: history.findLast(({ isBest }) => isBest)?.epoch ?? null,
    names: namesOf(history),
    secondsLeft: secondsLeft(history, epochs),
    checkpoints,
    remarks,
  };
}

function namesOf(history: readonly TrainingEpoch[]): string[] {
  const names = new Set(history.flatMap(({ values }) => Object.keys(values)));
  const plain = [...names].filter((name) => !isValidation(name));
  const ordered = [...plain.filter((name) => name === "loss"), ...plain.filter((name) => name !== "loss")];
  const paired = ordered.flatMap((name) => (names.has(validationOf(name)) ? [name, validationOf(name)] : [name]));
  return [...paired, ...[...names].filter((name) => !paired.includes(name))];
}

/** `loss` → `valLoss`, as histories name it. */
export function validationOf(name: string): string {
  return `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

export function isValidation(name: string): boolean {
  return /^val[A-Z]/.test(name);
}

/** Epochs whose pace is taken. */
const PACE = 5;

function secondsLeft(history: readonly TrainingEpoch[], epochs: number): number | null {
  const last = history.at(-1);
  if (last === undefined || epochs === 0) return null;
  return Math.max(0, epochs - last.epoch) * median(history.slice(-PACE).map(({ seconds }) => seconds));
}

/** One line for each trial and epoch. */
export function trainingCsv(all: readonly Training[]): string {
  const names = [...new Set(all.flatMap((training) => training.names))];
  const heading = ["trial", "epoch", "step", "seconds", "learning_rate", ...names, "is_best"];
  const rows = all.flatMap(({ trial, history }) =>
    history.map(({ epoch, step, seconds, learningRate, values, isBest }) => [
      ...[trial, epoch, step, seconds, learningRate, ...names.map((name) => values[name] ?? null), isBest],
    ]),
  );
  return csvText(heading, rows);
}
