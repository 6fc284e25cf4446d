// Seldom questions, answered from what is known.

import type { Ask, Question } from "@taskflock/protocol/words";
import { sayAnswer } from "./announce.ts";
import { callOf, referToInputs } from "./calls.ts";
import type { Core } from "./core.ts";
import { clusterInfo, workerInfo, workerInfos } from "./info.ts";
import { takesTasks } from "./lanes.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { retire } from "./retire.ts";

export function answerQuestion(core: Core, session: Session, ask: Ask): void {
  const { id, question } = ask;
  if (question.q === "waitForWorkers") {
    core.waiters.push({ session: session.id, id, count: question.count });
    answerWaiters(core);
    return;
  }
  // What it does is done now; what it says is read when the client can read.
  if (question.q === "retire") retireNamed(core, question.workers);
  if (question.q === "inputs") {
    const referred = referToInputs(core, session, question.n, question.as);
    answer(core, session, id, () => referred);
    return;
  }
  answer(core, session, id, () => answerTo(core, session, question));
}

/** Enough workers are there for some who wait for that. */
export function answerWaiters(core: Core): void {
  if (core.waiters.length === 0) return;
  let there = 0;
  for (const worker of core.workers.values()) if (takesTasks(worker)) there++;
  const waiting = core.waiters.splice(0);
  for (const waiter of waiting) {
    const session = core.sessions.get(waiter.session);
    if (session === undefined) continue;
    if (there < waiter.count) core.waiters.push(waiter);
    else answer(core, session, waiter.id, () => ({ value: workerInfos(core), error: null }));
  }
}

export function retireNamed(core: Core, names: readonly string[]): void {
  for (const worker of core.workers.values()) if (names.includes(worker.name)) retire(core, worker);
}

function answer(core: Core, session: Session, id: number, make: () => QuestionAnswer): void {
  if (core.canTell(session)) sayAnswer(core, session, id, make());
  else session.asks.push({ id, answer: make });
}

function answerTo(core: Core, session: Session, question: Question): QuestionAnswer {
  switch (question.q) {
    case "cluster":
      return { value: clusterInfo(core), error: null };
    case "story": {
      const task = session.tasks.get(question.n);
      if (task !== undefined) return { value: core.story.of(task.id), error: null };
      const message = `Task ${question.n} is not known: it was released or never submitted.`;
      return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
    }
    case "retire":
      return retired(core, question.workers);
    case "call":
      return callOf(session, question.n);
    default:
      return { value: null, error: null };
  }
}

function retired(core: Core, asked: readonly string[]): QuestionAnswer {
  const workers = [...core.workers.values()].filter((w) => asked.includes(w.name));
  const unknown = asked.filter((name) => !workers.some((w) => w.name === name));
  if (unknown.length === 0) return { value: workers.map(workerInfo), error: null };
  const names = unknown.join(", ").slice(0, 1024);
  const message = `No worker is named ${names}; \`client.workers()\` lists those that are there.`;
  return { value: null, error: { code: "FLOCK_WORKER_UNKNOWN", message } };
}
