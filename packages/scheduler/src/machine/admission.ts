// Submission is credited by bytes. A client knows what each task that it submits costs here, and of how many bytes it may have
// unfinished ones; it is told what those that ended have given back. Both count all that ever was, so that nothing is lost with a
// link that is cut. Whatever becomes of a submission, its cost is given back once.

import { submitCost } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { COUNTED, type Session } from "./records.ts";

/** Of a new session. */
export const noCredit: Pick<Session, "unfinishedBytes" | "creditedBytes" | "uncreditedBytes"> = {
  unfinishedBytes: 0,
  creditedBytes: 0,
  uncreditedBytes: 0,
};

/** A client is told of its credit when so much of all that it may use has come back. */
const PARTS = 16;

export function admit(session: Session, argsBytes: number): void {
  session.unfinishedBytes += submitCost(argsBytes);
}

/** Its task has ended. */
export function credit(core: Core, session: Session, argsBytes: number): void {
  const cost = submitCost(argsBytes);
  session.unfinishedBytes -= cost;
  session.uncreditedBytes += cost;
  if (isCreditDue(core, session) && core.canTell(session)) sayCredit(core, session);
}

export function isCreditDue(core: Core, session: Session): boolean {
  return session.uncreditedBytes * PARTS >= core.config.admissionBytes;
}

/** No task came of it. */
export function creditAtOnce(core: Core, session: Session, argsBytes: number): void {
  admit(session, argsBytes);
  credit(core, session, argsBytes);
}

/** To a session that can be told. */
export function sayCredit(core: Core, session: Session): void {
  session.creditedBytes += session.uncreditedBytes;
  session.uncreditedBytes = 0;
  core.tell(session, { t: "credit", bytes: session.creditedBytes });
}

/** The session whose count is not what its unfinished tasks cost. */
export function checkAdmission(core: Core): string | null {
  const found = new Map<Session, number>();
  for (const task of core.slots) {
    if (task === null || task.definition === null || (task.flags & COUNTED) !== 0) continue;
    const { session } = task.run;
    found.set(session, (found.get(session) ?? 0) + submitCost(task.argsBytes));
  }
  for (const session of core.sessions.values()) {
    const bytes = found.get(session) ?? 0;
    const counted = session.unfinishedBytes;
    if (bytes !== counted) return `session ${session.id} counts ${counted} bytes of unfinished tasks, has ${bytes}`;
  }
  return null;
}
