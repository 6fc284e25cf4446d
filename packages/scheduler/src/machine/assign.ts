// Giving a task to a worker.

import { type Assign, type Attempt, GPU_RESOURCE, type Input, NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { ensureFunction } from "./functions.ts";
import { holdersFor } from "./holdings.ts";
import { takesTasks } from "./lanes.ts";
import { APART, type Lane, NO_AHEAD, SOLO, type Task } from "./records.ts";
import { keyOf } from "./references.ts";
import { lastAttempt } from "./second.ts";
import { ASSIGNED, DONE, isPlaced, WAITING } from "./states.ts";
import { attach, hasRoomAhead, hasRoomInChain } from "./supply.ts";
import type { Worker } from "./worker-record.ts";

/** A task with more inputs is not assigned ahead: looking at all of them each time one moves would cost too much. */
const MAX_AHEAD_INPUTS = 16;
/** Tasks remembered per worker that could be assigned ahead once there is room. */
const MAX_AHEAD_WAITING = 4096;

/** The task has been taken out of its queue, and the worker has room. */
export function assign(core: Core, task: Task, worker: Worker): void {
  task.attempt = ((task.uncommon === null ? task.attempt : lastAttempt(task)) + 1) as Attempt;
  core.move(task, ASSIGNED, worker.name);
  attach(core, task, worker);
  core.send(worker, assignment(core, task, worker, task.attempt, (task.flags & SOLO) !== 0));
  const { dependents } = task;
  for (let i = 0; i < dependents.length; i++) {
    const { dependent } = dependents[i]!;
    if (dependent.state === WAITING) core.candidates.push(dependent);
  }
}

/** What the worker is told; the functions that it does not have are sent ahead. */
export function assignment(core: Core, task: Task, worker: Worker, attempt: Attempt, solo: boolean): Assign {
  const definition = task.definition!;
  const { functions, deps } = task;
  ensureFunction(core, worker, definition.record);
  if (functions.length > 0) for (const { record } of functions) ensureFunction(core, worker, record);
  const { timeoutMs, cancelGraceMs, isolation } = task.options.data;
  return {
    t: "assign",
    task: task.id,
    attempt,
    key: keyOf(task),
    fn: definition.record.id,
    functions: functions.length === 0 ? noFunctions : functions.map((f) => f.record.id),
    args: task.args,
    argsBytes: task.argsBytes,
    inputs: deps.length === 0 ? noInputs : inputsFor(core, task, worker),
    order: task.order,
    timeoutMs,
    cancelGraceMs,
    isolation,
    solo,
    expectedUs: definition.record.expectedUs,
    gpu: gpuOf(task.options.lane),
  };
}

function gpuOf({ resources }: Lane): number {
  if (resources.length === 0) return 0;
  return resources.find(([name]) => name === GPU_RESOURCE)?.[1] ?? 0;
}

/** Chains without a round trip: tasks whose missing inputs are all being made at one worker are assigned there at once. */
export function assignAhead(core: Core): void {
  if (core.dirtyAhead.size > 0) lookAgain(core);
  const { candidates } = core;
  if (candidates.length === 0) return;
  for (let i = 0; i < candidates.length; i++) {
    const task = candidates[i]!;
    core.looks++;
    const worker = placeAhead(task);
    if (worker === null) continue;
    if (hasRoomAhead(core, worker) || hasRoomInChain(core, worker, task)) assign(core, task, worker);
    else if (worker.aheadWaiting.length < MAX_AHEAD_WAITING) worker.aheadWaiting.push(task);
  }
  candidates.length = 0;
}

/** Tasks that there was no room for, where something ended. */
function lookAgain(core: Core): void {
  for (const worker of core.dirtyAhead) {
    const waiting = worker.aheadWaiting;
    if (waiting.length === 0 || !hasRoomAhead(core, worker)) continue;
    worker.aheadWaiting = [];
    for (const task of waiting) core.candidates.push(task);
  }
  core.dirtyAhead.clear();
}

/** The worker where all missing inputs are being made, if the task may go there. */
function placeAhead(task: Task): Worker | null {
  const { deps, options } = task;
  if (task.state !== WAITING || task.waitingOn === 0 || (task.flags & (NO_AHEAD | APART)) !== 0) return null;
  if (deps.length > MAX_AHEAD_INPUTS || options.lane.resources.length > 0) return null;
  let worker: Worker | null = null;
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    if (dependency.state === DONE) continue;
    if (!isPlaced(dependency.state) || dependency.thief !== null) return null;
    if (worker !== null && dependency.worker !== worker) return null;
    worker = dependency.worker;
  }
  if (worker === null || !takesTasks(worker)) return null;
  return options.lane.workers === null || options.lane.workers.has(worker.name) ? worker : null;
}

const noFunctions: readonly never[] = [];
const noInputs: readonly never[] = [];
const noHolders: readonly never[] = [];

function inputsFor(core: Core, { deps, seq }: Task, worker: Worker): Input[] {
  const inputs: Input[] = [];
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    const { id, bytes, result } = dependency;
    const stored = result === NO_PAYLOAD && dependency.holders.length > 0;
    inputs.push({
      task: id,
      bytes,
      inline: result,
      holders: stored ? holdersFor(core, dependency, worker, seq) : noHolders,
    });
  }
  return inputs;
}
