// A run as people follow it: how far it is, how fast, how long it takes yet, and where more of it is shown.

import type { PageRun, RunRate } from "@taskflock/protocol/words";
import { count, duration, rate, seconds } from "../../ui/format.ts";

export interface RunProgress {
  readonly done: number;
  /** 0 when it is not known how much there is to do. */
  readonly total: number;
  /** What is counted. */
  readonly of: "step" | "task";
}

/** Steps where its owner counts them, else tasks that ended. */
export function progressOf({ steps, stepsDone, counts }: Pick<PageRun, "steps" | "stepsDone" | "counts">): RunProgress {
  if (steps > 0) return { done: Math.min(stepsDone, steps), total: steps, of: "step" };
  return { done: counts.done + counts.failed + counts.cancelled, total: counts.total, of: "task" };
}

/** µs since it began, or that it took; null when its begin is not remembered. */
export function tookUs({ startedAt, endedAt }: Pick<PageRun, "startedAt" | "endedAt">, now: number): number | null {
  return startedAt > 0 || endedAt !== null ? Math.max(0, (endedAt ?? now) - startedAt) : null;
}

export function nameOf({ name, run }: Pick<PageRun, "name" | "run">): string {
  return name === "" ? `run ${run}` : name;
}

/** How long until it is done, in one sentence: what a person asks of a run first. */
export function runSentence(run: PageRun, rated: RunRate | undefined, now: number): string {
  const { done, total, of } = progressOf(run);
  const took = tookUs(run, now);
  const failed = run.counts.failed === 0 ? "" : ` ${count(run.counts.failed, "task")} failed.`;
  if (run.status !== "open") {
    const in_ = took === null ? "" : ` after ${duration(took)}`;
    return `${endWord(run.status)}${in_}: ${count(done, of)}${done < total ? ` of ${count(total, of)}` : ""}.${failed}`;
  }
  if (total === 0) return "It has begun, and has no task yet.";
  const cancelled =
    run.counts.cancelled === 0
      ? ""
      : ` ${count(run.counts.cancelled, "task")} ${run.counts.cancelled === 1 ? "was" : "were"} cancelled.`;
  if (done >= total)
    return `All ${count(total, of)} so far ${total === 1 ? "has" : "have"} ended.${failed}${cancelled}`;
  const far = `${count(done, of)} of ${total.toLocaleString("en")} ${done === 1 ? "is" : "are"} done`;
  return `${far}${paceText(rated, of)}.${failed}`;
}

function paceText(rated: RunRate | undefined, of: string): string {
  if (rated?.perSecond == null) return "; how long the rest takes is known when some more have ended";
  const pace = `, ${rate(rated.perSecond, `${of}s`)}`;
  return rated.secondsLeft === null ? pace : `${pace}: about ${seconds(rated.secondsLeft)} left`;
}

function endWord(status: PageRun["status"]): string {
  return { open: "Open", done: "Done", failed: "Failed", stopped: "Stopped", cancelled: "Cancelled" }[status];
}

export interface RunLink {
  readonly href: string;
  readonly title: string;
}

/** Where more of it is shown. */
export function linksOf({ run, kind }: Pick<PageRun, "run" | "kind">): RunLink[] {
  const links: RunLink[] = [];
  if (kind.includes("search")) links.push({ href: `/status/searches/${run}`, title: "Search" });
  if (kind.includes("training")) links.push({ href: `/status/training/${run}`, title: "Training" });
  links.push(
    { href: `/status/graph?run=${run}`, title: "Graph" },
    { href: `/status/tasks?run=${run}`, title: "Tasks" },
  );
  return links;
}

/** The open ones first, then the last that ended. */
export function orderedRuns(runs: readonly PageRun[]): PageRun[] {
  const last = (run: PageRun): number =>
    run.status === "open" ? Number.POSITIVE_INFINITY : (run.endedAt ?? run.startedAt);
  return runs.toSorted((a, b) => compare(last(b), last(a)) || compare(b.startedAt, a.startedAt) || b.run - a.run);
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Runs of this name, client or kind. */
export function matching(runs: readonly PageRun[], text: string): readonly PageRun[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return runs;
  return runs.filter((run) => `${nameOf(run)} ${run.client} ${run.kind}`.toLowerCase().includes(wanted));
}
