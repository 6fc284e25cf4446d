// Seldom questions, answered from what is known. Each area of the machine brings the handlers of its own questions.

import type { Ask, Question, TaskNumber } from "@taskflock/protocol/words";
import { actorHandlers } from "./actor-questions.ts";
import { addWaiting, answer } from "./answers.ts";
import { callOf, referToInputs } from "./calls.ts";
import type { Core } from "./core.ts";
import { dataHandlers } from "./data-questions.ts";
import { runHandlers } from "./detached.ts";
import { equipmentHandlers } from "./equipment-questions.ts";
import { clusterInfo, workerInfo } from "./info.ts";
import { namedWorkers, notFound } from "./named-workers.ts";
import { placeHandlers } from "./page-places.ts";
import { pageHandlers } from "./page-questions.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { restartHandlers } from "./restart.ts";
import { retire } from "./retire.ts";
import { scaleHandlers } from "./scale.ts";
import { sharedHandlers } from "./shared-questions.ts";
import { talkHandlers } from "./talk.ts";
import { answerWaiters } from "./waiters.ts";
import { watchHandlers } from "./watch.ts";
import { whyHandlers } from "./why.ts";

/** Does what the question asks for, and answers it now (`answer`) or later (`sayAnswer`, with the same id). */
export type Handlers<Q extends Question["q"]> = {
  readonly [K in Q]: (core: Core, session: Session, id: number, question: Extract<Question, { q: K }>) => void;
};

const handlers: Handlers<Question["q"]> = {
  ...runHandlers,
  ...watchHandlers,
  ...talkHandlers,
  ...pageHandlers,
  ...placeHandlers,
  cluster: (core, session, id) => answer(core, session, id, () => ({ value: clusterInfo(core), error: null })),
  story: (core, session, id, { n }) => answer(core, session, id, () => storyOf(core, session, n)),
  retire: (core, session, id, { workers }) => {
    // What it does is done now; what it says is read when the client can read.
    retireNamed(core, workers, `${session.name} asked for that`);
    answer(core, session, id, () => retired(core, workers));
  },
  waitForWorkers: (core, session, id, { count }) => {
    addWaiting(core, session, core.waiters, { session: session.id, id, count });
    answerWaiters(core);
  },
  call: (core, session, id, { n }) => answer(core, session, id, () => callOf(session, n)),
  inputs: (core, session, id, { n, as }) => {
    const referred = referToInputs(core, session, n, as);
    answer(core, session, id, () => referred);
  },
  ...whyHandlers,
  ...actorHandlers,
  ...dataHandlers,
  ...equipmentHandlers,
  ...sharedHandlers,
  ...scaleHandlers,
  ...restartHandlers,
  ping: (core, session, id) => answer(core, session, id, () => ({ value: null, error: null })),
};

export function answerQuestion(core: Core, session: Session, { id, question }: Ask): void {
  const handle = handlers[question.q] as Handlers<"ping">["ping"];
  handle(core, session, id, question as never);
}

export function retireNamed(core: Core, names: readonly string[], why: string): void {
  for (const worker of namedWorkers(core, names)) retire(core, worker, why);
}

function storyOf(core: Core, session: Session, n: TaskNumber): QuestionAnswer {
  const task = session.tasks.get(n);
  if (task !== undefined) return { value: core.story.of(task.id), error: null };
  const message = `Task ${n} is not known: it was released or never submitted.`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}

function retired(core: Core, asked: readonly string[]): QuestionAnswer {
  const workers = namedWorkers(core, asked);
  return notFound(asked, workers) ?? { value: workers.map(workerInfo), error: null };
}
