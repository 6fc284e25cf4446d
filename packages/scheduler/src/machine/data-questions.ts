// Questions about data on the cluster: published, copied, moved, and where it is.

import type { HeldResults, TaskNumber } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import {
  answerDataset,
  answerDatasets,
  answerPublish,
  answerReferToDataset,
  answerUnpublish,
  taskUnknown,
} from "./datasets.ts";
import { answerFireAndForget } from "./fire-and-forget.ts";
import { conclude, type Errand, isUnderWay, newErrand } from "./moves.ts";
import { namedWorkers, notFound } from "./named-workers.ts";
import type { Handlers } from "./questions.ts";
import { planRebalance } from "./rebalance.ts";
import type { QuestionAnswer, Session, Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { replicate } from "./replicate.ts";
import { DONE } from "./states.ts";
import type { Worker } from "./worker-record.ts";

type DataQuestion =
  | "publish"
  | "dataset"
  | "referToDataset"
  | "unpublish"
  | "datasets"
  | "fireAndForget"
  | "replicate"
  | "rebalance"
  | "whoHas"
  | "hasWhat";

/** As many keys of a worker as an answer lists. */
const LISTED = 1000;

export const dataHandlers: Handlers<DataQuestion> = {
  publish: answerPublish,
  dataset: (core, session, id, { name }) => answerDataset(core, session, id, name),
  referToDataset: answerReferToDataset,
  unpublish: (core, session, id, { name, version }) => answerUnpublish(core, session, id, name, version),
  datasets: answerDatasets,
  fireAndForget: (core, session, id, { ns }) => answerFireAndForget(core, session, id, ns),
  replicate: (core, session, id, { ns, copies, workers }) => {
    move(core, session, id, "replicate", ns, workers, (errand, tasks, among) =>
      replicate(core, errand, tasks, copies, among),
    );
  },
  rebalance: (core, session, id, { ns, workers }) => {
    move(core, session, id, "rebalance", ns, workers, (errand, tasks, among) =>
      planRebalance(core, errand, ns === null ? null : tasks, among),
    );
  },
  whoHas: (core, session, id, { ns }) =>
    answer(core, session, id, () => ({ value: ns.map((n) => holdersOf(session.tasks.get(n))), error: null })),
  hasWhat: (core, session, id, { workers }) => answer(core, session, id, () => hasWhat(core, workers)),
};

/** Begins the errand, unless the question was asked before; `begin` decides what goes where. */
function move(
  core: Core,
  session: Session,
  id: number,
  what: Errand["what"],
  ns: readonly TaskNumber[] | null,
  names: readonly string[],
  begin: (errand: Errand, tasks: readonly Task[], among: readonly Worker[]) => void,
): void {
  if (isUnderWay(core, session.id, id)) return;
  const said = core.kept.recall(session.id, id) ?? missingTask(session, ns ?? []) ?? unknownWorkers(core, names);
  if (said !== null) {
    answer(core, session, id, () => said);
    return;
  }
  const errand = newErrand(session.id, id, what);
  const tasks = new Set((ns ?? []).map((n) => session.tasks.get(n)!));
  begin(errand, [...tasks], among(core, names));
  conclude(core, errand);
}

function missingTask(session: Session, ns: readonly TaskNumber[]): QuestionAnswer | null {
  const missing = ns.find((n) => !session.tasks.has(n));
  return missing === undefined ? null : taskUnknown(missing);
}

function among(core: Core, names: readonly string[]): Worker[] {
  return names.length === 0 ? [...core.workers.values()] : namedWorkers(core, names);
}

function unknownWorkers(core: Core, names: readonly string[]): QuestionAnswer | null {
  return notFound(names, namedWorkers(core, names));
}

function holdersOf(task: Task | undefined): string[] {
  if (task === undefined || task.state !== DONE) return [];
  return task.holders.map(({ worker }) => worker.name).sort();
}

function hasWhat(core: Core, names: readonly string[]): QuestionAnswer {
  const problem = unknownWorkers(core, names);
  if (problem !== null) return problem;
  const held: Record<string, HeldResults> = {};
  for (const worker of among(core, names)) {
    const largest = [...worker.holds.keys()].sort((a, b) => b.bytes - a.bytes || a.id - b.id).slice(0, LISTED);
    held[worker.name] = { count: worker.holds.size, bytes: worker.storedBytes, keys: largest.map(keyOf) };
  }
  return { value: held, error: null };
}
