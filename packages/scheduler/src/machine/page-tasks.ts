// Pages of tasks for people who search them.
//
// A question looks at a bounded number of records. As long as there are no more slots than that, all of them are looked at, and tasks
// come strictly newest first: a page's `next` is the number (`seq`) of its last task. Of more tasks only a part is looked at, by slots
// from the highest down, which is newest first as long as no slots are used again: there `next` names the slot, above `BY_SLOT`.

import type { PageTaskRow, PageTasks, TaskFilter, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { cut } from "./cut.ts";
import type { Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { stateNames, statusOf } from "./states.ts";

/** Records looked at for one page; one whose key is read counts for several. */
const LOOKS = 50_000;
const KEY_LOOKS = 3;
const BY_SLOT = 2 ** 50;
const OUTCOME_UNITS = 500;
const HOLDERS_LOOKED_AT = 4;

export function pageTasks(core: Core, filter: TaskFilter, before: number, limit: number): PageTasks {
  const wanted = { ...filter, text: filter.text.toLowerCase() };
  const found =
    core.slots.length * (filter.text === "" ? 1 : KEY_LOOKS) <= LOOKS && before < BY_SLOT
      ? newest(core, wanted, before, limit)
      : fromSlot(core, wanted, before, limit);
  const total = core.slots.length - core.freeSlots.length;
  return { now: core.now, items: rowsOf(core, found.tasks), next: found.next, total };
}

interface Found {
  readonly tasks: Task[];
  readonly next: number | null;
}

function newest({ slots }: Core, filter: TaskFilter, before: number, limit: number): Found {
  const tasks: Task[] = [];
  for (const task of slots) {
    if (task !== null && (before === 0 || task.seq < before) && isMeant(task, filter)) tasks.push(task);
  }
  tasks.sort((a, b) => b.seq - a.seq);
  const isMore = tasks.length > limit;
  if (isMore) tasks.length = limit;
  return { tasks, next: isMore ? tasks.at(-1)!.seq : null };
}

function fromSlot({ slots }: Core, filter: TaskFilter, before: number, limit: number): Found {
  const tasks: Task[] = [];
  // A page that began by numbers begins again: there are more tasks than then.
  let slot = (before < BY_SLOT ? slots.length : Math.min(slots.length, before - BY_SLOT)) - 1;
  const cost = filter.text === "" ? 1 : KEY_LOOKS;
  for (let looks = 0; slot >= 0 && looks < LOOKS && tasks.length < limit; slot--) {
    looks += cost;
    const task = slots[slot] ?? null;
    if (task !== null && isMeant(task, filter)) tasks.push(task);
  }
  tasks.sort((a, b) => b.seq - a.seq);
  return { tasks, next: slot < 0 ? null : BY_SLOT + slot + 1 };
}

/** What costs least is compared first. */
function isMeant(task: Task, filter: TaskFilter): boolean {
  if (filter.run !== 0 && task.run.id !== filter.run) return false;
  if (filter.status !== "" && statusOf(task.state) !== filter.status) return false;
  if (filter.function !== "" && task.name !== filter.function) return false;
  if (filter.worker !== "" && !isAtNamed(task, filter.worker)) return false;
  return filter.text === "" || keyOf(task).toLowerCase().includes(filter.text);
}

/** It runs there, failed there, or its result is there. */
function isAtNamed(task: Task, name: string): boolean {
  const { worker, holders, outcome } = task;
  if (worker !== null) return worker.name === name;
  if (outcome?.kind === "failed") return outcome.worker === name;
  for (let i = 0; i < holders.length && i < HOLDERS_LOOKED_AT; i++) if (holders[i]!.worker.name === name) return true;
  return false;
}

export function rowsOf(core: Core, tasks: readonly Task[]): PageTaskRow[] {
  const last = core.story.lastOf(new Set<TaskId>(tasks.map(({ id }) => id)));
  return tasks.map((task) => rowOf(task, last.get(task.id)?.at ?? null));
}

function rowOf(task: Task, since: number | null): PageTaskRow {
  const { id, run, state, attempt, bytes } = task;
  return {
    task: id,
    key: keyOf(task),
    function: task.name,
    status: statusOf(state),
    state: stateNames[state]!,
    ...{ run: run.id, runName: run.name, worker: workerNameOf(task), attempt, since, bytes },
    outcome: outcomeOf(task),
  };
}

function workerNameOf({ worker, holders, outcome }: Task): string {
  if (worker !== null) return worker.name;
  if (outcome !== null) return outcome.kind === "failed" ? outcome.worker : "";
  return holders[0]?.worker.name ?? "";
}

function outcomeOf({ outcome }: Task): string {
  if (outcome === null) return "";
  if (outcome.kind === "cancelled") return oneLine(outcome.reason);
  const { code, name, message } = outcome.failure;
  return oneLine(code === null ? `${name}: ${message}` : message);
}

export function oneLine(text: string): string {
  const end = text.indexOf("\n");
  return cut(text, Math.min(end < 0 ? text.length : end, OUTCOME_UNITS));
}
