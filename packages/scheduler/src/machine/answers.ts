// Answers to questions, said when the client can read.

import { NO_PAYLOAD, type Question, type SessionId } from "@taskflock/protocol/words";
import { sayAnswer } from "./announce.ts";
import type { Core } from "./core.ts";
import type { SchedulerPort } from "./port.ts";
import type { QuestionAnswer, Session } from "./records.ts";

/** Whoever waits for an answer to a question. */
interface Waiting {
  readonly session: SessionId;
  readonly id: number;
}

/** `make` is called when the answer can be said: now, or when the client reads again. */
export function answer(core: Core, session: Session, id: number, make: () => QuestionAnswer): void {
  if (core.canTell(session)) sayAnswer(core, session, id, make());
  else if (!session.isOrphan) session.asks.push({ id, answer: make });
}

/** What a question leads to is done once, however often it is asked. */
export function once(core: Core, { id: session }: Session, id: number, act: () => QuestionAnswer): QuestionAnswer {
  return core.kept.recall(session, id) ?? core.kept.remember(session, id, act());
}

/** All that is needed to free what came with a message. */
export interface Freeing {
  readonly port: Pick<SchedulerPort, "free">;
}

/** What a question brought, of a client that is gone or asks out of turn. */
export function freeQuestion({ port }: Freeing, question: Question): void {
  if ("data" in question && question.data !== NO_PAYLOAD) port.free(question.data);
}

/** One more waits in the list. Asked again after a cut, it is the same question, which is answered once. */
export function addWaiting<W extends Waiting>(list: W[], waiting: W): void {
  const known = list.findIndex(({ session, id }) => session === waiting.session && id === waiting.id);
  if (known >= 0) list[known] = waiting;
  else list.push(waiting);
}

/** The client is gone: nobody waits for these answers. */
export function forgetWaiting(core: Core, gone: SessionId): void {
  for (const list of [core.waiters, core.returning, core.watchers] as Waiting[][]) {
    const left = list.filter(({ session }) => session !== gone);
    if (left.length < list.length) list.splice(0, list.length, ...left);
  }
}
