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

/** Questions of one session that wait in a list, which is gone through whenever something happens. */
export const MAX_WAITING = 1_000;

/**
 * One more waits in the list. Asked again after a cut, it is the same question, which is answered once. Where too many of the session's
 * wait it is refused.
 */
export function addWaiting<W extends Waiting>(core: Core, session: Session, list: W[], waiting: W): void {
  let many = 0;
  for (let i = 0; i < list.length; i++) {
    if (list[i]!.session !== waiting.session) continue;
    many++;
    if (list[i]!.id !== waiting.id) continue;
    list[i] = waiting;
    return;
  }
  if (many < MAX_WAITING) list.push(waiting);
  else answer(core, session, waiting.id, () => ({ value: null, error: tooManyWait }));
}

const tooManyWait = {
  code: "FLOCK_WAITS_FULL",
  message: `${MAX_WAITING} questions of this client wait already for what they ask to happen.`,
} as const;

/** The client is gone: nobody waits for these answers. */
export function forgetWaiting(core: Core, gone: SessionId): void {
  for (const list of [core.waiters, core.returning, core.watchers] as Waiting[][]) {
    const left = list.filter(({ session }) => session !== gone);
    if (left.length < list.length) list.splice(0, list.length, ...left);
  }
}
