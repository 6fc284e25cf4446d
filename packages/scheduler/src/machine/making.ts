// How much the tasks of a worker will leave there. Calls that make much in no time are not given out by the hundred: each of
// their results is stored until what reads it has run.

import { type FunctionRecord, MAKES, type Task } from "./records.ts";
import type { Worker } from "./worker-record.ts";

/** The task was assigned. A function whose results are small, or not known yet, is not counted. */
export function countMaking(task: Task, worker: Worker): void {
  const { record } = task.definition!;
  if (record.travelUs < 1) return;
  task.flags |= MAKES;
  worker.makes.set(record, (worker.makes.get(record) ?? 0) + 1);
}

/** Undoes that. */
export function uncountMaking(task: Task, worker: Worker): void {
  if ((task.flags & MAKES) === 0) return;
  task.flags &= ~MAKES;
  const { record } = task.definition!;
  const left = worker.makes.get(record)! - 1;
  if (left === 0) worker.makes.delete(record);
  else worker.makes.set(record, left);
}

/** µs for which the results of what is assigned would travel. */
export function makingUs({ makes }: Worker): number {
  if (makes.size === 0) return 0;
  let us = 0;
  for (const [record, count] of makes) us += record.travelUs * count;
  return us;
}

/** Null, or what is wrong with the count. */
export function checkMaking(worker: Worker): string | null {
  const counted = new Map<FunctionRecord, number>();
  for (const { flags, definition } of worker.assigned) {
    if ((flags & MAKES) !== 0) counted.set(definition!.record, (counted.get(definition!.record) ?? 0) + 1);
  }
  for (const record of new Set([...counted.keys(), ...worker.makes.keys()])) {
    const [is, said] = [counted.get(record) ?? 0, worker.makes.get(record) ?? 0];
    if (is !== said) return `counts ${said} of ${record.name} that make results here, has ${is}`;
  }
  return null;
}
