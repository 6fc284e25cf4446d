// A task's page: its story as a line of times, what became of it, and what its error says. No DOM.

import type { PageTask, PageTaskRow, StoryLine, TaskStatus, Why } from "@taskflock/protocol/words";
import { bytes, count, duration } from "../../ui/format.ts";
import type { Place } from "./stack-model.ts";

interface ToldError {
  readonly name: string;
  /** Of the registry; "" when it is an error of the user's own. */
  readonly code: string;
  readonly message: string;
  /** Without Taskflock's own frames; "" when none came along. */
  readonly stack: string;
  /** Where the user's code threw it, or called what threw it. */
  readonly place: Place | null;
}

/** What the server makes of an error that a worker encoded. */
export interface TaskError extends ToldError {
  /** What led to it. */
  readonly causes: readonly ToldError[];
  /** What it was called with, in short; "" when it was not called. */
  readonly arguments: string;
  /** The line of the user's code that threw, or called what threw; "" when it is not known. */
  readonly line: string;
  /** The last lines that the call printed. */
  readonly log: readonly string[];
}

/** Of a failure whose error did not travel, or cannot be read. */
export function bareError(failure: NonNullable<PageTask["failure"]>): TaskError {
  return { ...failure, stack: "", place: null, causes: [], arguments: "", line: "", log: [] };
}

export interface StoryStep {
  /** µs of the scheduler's clock. */
  readonly at: number;
  /** µs since the first line that is remembered. */
  readonly since: number;
  /** How long it stayed so; null in the last state of a task that has not ended there. */
  readonly lasted: number | null;
  readonly state: string;
  readonly text: string;
  readonly detail: string;
  readonly tone: "neutral" | "good" | "active" | "warning" | "bad";
  /** Of the whole time, for a bar: where it begins and how long it is, from 0 to 1. */
  readonly start: number;
  readonly share: number;
}

const tones: Readonly<Record<string, StoryStep["tone"]>> = {
  assigned: "active",
  running: "active",
  done: "good",
  failed: "bad",
  cancelled: "warning",
  delayed: "warning",
};
const finals = new Set(["done", "failed", "cancelled", "released", "forgotten"]);

/** `now`: µs of the scheduler's clock, up to which a task that has not ended is in its state. */
export function storySteps(story: readonly StoryLine[], now: number): StoryStep[] {
  const first = story[0]?.at ?? 0;
  const last = story.at(-1);
  const end = last === undefined || finals.has(last.to) ? (last?.at ?? 0) : Math.max(now, last.at);
  const whole = Math.max(1, end - first);
  return story.map(({ at, to, from, detail }, index) => {
    const next = story[index + 1];
    const until = next?.at ?? end;
    const isLast = next === undefined;
    return {
      at,
      since: at - first,
      lasted: isLast && finals.has(to) ? null : until - at,
      state: to,
      text: stepText(from, to),
      detail,
      tone: tones[to] ?? "neutral",
      start: (at - first) / whole,
      share: (until - at) / whole,
    };
  });
}

const words: Readonly<Record<string, string>> = {
  waiting: "waits for its inputs",
  delayed: "waits for its next attempt",
  uploading: "data is being uploaded",
  queued: "in the queue",
  assigned: "given to a worker",
  running: "runs",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  released: "its result is not wanted any more",
  forgotten: "forgotten",
};

function stepText(from: string, to: string): string {
  const text = words[to] ?? to;
  const isAgain =
    (from === "running" || from === "assigned" || from === "done") && (to === "queued" || to === "waiting");
  return isAgain ? `${text} again` : text;
}

const unfinished = new Set<TaskStatus>(["waiting", "queued", "assigned", "running"]);

export function isUnfinished(status: TaskStatus): boolean {
  return unfinished.has(status);
}

/** How often to ask again, ms: what waits changes its reasons; what has ended stays. */
export function refreshMs(status: TaskStatus): number {
  return unfinished.has(status) ? 1000 : 10_000;
}

/** "on worker-1", with the last attempt and what went wrong before. */
export function attemptsText({ attempts }: Pick<Why, "attempts">): string {
  const { attempt, retriesUsed, retries, deaths, nextInUs, deadlineInUs } = attempts;
  if (attempt === 0 && deaths.length === 0) return deadlineText("No attempt yet", deadlineInUs);
  const parts = [attempt === 1 ? "1 attempt" : `${attempt} attempts`];
  if (retries > 0) parts.push(`${retriesUsed} of ${count(retries, "retry", "retries")} used`);
  if (deaths.length > 0) parts.push(`${count(deaths.length, "worker")} died under it: ${deaths.join(", ")}`);
  if (nextInUs !== null) parts.push(`the next in ${duration(nextInUs)}`);
  return deadlineText(parts.join("; "), deadlineInUs);
}

function deadlineText(text: string, deadlineInUs: number | null): string {
  if (deadlineInUs === null) return `${text}.`;
  return deadlineInUs > 0
    ? `${text}; it fails in ${duration(deadlineInUs)}, at its deadline.`
    : `${text}; its deadline is over.`;
}

/** The size of the result and who has it; "" for what has none. */
export function resultText({ task, why }: Pick<PageTask, "task" | "why">): string {
  if (why.status !== "done") return "";
  if (why.state === "released") return "Made, and given up again: it is made anew when something needs it.";
  const size = bytes(task.bytes);
  if (task.isInline) return `${size}, kept by the scheduler.`;
  const { holders } = task;
  return holders.length === 0 ? size : `${size}, on ${count(holders.length, "worker")}: ${holders.join(", ")}.`;
}

/** How it ended in one line, for the head of the page. */
export function outcomeText({ outcome }: Pick<Why, "outcome">): string {
  if (outcome === null) return "";
  const took = outcome.tookUs === null ? "" : ` after ${duration(outcome.tookUs)}`;
  const where = outcome.worker === "" ? "" : ` on ${outcome.worker}`;
  if (outcome.kind === "done") return `Done${took}${where}.`;
  if (outcome.kind === "cancelled") return `Cancelled${outcome.message === "" ? "" : `: ${outcome.message}`}.`;
  if (outcome.failedKey !== "" && outcome.failedKey !== null) return `Failed, because ${outcome.failedKey} failed.`;
  return `Failed${took}${where}.`;
}

/** The task that failed first, of one that failed because of it; "" when this one failed itself. */
export function rootOf({ task, why }: Pick<PageTask, "task" | "why">): string {
  const failed = why.outcome?.failedKey ?? "";
  return failed === task.key ? "" : failed;
}

/** Tasks with the failed and the unfinished first: what a reader looks for among many inputs. */
export function byInterest(rows: readonly PageTaskRow[]): PageTaskRow[] {
  const rank = (status: TaskStatus): number => (status === "failed" ? 0 : unfinished.has(status) ? 1 : 2);
  return rows.toSorted((a, b) => rank(a.status) - rank(b.status));
}
