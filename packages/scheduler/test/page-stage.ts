// Questions of the status page, asked on a stage, and their answers.

import type { Answer, AnswerOf, PageQuestion, SessionId, TaskFilter } from "@taskflock/protocol/words";
import type { Stage } from "./machine-stage.ts";

export const ALL: TaskFilter = { text: "", status: "", function: "", worker: "", run: 0 };
/** A session that only asks. */
export const OBSERVER = 900;
let lastId = 0;

export function observe(stage: Stage, id = OBSERVER): void {
  stage.speakable.add(`c${id}`);
  stage.step({ e: "clientJoined", session: id as SessionId, name: "dashboard", observer: true });
}

/** The whole answer to one question. */
export function answerTo(stage: Stage, question: PageQuestion, session = OBSERVER, id = ++lastId): Answer {
  stage.say(session, { t: "ask", id, question });
  const answers = stage.told(session).filter((m): m is Answer => m.t === "answer" && m.id === id);
  if (answers.length !== 1) throw new Error(`${answers.length} answers to ${question.q}`);
  return answers[0]!;
}

export function ask<Q extends PageQuestion>(stage: Stage, question: Q, session = OBSERVER): AnswerOf<Q> {
  const { value, error } = answerTo(stage, question, session);
  if (error !== null) throw new Error(`${error.code}: ${error.message}`);
  return value as AnswerOf<Q>;
}
