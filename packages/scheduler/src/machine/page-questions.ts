// Questions of the status page, about all tasks of all clients. Answers are bounded, and so is the effort for each.

import type { PageQuestion } from "@taskflock/protocol/words";
import { answer, once } from "./answers.ts";
import type { Core } from "./core.ts";
import { pageCancel } from "./page-cancel.ts";
import { pageDetails } from "./page-details.ts";
import { pageFunction } from "./page-function.ts";
import { pageGraph } from "./page-graph.ts";
import { pageOverview } from "./page-overview.ts";
import { pageTask } from "./page-task.ts";
import { pageTasks } from "./page-tasks.ts";
import { pageTransfers } from "./page-transfers.ts";
import { pageGone, pageWorkerLife, pageWorkers } from "./page-workers.ts";
import type { Handlers } from "./questions.ts";
import type { Session } from "./records.ts";

function say(core: Core, session: Session, id: number, make: () => unknown): void {
  answer(core, session, id, () => ({ value: make(), error: null }));
}

export const pageHandlers: Handlers<PageQuestion["q"]> = {
  pageOverview: (core, session, id) => say(core, session, id, () => pageOverview(core)),
  pageWorkers: (core, session, id, { workers }) => say(core, session, id, () => pageWorkers(core, workers)),
  pageWorker: (core, session, id, { name }) => say(core, session, id, () => pageWorkerLife(core, name)),
  pageGone: (core, session, id, { limit }) => say(core, session, id, () => pageGone(core, limit)),
  pageSpans: (core, session, id, { since, limit }) => say(core, session, id, () => core.spans.page(core, since, limit)),
  pageTransfers: (core, session, id) => say(core, session, id, () => pageTransfers(core)),
  pageDetails: (core, session, id, question) => say(core, session, id, () => pageDetails(core, question)),
  pageTasks: (core, session, id, { filter, before, limit }) =>
    say(core, session, id, () => pageTasks(core, filter, before, limit)),
  pageTask: (core, session, id, { task, key }) => answer(core, session, id, () => pageTask(core, task, key)),
  pageFunction: (core, session, id, { hash }) => answer(core, session, id, () => pageFunction(core, hash)),
  pageGraph: (core, session, id, { run, task, limit }) =>
    answer(core, session, id, () => pageGraph(core, run, task, limit)),
  pageFailures: (core, session, id, { limit }) => say(core, session, id, () => core.failures.page(core, limit)),
  pageCancel: (core, session, id, { tasks, run, who }) => {
    const cancelled = once(core, session, id, () => ({ value: pageCancel(core, tasks, run, who), error: null }));
    answer(core, session, id, () => cancelled);
  },
};
