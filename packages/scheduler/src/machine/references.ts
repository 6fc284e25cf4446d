// Who refers to a task: clients by (session, n), and tasks that need its result. What nobody refers to is left in
// `core.loose`.

import type { TaskNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { CALL, type Edge, HELD, noEdges, type Session, type Task } from "./records.ts";
import { Refs } from "./refs.ts";

/** The readable key; derived keys are made when somebody reads one. */
export function keyOf(task: Task): string {
  return task.key ?? `${task.name}-${task.session.id}-${task.n}`;
}

export function addRef(session: Session, n: TaskNumber, task: Task): void {
  if (task.session === session && task.n === n) task.flags |= HELD;
  else {
    task.extras.others ??= new Refs();
    task.extras.others.add(session, n);
  }
  task.refs++;
  session.tasks.set(n, task);
}

export function removeRef(core: Core, session: Session, n: TaskNumber, task: Task): void {
  if (task.session === session && task.n === n) task.flags &= ~HELD;
  else task.others?.delete(session, n);
  task.refs--;
  session.tasks.delete(n);
  if (session.due.size > 0) session.due.delete(n);
  if (session.locates.size > 0) session.locates.delete(n);
  if (session.uploads.size > 0) session.uploads.delete(n);
  if (session.hears.size > 0) session.hears.delete(n);
  loosen(core, task);
}

export function eachRef(task: Task, visit: (session: Session, n: TaskNumber) => void): void {
  if ((task.flags & HELD) !== 0) visit(task.session, task.n);
  if (task.others !== null) for (const ref of task.others) visit(ref.session, ref.n);
}

export function isWanted(task: Task): boolean {
  return task.refs > 0 || task.needed > 0;
}

/** To be looked at when the message is done: perhaps it can be forgotten. */
export function loosen(core: Core, task: Task): void {
  if (task.refs === 0 && task.needed === 0) core.loose.push(task);
}

export function linkInputs(task: Task, inputs: readonly Task[]): void {
  if (inputs.length === 0) return;
  const edges: Edge[] = [];
  for (let i = 0; i < inputs.length; i++) {
    const dependency = inputs[i]!;
    const edge: Edge = { dependent: task, dependency, at: dependency.dependents.length };
    if (dependency.dependents === noEdges) dependency.dependents = [edge];
    else dependency.dependents.push(edge);
    edges.push(edge);
  }
  task.deps = edges;
}

/** The task will not be computed again: its inputs need not be kept for it. */
export function unlinkInputs(core: Core, task: Task): void {
  const edges = task.deps;
  task.deps = noEdges;
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i]!;
    if (task.refs > 0) core.pastEdges.add(edge.dependency.id, task.id); // a task that nobody holds goes, too
    const siblings = edge.dependency.dependents;
    const last = siblings.pop()!;
    if (last !== edge) {
      siblings[edge.at] = last;
      last.at = edge.at;
    }
    if (siblings.length === 0) {
      edge.dependency.dependents = noEdges;
      loosen(core, edge.dependency);
    }
  }
}

/** The task is on its way to a result no more: it needs its inputs no more. */
export function unneedInputs(core: Core, task: Task): void {
  const { deps } = task;
  if ((task.flags & CALL) !== 0) core.touchActor(deps[0]!.dependency);
  for (let i = 0; i < deps.length; i++) {
    const { dependency } = deps[i]!;
    dependency.needed--;
    loosen(core, dependency);
  }
}
