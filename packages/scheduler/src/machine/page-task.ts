// All there is to say of one task of whichever client.

import type { PageTask, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { describe } from "./dump.ts";
import { releaseOutcome } from "./lifecycle.ts";
import { joined } from "./page-edges.ts";
import { rowsOf } from "./page-tasks.ts";
import type { QuestionAnswer, Task } from "./records.ts";
import { whyOf } from "./why.ts";
import { findByKey } from "./why-key.ts";

const NEIGHBOURS_SHOWN = 50;

/** Its encoded error is the answer's `data`. */
export function pageTask(core: Core, id: TaskId, key: string): QuestionAnswer {
  const found = id === 0 ? findByKey(core, key) : (core.taskById(id) ?? forgotten(id));
  if ("error" in found) return core.remembered.find(core, id, key) ?? found;
  const { outcome } = found;
  const value = facts(core, found);
  if (outcome?.kind !== "failed" || outcome.shared === null) return { value, error: null };
  return { value, error: null, data: outcome.shared.payload, dataBytes: outcome.failure.errorBytes };
}

function facts(core: Core, task: Task): PageTask {
  const { outcome } = task;
  const past = core.pastEdges.around(core, task);
  const inputs = shown(
    task.deps.map(({ dependency }) => dependency),
    past.inputs,
  );
  const dependents = shown(
    task.dependents.map(({ dependent }) => dependent),
    past.dependents,
  );
  const rows = rowsOf(core, [...inputs, ...dependents]);
  const { code, name, message } = outcome?.kind === "failed" ? outcome.failure : { code: null, name: "", message: "" };
  return {
    now: core.now,
    task: describe(task),
    runId: task.run.id,
    why: whyOf(core, task),
    story: core.story.of(task.id),
    inputs: rows.slice(0, inputs.length),
    dependents: rows.slice(inputs.length),
    failure: outcome?.kind === "failed" ? { code: code ?? "", name, message } : null,
  };
}

function shown(present: Task[], past: readonly Task[]): Task[] {
  return joined(present, past).slice(0, NEIGHBOURS_SHOWN);
}

export function forgotten(id: TaskId): QuestionAnswer {
  const message = `Task ${id} is not known any more: its future was released, or its client is gone, and nothing else needs its result.`;
  return { value: null, error: { code: "FLOCK_TASK_UNKNOWN", message } };
}

/** The task is about to be forgotten: if it failed among the first of its run, its page stays. */
export function rememberFailure(core: Core, task: Task): void {
  const { outcome, run } = task;
  if (outcome?.kind !== "failed" || !core.remembered.wants(core, run, outcome)) return;
  for (const over of core.remembered.add(core, run, facts(core, task), outcome)) releaseOutcome(core, over);
}
