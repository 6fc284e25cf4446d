// The list of tasks: what is searched for, as the address of the page has it; the pages that came so far; how many there are.

import {
  type PageRun,
  type PageTaskRow,
  type PageTasks,
  type TaskFilter,
  type TaskStatus,
  taskStatuses,
} from "@taskflock/protocol/words";
import { count } from "../../ui/format.ts";

export const noFilter: TaskFilter = { text: "", status: "", function: "", worker: "", run: 0 };

/** What is not understood counts as not said: an address may have been typed. */
export function filterOf(search: URLSearchParams): TaskFilter {
  const run = Number(search.get("run"));
  return {
    text: search.get("text") ?? "",
    status: taskStatuses.find((status) => status === search.get("status")) ?? "",
    function: search.get("function") ?? "",
    worker: search.get("worker") ?? "",
    run: (Number.isSafeInteger(run) && run > 0 ? run : 0) as TaskFilter["run"],
  };
}

/** Only what is said stands in the address. */
export function valuesOf({ text, status, function: fn, worker, run }: TaskFilter): Record<string, string> {
  const values = {
    text: text.trim(),
    status,
    function: fn.trim(),
    worker: worker.trim(),
    run: run === 0 ? "" : `${run}`,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}

export function isFiltered(filter: TaskFilter): boolean {
  return Object.keys(valuesOf(filter)).length > 0;
}

export interface StatusTab {
  readonly status: TaskStatus | "";
  readonly title: string;
  /** Null: not known for what is searched for. */
  readonly count: number | null;
}

type Counts = Readonly<Record<TaskStatus, number>>;

/** Live counts: those of the cluster or of one run. A text, function or worker is not counted ahead. */
export function statusTabs(filter: TaskFilter, tasks: Counts | null, runs: readonly PageRun[]): StatusTab[] {
  const counts = countsFor(filter, tasks, runs);
  const all = counts?.[""] ?? null;
  return [
    { status: "", title: "All", count: all },
    ...taskStatuses.map((status): StatusTab => ({ status, title: title(status), count: counts?.[status] ?? null })),
  ];
}

function title(status: TaskStatus): string {
  return status[0]!.toUpperCase() + status.slice(1);
}

function countsFor(
  { text, function: fn, worker, run }: TaskFilter,
  tasks: Counts | null,
  runs: readonly PageRun[],
): Partial<Record<TaskStatus | "", number>> | null {
  if (text !== "" || fn !== "" || worker !== "") return null;
  if (run === 0) return tasks && { ...tasks, "": taskStatuses.reduce((sum, status) => sum + tasks[status], 0) };
  const counts = runs.find((one) => one.run === run)?.counts;
  if (counts === undefined) return null;
  const { total, done, failed, cancelled, running } = counts;
  return { "": total, done, failed, cancelled, running };
}

/** Pages as they came, the newest tasks first. */
export interface Listing {
  readonly rows: readonly PageTaskRow[];
  /** What the next page is asked with; null: that was all. */
  readonly next: number | null;
  readonly total: number;
  /** Answers that it consists of: one alone can be asked again without a jump. */
  readonly pages: number;
}

export const noListing: Listing = { rows: [], next: 0, total: 0, pages: 0 };

/** A task that was moved to the front between two answers stands there once. */
export function withPage(listing: Listing, { items, next, total }: PageTasks): Listing {
  const known = new Set(listing.rows.map(({ task }) => task));
  const added = items.filter(({ task }) => !known.has(task));
  return { rows: [...listing.rows, ...added], next, total, pages: listing.pages + 1 };
}

/** Rows that a reader gets at once. */
export const WANTED = 50;
/** Questions that one wish for more may take: each looks at a bounded number of tasks, and may find none. */
const MOST_QUESTIONS = 10;

/** Whether to go on by itself until there is something to see. */
export function goesOn(listing: Listing, rowsBefore: number, asked: number): boolean {
  return listing.next !== null && asked < MOST_QUESTIONS && listing.rows.length < rowsBefore + WANTED;
}

/** What stands below the rows, or in their place. */
export function listingText({ rows, next, total }: Listing, filter: TaskFilter): string {
  const among = count(total, "task");
  if (rows.length === 0 && next === null) {
    if (total === 0) return "The scheduler knows no task. What a client submits appears here.";
    return isFiltered(filter)
      ? `None of the ${among} is like that. Tasks whose results nobody refers to any more are forgotten.`
      : "There is no task to show.";
  }
  if (rows.length === 0) return `Nothing found among the newest of ${among}. Older ones have not been looked at yet.`;
  const found = isFiltered(filter) ? `${count(rows.length, "task")} found` : count(rows.length, "task");
  if (next === null)
    return isFiltered(filter) ? `${found} among ${among}: all were looked at.` : `${found}: that is all.`;
  return isFiltered(filter)
    ? `${found} so far among ${among}. Older ones have not been looked at yet.`
    : `${found} of ${among}.`;
}
