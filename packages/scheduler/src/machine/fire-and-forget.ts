// Tasks that run to their ends though nobody waits for them: the cluster refers to them until then.

import type { TaskNumber } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { taskUnknown } from "./datasets.ts";
import type { QuestionAnswer, Session, Task } from "./records.ts";
import { addRef } from "./references.ts";
import { CANCELLED, DONE, FAILED, IDLE } from "./states.ts";

export function answerFireAndForget(core: Core, session: Session, id: number, ns: readonly TaskNumber[]): void {
  const said = core.kept.recall(session.id, id) ?? core.kept.remember(session.id, id, fireAll(core, session, ns));
  answer(core, session, id, () => said);
}

function fireAll(core: Core, session: Session, ns: readonly TaskNumber[]): QuestionAnswer {
  const missing = ns.find((n) => !session.tasks.has(n));
  if (missing !== undefined) return taskUnknown(missing);
  for (const n of ns) fire(core, session.tasks.get(n)!);
  return { value: null, error: null };
}

/** Once is enough; what has ended needs nothing. */
function fire(core: Core, task: Task): void {
  const { kept } = core;
  // Data that was lost, and comes again when a task needs it.
  if (task.state === IDLE && task.definition === null) return;
  if (task.state === DONE || task.state === FAILED || task.state === CANCELLED || kept.firedRefs(task) > 0) return;
  const n = kept.newNumber();
  kept.fired.add(n);
  addRef(kept.session, n, task);
}
