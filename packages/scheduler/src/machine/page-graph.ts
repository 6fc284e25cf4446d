// The dependencies of a run's tasks, of all tasks, or around one. Of more tasks than were asked for, those of one function and one kind
// of neighbours stand as one node; of very many only a part is looked at, and the answer says so.

import { type PageGraph, type RunId, type TaskId, type TaskStatus, taskStatuses } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { Neighbours } from "./page-edges.ts";
import { forgotten } from "./page-task.ts";
import type { QuestionAnswer, Task } from "./records.ts";
import { statusOf } from "./states.ts";

/** Records, tasks and edges looked at: the scheduler does nothing else meanwhile, which is to take about ten milliseconds at most. */
const RECORDS = 200_000;
const TASKS = 8_000;
const EDGES = 32_000;
/** Edges of one answer. */
const EDGES_SHOWN = 20_000;
/** Data, and references that could not be honoured, have no function. */
const NO_FUNCTION = 0;

export function pageGraph(core: Core, run: RunId | 0, about: TaskId, limit: number): QuestionAnswer {
  const near = new Neighbours(core);
  if (about === 0) return { value: draw(core, near, tasksOf(core, run), limit), error: null };
  const task = core.taskById(about);
  return task === null ? forgotten(about) : { value: draw(core, near, around(near, task, limit), limit), error: null };
}

interface Chosen {
  readonly tasks: readonly Task[];
  readonly total: number;
  readonly isWhole: boolean;
}

/** In the order of submission: an input comes before what needs it. */
function tasksOf(core: Core, run: RunId | 0): Chosen {
  const tasks: Task[] = [];
  let total = 0;
  let slot = 0;
  for (; slot < core.slots.length && slot < RECORDS; slot++) {
    const task = core.slots[slot] ?? null;
    if (task === null || (run !== 0 && task.run.id !== run)) continue;
    total++;
    if (tasks.length < TASKS) tasks.push(task);
  }
  tasks.sort((a, b) => a.seq - b.seq);
  return { tasks, total, isWhole: slot === core.slots.length && total === tasks.length };
}

/** Its inputs and dependents, theirs, and so on: the nearest first. */
function around(near: Neighbours, root: Task, limit: number): Chosen {
  const seen = new Set([root]);
  let looks = 0;
  let isWhole = true;
  const visit = (task: Task): void => {
    if (seen.size < limit) seen.add(task);
    else if (!seen.has(task)) isWhole = false;
  };
  for (const task of seen) {
    for (const dependency of near.inputsOf(task)) {
      if (++looks > EDGES) break;
      visit(dependency);
    }
    for (const dependent of near.dependentsOf(task)) {
      if (++looks > EDGES) break;
      visit(dependent);
    }
  }
  const tasks = [...seen].sort((a, b) => a.seq - b.seq);
  return { tasks, total: tasks.length, isWhole: isWhole && looks <= EDGES };
}

/** What a node stands for. */
interface Node {
  readonly tasks: Task[];
}

function draw(core: Core, near: Neighbours, { tasks, total, isWhole }: Chosen, limit: number): PageGraph {
  const nodes = tasks.length <= limit ? tasks.map((task) => ({ tasks: [task] })) : grouped(near, tasks, limit);
  const shown = nodes.slice(0, limit);
  const edges = edgesOf(near, shown);
  const names: Record<number, string> = {};
  for (const { tasks } of shown) names[functionOf(tasks[0]!)] ??= tasks[0]!.definition?.record.name ?? "data";
  return {
    now: core.now,
    task: shown.map(({ tasks }) => (tasks.length === 1 ? tasks[0]!.id : 0)),
    fn: shown.map(({ tasks }) => functionOf(tasks[0]!)),
    count: shown.map(({ tasks }) => tasks.length),
    status: shown.map(({ tasks }) => (tasks.length === 1 ? statusAt(tasks[0]!) : -1)),
    statuses: taskStatuses,
    groups: shown.filter(({ tasks }) => tasks.length > 1).map(statusCounts),
    ...{ from: edges.from, to: edges.to, names, total },
    isWhole: isWhole && shown.length === nodes.length && edges.isWhole,
  };
}

/** By function, depth and kind of neighbours; without the depth where those are still too many. */
function grouped(near: Neighbours, tasks: readonly Task[], limit: number): Node[] {
  const depths = depthsOf(near, tasks);
  const kinds = tasks.map((task) => kindOf(near, task));
  const fine = groupedBy(tasks, (at) => `${depths[at]}|${kinds[at]}`);
  return fine.length <= limit ? fine : groupedBy(tasks, (at) => kinds[at]!);
}

function groupedBy(tasks: readonly Task[], keyAt: (at: number) => string): Node[] {
  const groups = new Map<string, Node>();
  for (const [at, task] of tasks.entries()) {
    const key = keyAt(at);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { tasks: [task] });
    else known.tasks.push(task);
  }
  return [...groups.values()];
}

/** Neighbours looked at for the kind of a task. */
const NEIGHBOURS = 16;

/** Its function, and those of its inputs and dependents, each once. */
function kindOf(near: Neighbours, task: Task): string {
  return `${functionOf(task)}|${functionsOf(near.inputsOf(task))}|${functionsOf(near.dependentsOf(task))}`;
}

function functionsOf(tasks: readonly Task[]): string {
  if (tasks.length === 0) return "";
  if (tasks.length === 1) return String(functionOf(tasks[0]!));
  const functions: number[] = [];
  for (let i = 0; i < tasks.length && i < NEIGHBOURS; i++) {
    const fn = functionOf(tasks[i]!);
    if (!functions.includes(fn)) functions.push(fn);
  }
  return functions.sort((a, b) => a - b).join();
}

/** How many tasks lie between each and those without inputs, on the longest way. */
function depthsOf(near: Neighbours, tasks: readonly Task[]): number[] {
  const depths = new Map<Task, number>();
  let looks = 0;
  return tasks.map((task) => {
    let depth = 0;
    for (const dependency of near.inputsOf(task)) {
      if (++looks > EDGES) break;
      depth = Math.max(depth, (depths.get(dependency) ?? -1) + 1);
    }
    depths.set(task, depth);
    return depth;
  });
}

/** Between different nodes, each once. */
function edgesOf(near: Neighbours, nodes: readonly Node[]): { from: number[]; to: number[]; isWhole: boolean } {
  const places = new Map<Task, number>();
  for (const [at, { tasks }] of nodes.entries()) for (const task of tasks) places.set(task, at);
  const known = new Set<number>();
  const [from, to]: [number[], number[]] = [[], []];
  let looks = 0;
  for (const [task, at] of places) {
    for (const dependency of near.inputsOf(task)) {
      if (++looks > EDGES || from.length === EDGES_SHOWN) return { from, to, isWhole: false };
      const source = places.get(dependency);
      if (source === undefined || source === at || known.has(source * nodes.length + at)) continue;
      known.add(source * nodes.length + at);
      from.push(source);
      to.push(at);
    }
  }
  return { from, to, isWhole: true };
}

function statusCounts({ tasks }: Node): number[] {
  const counts = taskStatuses.map(() => 0);
  for (const task of tasks) counts[statusAt(task)]!++;
  return counts;
}

const places: ReadonlyMap<TaskStatus, number> = new Map(taskStatuses.map((status, at) => [status, at]));

function statusAt({ state }: Task): number {
  return places.get(statusOf(state)) ?? 0;
}

function functionOf({ definition }: Task): number {
  return definition?.record.id ?? NO_FUNCTION;
}
