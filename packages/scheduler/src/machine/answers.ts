// Answers to questions, said when the client can read.

import { sayAnswer } from "./announce.ts";
import type { Core } from "./core.ts";
import type { QuestionAnswer, Session } from "./records.ts";

/** `make` is called when the answer can be said: now, or when the client reads again. */
export function answer(core: Core, session: Session, id: number, make: () => QuestionAnswer): void {
  if (core.canTell(session)) sayAnswer(core, session, id, make());
  else session.asks.push({ id, answer: make });
}
