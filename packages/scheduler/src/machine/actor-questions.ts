// An actor that is there, by its key, for clients that did not make it.

import type { TaskNumber } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import { ACTOR, type QuestionAnswer, type Session } from "./records.ts";
import { refer } from "./submit.ts";

export const actorHandlers: Handlers<"actor"> = {
  actor: (core, session, id, { key, as }) => {
    const referred = referToActor(core, session, key, as);
    answer(core, session, id, () => referred);
  },
};

/** Asked again after a cut, it finds the reference that it made. */
function referToActor(core: Core, session: Session, key: string, n: TaskNumber): QuestionAnswer {
  if (session.tasks.has(n)) return { value: null, error: null };
  const task = core.keys.get(key);
  if (task !== undefined && (task.flags & ACTOR) !== 0) {
    refer(core, session, n, task);
    return { value: null, error: null };
  }
  const message = `No actor has the key ${key}: it has ended, was lost, or was never made. Whoever makes it keeps it while others use it.`;
  return { value: null, error: { code: "FLOCK_ACTOR_LOST", message } };
}
