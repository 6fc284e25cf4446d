// Published data: a name for results and the structure in which they stand, which outlives the client that gave it.

import type { DatasetContent, DatasetFacts, PayloadRef, Question, TaskNumber } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Dataset } from "./kept.ts";
import type { QuestionAnswer, Session, Task } from "./records.ts";
import { addRef, keyOf, removeRef } from "./references.ts";
import { ITEM_BYTES } from "./shared-objects.ts";
import { refer } from "./submit.ts";

type Publish = Extract<Question, { q: "publish" }>;

/** The longest list of names in an error. */
const NAMES_SHOWN = 20;
const DONE: QuestionAnswer = { value: null, error: null };

export function answerPublish(core: Core, session: Session, id: number, question: Publish): void {
  const before = core.kept.recall(session.id, id);
  if (before !== null) core.port.free(question.data);
  const said = before ?? core.kept.remember(session.id, id, publish(core, session, question));
  answer(core, session, id, () => said);
}

export function answerDataset(core: Core, session: Session, id: number, name: string): void {
  answer(core, session, id, () => {
    const dataset = core.kept.datasets.get(name);
    if (dataset === undefined) return unknown(core, name);
    const { version, data, dataBytes } = dataset;
    const results = tasksOf(core, dataset).map((task) => ({ name: task.name, key: keyOf(task) }));
    return { value: { version, results } satisfies DatasetContent, error: null, data, dataBytes };
  });
}

export function answerReferToDataset(
  core: Core,
  session: Session,
  id: number,
  { name, version, as }: Extract<Question, { q: "referToDataset" }>,
): void {
  const dataset = core.kept.datasets.get(name);
  const known = dataset !== undefined && dataset.version === version && dataset.results.length === as.length;
  if (known) {
    for (const [index, task] of tasksOf(core, dataset).entries()) {
      // Asked again after a cut, it finds the references that it made.
      if (!session.tasks.has(as[index]!)) refer(core, session, as[index]!, task);
    }
  }
  const said = known ? DONE : unknown(core, name);
  answer(core, session, id, () => said);
}

export function answerUnpublish(core: Core, session: Session, id: number, name: string, version: number): void {
  const dataset = core.kept.datasets.get(name);
  if (dataset?.version === version) {
    remove(core, dataset);
    core.happened("unpublished", session.name, name);
  }
  answer(core, session, id, () => DONE);
}

/** Everything is to go. */
export function unpublishAll(core: Core, who: string): void {
  for (const dataset of [...core.kept.datasets.values()]) {
    remove(core, dataset);
    core.happened("unpublished", who, `${dataset.name}: the cluster is restarted`);
  }
}

export function answerDatasets(core: Core, session: Session, id: number): void {
  answer(core, session, id, () => ({ value: datasetInfos(core), error: null }));
}

export function datasetInfos(core: Core): DatasetFacts[] {
  return [...core.kept.datasets.values()].map((dataset) => {
    const { name, results, dataBytes, by, at } = dataset;
    const bytes = tasksOf(core, dataset).reduce((sum, task) => sum + task.bytes, dataBytes);
    return { name, results: results.length, bytes, by, agoMs: Math.max(0, Math.round((core.now - at) / 1000)) };
  });
}

/** The payload of the question is its own from now on. */
function publish(core: Core, session: Session, question: Publish): QuestionAnswer {
  const { name, ns, override, data, dataBytes } = question;
  const { kept } = core;
  const known = kept.datasets.get(name);
  const missing = ns.find((n) => !session.tasks.has(n));
  if (missing !== undefined) return refuse(core, data, taskUnknown(missing));
  if (known !== undefined && !override) return refuse(core, data, exists(known));
  const full = whyFull(core, question, known);
  if (full !== null) return refuse(core, data, full);
  const results = ns.map((n) => {
    const own = kept.newNumber();
    addRef(kept.session, own, session.tasks.get(n)!);
    return own;
  });
  if (known !== undefined) remove(core, known);
  const by = session.name;
  const version = ++kept.lastVersion;
  kept.bytes += costOf(question);
  kept.datasets.set(name, { name, version, results, data, dataBytes, by, at: core.now });
  core.happened("published", by, `${name}: ${results.length} results`);
  return DONE;
}

function refuse(core: Core, data: PayloadRef, said: QuestionAnswer): QuestionAnswer {
  core.port.free(data);
  return said;
}

function remove(core: Core, dataset: Dataset): void {
  const { session, datasets } = core.kept;
  datasets.delete(dataset.name);
  core.kept.bytes -= costOf({ ns: dataset.results, dataBytes: dataset.dataBytes });
  for (const n of dataset.results) removeRef(core, session, n, session.tasks.get(n)!);
  core.port.free(dataset.data);
}

function tasksOf(core: Core, { results }: Dataset): Task[] {
  return results.map((n) => core.kept.session.tasks.get(n)!);
}

export function taskUnknown(n: TaskNumber): QuestionAnswer {
  const message = `Task ${n} is not known: it was released or never submitted.`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}

/** What the scheduler itself keeps, bytes: names are the clients' to choose, so what stands under them has a bound. */
export function costOf({ ns, dataBytes }: Pick<Publish, "ns" | "dataBytes">): number {
  return dataBytes + ITEM_BYTES * (1 + ns.length);
}

function whyFull(core: Core, question: Publish, replaced: Dataset | undefined): QuestionAnswer | null {
  const { sharedBudgetBytes } = core.config;
  const gone = replaced === undefined ? 0 : costOf({ ns: replaced.results, dataBytes: replaced.dataBytes });
  if (core.kept.bytes - gone + costOf(question) <= sharedBudgetBytes) return null;
  const message = `What is published takes ${core.kept.bytes} of ${sharedBudgetBytes} bytes at the scheduler. Unpublish some of it first, or scatter the data and publish its future.`;
  return { value: null, error: { code: "FLOCK_SHARED_FULL", message } };
}

function exists({ name, by }: Dataset): QuestionAnswer {
  const message = `Data is published as "${name}" already, by ${by}. Give another name, unpublish it first, or publish with { override: true }.`;
  return { value: null, error: { code: "FLOCK_DATASET_EXISTS", message } };
}

function unknown(core: Core, name: string): QuestionAnswer {
  const names = [...core.kept.datasets.keys()];
  const shown = names.slice(0, NAMES_SHOWN).map((known) => `"${known.slice(0, 100)}"`);
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} others` : "";
  const there = names.length === 0 ? "nothing is published" : `published are ${shown.join(", ")}${rest}`;
  const message = `No data is published as "${name}"; ${there}.`;
  return { value: null, error: { code: "FLOCK_DATASET_UNKNOWN", message } };
}
