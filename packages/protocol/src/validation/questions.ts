// The fields of every question.

import { FlockError, isFlockError, type Question } from "../words/index.ts";
import { codePlaces, toldPlaces } from "./code-places.ts";
import {
  checkField,
  choice,
  type Field,
  flag,
  int,
  list,
  nullable,
  optionalPayload,
  payload,
  record,
  variants,
} from "./fields.ts";
import { pageQuestions } from "./page-questions.ts";
import { sharedQuestions } from "./shared-objects.ts";
import { bytes, key, line, MAX_ELEMENTS, millis, name, natural, positive } from "./terms.ts";

/** Each entry has exactly the fields of its question. */
type Table = {
  readonly [K in Question["q"]]: { readonly [F in Exclude<keyof Extract<Question, { q: K }>, "q">]: Field };
};

const numbers: Field = list(positive, MAX_ELEMENTS);
const gearKind: Field = choice("plugin", "file");
const workers: Field = list(name, 10_000);

const questions = {
  cluster: {},
  story: { n: positive },
  storyOfKey: { key },
  why: { n: positive },
  whyKey: { key },
  retire: { workers: list(name, 10_000) },
  waitForWorkers: { count: natural },
  call: { n: positive },
  inputs: { n: positive, as: list(positive, MAX_ELEMENTS) },
  actor: { key: name, as: positive },
  publish: { name, ns: numbers, override: flag, data: payload("dataBytes"), dataBytes: bytes },
  dataset: { name },
  referToDataset: { name, version: natural, as: numbers },
  unpublish: { name, version: natural },
  datasets: {},
  fireAndForget: { ns: numbers },
  replicate: { ns: numbers, copies: positive, workers },
  rebalance: { ns: nullable(numbers), workers },
  whoHas: { ns: numbers },
  hasWhat: { workers },
  scale: { targetDurationMs: millis, slots: positive },
  retireIdle: { workers: list(name, 10_000), reason: line },
  scaledUp: { count: natural, reason: line },
  restart: {},
  restartWorkers: { workers: list(name, 10_000) },
  waitForNamed: { workers: list(name, 10_000) },
  attach: { name, as: positive },
  attachTasks: { run: natural, after: natural, as: list(positive, 1_000) },
  forgetRun: { run: natural },
  ping: {},
  events: { since: natural, limit: int(1, 1_000), wait: flag },
  logs: { filter: record({ worker: name, key, run: name }), since: natural, limit: int(1, 1_000), wait: flag },
  note: { text: line },
  startProfile: { workers: list(name, 10_000), intervalUs: int(50, 1_000_000) },
  takeProfile: { worker: name },
  dump: { section: choice("tasks", "story"), from: natural, limit: int(1, 1_000) },
  filePart: { draft: positive, part: natural, data: payload("dataBytes"), dataBytes: bytes },
  equip: {
    kind: gearKind,
    name,
    override: flag,
    draft: natural,
    functions: numbers,
    data: optionalPayload("dataBytes"),
    dataBytes: bytes,
  },
  hearReports: { n: positive },
  tellTask: { n: positive, data: payload("dataBytes"), dataBytes: bytes },
  unequip: { kind: gearKind, name },
  equipment: { kind: gearKind },
  ...sharedQuestions,
  ...pageQuestions,
  pagePlaces: { places: codePlaces },
  tellPlaces: { places: toldPlaces },
} satisfies Table;

export const question: Field = variants("q", questions);

/**
 * Checks a question without payloads as the scheduler would, which closes the connection for one that is malformed: whoever asks for others
 * must not lose it. Throws FLOCK_ARGUMENT_INVALID.
 */
export function checkQuestion(asked: Question): void {
  try {
    checkField(question, asked, asked.q);
  } catch (cause) {
    if (!isFlockError(cause, "FLOCK_PROTOCOL")) throw cause;
    throw new FlockError("FLOCK_ARGUMENT_INVALID", cause.message.replace(" The connection is closed.", ""), { cause });
  }
}
