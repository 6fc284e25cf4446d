// The fields of the questions that the status page asks.

import { PAGE_GRAPH_NODES, PAGE_SPANS, PAGE_TASKS, type PageQuestion, taskStatuses } from "../words/index.ts";
import { choice, type Field, int, list, record } from "./fields.ts";
import { key, name, natural, positive, taskId } from "./terms.ts";

type Table = {
  readonly [K in PageQuestion["q"]]: {
    readonly [F in Exclude<keyof Extract<PageQuestion, { q: K }>, "q">]: Field;
  };
};

const filter = record({ text: name, status: choice("", ...taskStatuses), function: name, worker: name, run: natural });

export const pageQuestions: Table = {
  pageOverview: {},
  pageWorkers: { workers: list(positive, 10_000) },
  pageWorker: { name },
  pageGone: { limit: int(1, 1_000) },
  pageSpans: { since: natural, limit: int(1, PAGE_SPANS) },
  pageTasks: { filter, before: natural, limit: int(1, PAGE_TASKS) },
  pageTask: { task: taskId, key },
  pageFunction: { hash: name },
  pageGraph: { run: natural, task: taskId, limit: int(1, PAGE_GRAPH_NODES) },
  pageTransfers: {},
  pageDetails: { run: natural, since: natural, limit: int(1, 1_000) },
  pageFailures: { limit: int(1, PAGE_TASKS) },
  pageCancel: { tasks: list(taskId, 10_000), run: natural, who: name },
};
