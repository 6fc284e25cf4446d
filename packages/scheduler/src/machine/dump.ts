// All that the scheduler knows, page by page, for a file that people look through after an incident.

import { type DumpPage, type DumpSection, NO_PAYLOAD, type TaskDump } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { stateNames } from "./states.ts";

const INPUTS_SHOWN = 200;

export function dumpPage(core: Core, section: DumpSection, from: number, limit: number): DumpPage {
  const { now, cause } = core;
  return { ...(section === "tasks" ? tasksFrom(core, from, limit) : core.story.page(from, limit)), now, cause };
}

/** By the slots of tasks. */
function tasksFrom({ slots }: Core, from: number, limit: number): Pick<DumpPage, "items" | "next"> {
  const items: TaskDump[] = [];
  let slot = from;
  for (; slot < slots.length && items.length < limit; slot++) {
    const task = slots[slot];
    if (task !== null && task !== undefined) items.push(describe(task));
  }
  return { items, next: slot < slots.length ? slot : null };
}

export function describe(task: Task): TaskDump {
  const { outcome } = task;
  return {
    task: task.id,
    key: keyOf(task),
    state: stateNames[task.state]!,
    function: task.name,
    session: task.session.id,
    run: task.run.name,
    attempt: task.attempt,
    order: task.order,
    worker: task.worker?.name ?? "",
    inputs: task.deps.slice(0, INPUTS_SHOWN).map(({ dependency }) => dependency.id),
    inputCount: task.deps.length,
    waitingOn: task.waitingOn,
    dependents: task.dependents.length,
    references: task.refs,
    needed: task.needed,
    argsBytes: task.argsBytes,
    bytes: task.bytes,
    isInline: task.result !== NO_PAYLOAD,
    holders: task.holders.map(({ worker }) => worker.name),
    outcome: outcome === null ? "" : outcome.kind === "failed" ? outcome.failure.message : outcome.reason,
  };
}
