// What running tasks and their clients say to each other: passed on, never kept. A report that cannot be said at the moment is left out;
// the next one tells more. Bytes are lent to the port during the call.

import { NO_PAYLOAD, type Report } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { Session, Task } from "./records.ts";
import { eachRef } from "./references.ts";
import { RUNNING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Questions whose effect is remembered, so that none has it twice when it is asked again after a cut. */
const TOLD_KEPT = 64;

export const talkHandlers: Handlers<"hearReports" | "tellTask"> = {
  hearReports: (core, session, id, { n }) => {
    const known = session.tasks.has(n);
    if (known) session.hears.add(n);
    answer(core, session, id, () => (known ? { value: null, error: null } : unknown(n)));
  },
  tellTask: (core, session, id, { n, data, dataBytes }) => {
    const task = session.tasks.get(n);
    const before = session.told.get(id);
    const told = before ?? (task !== undefined && tell(core, task, data, dataBytes));
    if (data !== NO_PAYLOAD) core.port.free(data);
    if (before === undefined && task !== undefined) remember(session, id, told);
    const isKnown = task !== undefined || before !== undefined;
    answer(core, session, id, () => (isKnown ? { value: told, error: null } : unknown(n)));
  },
};

/** What a task reports, to those who asked for it. */
export function reported(core: Core, worker: Worker, { task: id, attempt, data, dataBytes }: Report): void {
  const task = core.taskById(id);
  // A second attempt beside the first is not spoken of.
  if (task !== null && task.worker === worker && task.attempt === attempt) {
    eachRef(task, (session, n) => {
      if (session.hears.has(n) && core.canTell(session)) core.tell(session, { t: "report", n, data, dataBytes });
    });
  }
  core.port.free(data);
}

export function checkTalk(core: Core): string | null {
  for (const session of core.sessions.values()) {
    for (const n of session.hears) {
      if (!session.tasks.has(n)) return `session ${session.id} hears reports of ${n}, to which it does not refer`;
    }
    if (session.told.size > TOLD_KEPT) return `session ${session.id} remembers ${session.told.size} words to tasks`;
  }
  return null;
}

/** False when no code of it runs that could hear. */
function tell(core: Core, task: Task, data: Parameters<Core["port"]["free"]>[0], dataBytes: number): boolean {
  const { worker, attempt, state } = task;
  if (state !== RUNNING || worker === null || !worker.up) return false;
  core.send(worker, { t: "tell", task: task.id, attempt, data, dataBytes });
  return true;
}

function remember(session: Session, id: number, told: boolean): void {
  session.told.set(id, told);
  if (session.told.size <= TOLD_KEPT) return;
  for (const oldest of session.told.keys()) {
    session.told.delete(oldest);
    return;
  }
}

function unknown(n: number): {
  readonly value: null;
  readonly error: { readonly code: string; readonly message: string };
} {
  const message = `Task ${n} is not known: it was released or never submitted.`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}
