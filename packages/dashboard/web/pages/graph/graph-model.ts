// What the graph's page shows, made of the scheduler's answer: who is who from one answer to the next, names, counts, and the same in
// words for those who do not see the drawing.

import type { PageGraph, TaskStatus } from "@taskflock/protocol/words";
import { type Layout, layoutGraph } from "./layout.ts";

export interface GraphNode {
  /** The same in the next answer when it is the same task, or as good as the same group. */
  readonly id: string;
  /** 0 for a group. */
  readonly task: number;
  readonly fn: string;
  readonly count: number;
  /** Of a group: what most needs to be seen of its tasks. */
  readonly status: TaskStatus;
  /** Tasks by status, those that are. */
  readonly counts: readonly (readonly [TaskStatus, number])[];
  readonly layer: number;
}

export interface GraphDrawing {
  readonly nodes: readonly GraphNode[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly layout: Layout;
  readonly total: number;
  /** Tasks that the nodes stand for. */
  readonly shown: number;
  readonly isWhole: boolean;
}

/** The first of these that a group has is its colour. */
const urgency: readonly TaskStatus[] = ["failed", "running", "assigned", "queued", "waiting", "cancelled", "done"];

/** `before`: what was drawn last, of the same run; what is in both stays where it is. */
export function drawGraph(graph: PageGraph, before: GraphDrawing | null): GraphDrawing {
  const size = graph.task.length;
  const kept = before && hasSameShape(graph, before) ? before.layout : null;
  const draft = kept ?? layoutGraph(size, graph);
  const ids = idsOf(graph, draft);
  const layout = kept ?? (before ? layoutGraph(size, graph, placesBefore(ids, before)) : draft);
  const nodes = nodesOf(graph, ids, layout);
  const shown = nodes.reduce((sum, { count }) => sum + count, 0);
  return { nodes, from: graph.from, to: graph.to, layout, total: graph.total, shown, isWhole: graph.isWhole };
}

/** The same nodes with the same edges: only what they do has changed. */
function hasSameShape({ task, fn, names, from, to }: PageGraph, before: GraphDrawing): boolean {
  const isNode = (at: number): boolean =>
    task[at] === before.nodes[at]!.task && nameOf(names, fn[at]!) === before.nodes[at]!.fn;
  return (
    task.length === before.nodes.length &&
    from.length === before.from.length &&
    task.every((_, at) => isNode(at)) &&
    from.every((node, at) => node === before.from[at] && to[at] === before.to[at])
  );
}

/** A group has no number: it is the first, second … of its function in its layer. */
function idsOf({ task, fn, names }: PageGraph, { layer }: Layout): string[] {
  const seen = new Map<string, number>();
  return task.map((id, at) => {
    if (id !== 0) return `task ${id}`;
    const group = `${nameOf(names, fn[at]!)} in layer ${layer[at]}`;
    const nth = (seen.get(group) ?? 0) + 1;
    seen.set(group, nth);
    return `${group}, ${nth}`;
  });
}

function placesBefore(ids: readonly string[], { nodes, layout }: GraphDrawing): Float64Array {
  const known = new Map(nodes.map(({ id }, at) => [id, layout.x[at]!]));
  return Float64Array.from(ids, (id) => known.get(id) ?? Number.NaN);
}

function nodesOf(graph: PageGraph, ids: readonly string[], { layer }: Layout): GraphNode[] {
  let group = 0;
  return ids.map((id, at) => {
    const task = graph.task[at]!;
    const own = graph.statuses[graph.status[at]!];
    const counts: [TaskStatus, number][] =
      own === undefined ? countsOf(graph, graph.groups[group++]) : [[own, graph.count[at]!]];
    const status = urgency.find((one) => counts.some(([has]) => has === one)) ?? "waiting";
    return {
      id,
      task,
      fn: nameOf(graph.names, graph.fn[at]!),
      count: graph.count[at]!,
      status,
      counts,
      layer: layer[at]!,
    };
  });
}

function countsOf({ statuses }: PageGraph, counts: readonly number[] = []): [TaskStatus, number][] {
  return statuses.flatMap((status, at): [TaskStatus, number][] => (counts[at] ? [[status, counts[at]]] : []));
}

function nameOf(names: PageGraph["names"], fn: number): string {
  return names[fn] ?? "data";
}

/** "load: 20 tasks, 18 done, 2 running"; of one task: "load, running". */
export function describeNode({ fn, count, counts, status }: GraphNode): string {
  if (count === 1) return `${fn}, ${status}`;
  return `${fn}: ${count.toLocaleString("en")} tasks, ${counts.map(([one, of]) => `${of.toLocaleString("en")} ${one}`).join(", ")}`;
}

export interface LayerRow {
  readonly layer: number;
  readonly fn: string;
  readonly count: number;
  readonly counts: readonly (readonly [TaskStatus, number])[];
}

/** The drawing as a table: layer by layer, how many tasks of which function, and how they stand. */
export function layerTable({ nodes }: Pick<GraphDrawing, "nodes">): LayerRow[] {
  const rows = new Map<string, { layer: number; fn: string; count: number; counts: Map<TaskStatus, number> }>();
  for (const { layer, fn, count, counts } of nodes) {
    const key = `${layer} ${fn}`;
    const row = rows.get(key) ?? { layer, fn, count: 0, counts: new Map<TaskStatus, number>() };
    row.count += count;
    for (const [status, of] of counts) row.counts.set(status, (row.counts.get(status) ?? 0) + of);
    rows.set(key, row);
  }
  const ordered = [...rows.values()].sort((a, b) => a.layer - b.layer || b.count - a.count || (a.fn < b.fn ? -1 : 1));
  return ordered.map((row) => ({
    ...row,
    counts: urgency
      .toReversed()
      .flatMap((one): [TaskStatus, number][] => (row.counts.has(one) ? [[one, row.counts.get(one)!]] : [])),
  }));
}

export interface FunctionCounts {
  readonly fn: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
}

/** The same by function, the earlier layers first: how far a run is with each. */
export function functionTable({ nodes }: Pick<GraphDrawing, "nodes">): FunctionCounts[] {
  const rows = new Map<
    string,
    { fn: string; total: number; done: number; failed: number; cancelled: number; running: number }
  >();
  for (const { fn, count, counts } of nodes.toSorted((a, b) => a.layer - b.layer)) {
    const row = rows.get(fn) ?? { fn, total: 0, done: 0, failed: 0, cancelled: 0, running: 0 };
    row.total += count;
    for (const [status, of] of counts) {
      if (status === "done" || status === "failed" || status === "cancelled" || status === "running") row[status] += of;
    }
    rows.set(fn, row);
  }
  return [...rows.values()];
}

/** How soon to ask again, ms: the scheduler looks at every task of a graph. */
export function againMs(total: number): number {
  return total <= 5000 ? 2000 : total <= 20_000 ? 5000 : 15_000;
}

/** What stands above the drawing. */
export function graphSentence({ nodes, shown, total, isWhole, layout }: GraphDrawing): string {
  if (nodes.length === 0) return "";
  const groups = nodes.filter(({ count, task }) => task === 0 && count > 1).length;
  const tasks = count(shown, "task");
  const layers = `in ${count(layout.members.length, "layer")}`;
  const drawn =
    groups === 0
      ? `${tasks} ${layers}`
      : `${tasks} ${layers}, drawn as ${count(nodes.length, "node")}: tasks of one function with like neighbours are one`;
  if (isWhole) return `${drawn}.`;
  if (shown >= total) return `${drawn}. There are more dependencies than are drawn.`;
  return `${drawn}. The scheduler knows ${count(total, "task")} here; the others are left out.`;
}

function count(of: number, what: string): string {
  return `${of.toLocaleString("en")} ${what}${of === 1 ? "" : "s"}`;
}
