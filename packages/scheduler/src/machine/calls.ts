// What a client asks in order to run a task's call itself.

import type { FunctionNumber, TaskNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { type FunctionRecord, LINEAGE, type QuestionAnswer, type Session, type Task } from "./records.ts";
import { FAILED } from "./states.ts";
import { refer } from "./submit.ts";

/** Its arguments, and what stands in them. */
export function callOf(session: Session, n: TaskNumber): QuestionAnswer {
  const task = session.tasks.get(n);
  if (task === undefined || (task.flags & LINEAGE) === 0) return forgotten(task, n);
  const value = { functions: functionsOf(session, task), inputs: task.deps.length };
  return { value, error: null, data: task.args, dataBytes: task.argsBytes };
}

/** Asked again after a cut, it finds the references that it made. */
export function referToInputs(
  core: Core,
  session: Session,
  n: TaskNumber,
  numbers: readonly TaskNumber[],
): QuestionAnswer {
  const task = session.tasks.get(n);
  if (task === undefined || (task.flags & LINEAGE) === 0 || task.deps.length !== numbers.length) {
    return forgotten(task, n);
  }
  for (const [index, { dependency }] of task.deps.entries()) {
    const number = numbers[index]!;
    if (!session.tasks.has(number)) refer(core, session, number, dependency);
  }
  return { value: null, error: null };
}

/** The same code under another number is the same. Of a task that another session submitted, some may not be known here. */
function functionsOf(session: Session, task: Task): (FunctionNumber | null)[] {
  if (task.functions.length === 0) return [];
  const numbers = new Map<FunctionRecord, FunctionNumber>();
  for (const [number, { record }] of session.functions) numbers.set(record, number as FunctionNumber);
  return task.functions.map(({ record }) => numbers.get(record) ?? null);
}

function forgotten(task: Task | undefined, n: TaskNumber): QuestionAnswer {
  if (task === undefined) {
    const message = `Task ${n} is not known: it was released or never submitted.`;
    return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
  }
  const which = `task ${n} (${task.name})`;
  const message =
    task.state === FAILED
      ? `The arguments of ${which} are not kept any more. They are kept of the tasks that failed last.`
      : `The arguments of ${which} are not kept: it has not failed. They are kept of tasks that failed.`;
  return { value: null, error: { code: "FLOCK_CALL_FORGOTTEN", message } };
}
