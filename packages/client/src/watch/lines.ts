// The event log of the scheduler and the lines that tasks printed, as lists or as streams of what comes.

import { type ClusterEvent, FlockError, type LogEntry, type LogFilter, type Page } from "@taskflock/protocol/words";
import type { Future } from "../future.ts";
import { isFuture } from "../future.ts";
import { abortSignal, type Checks, checkOptions, describe, integerFrom, name } from "../option-checks.ts";
import type { Questions } from "../questions.ts";
import { TaskRun } from "../runs.ts";

/** What happened in the cluster. */
export interface EventLine extends ClusterEvent {
  /** By this machine's clock. */
  readonly time: Date;
}
/** What a task printed, or a worker said of itself. */
export interface PrintedLines extends LogEntry {
  /** When it reached the scheduler, by this machine's clock. */
  readonly time: Date;
}

export interface EventOptions {
  /** Only those after this number; 0, the default, is all that are kept. */
  readonly since?: number;
  /** Ends a stream. */
  readonly signal?: AbortSignal;
}
/** Several together mean lines that all of them fit. */
export interface LogOptions extends EventOptions {
  /** The name of a worker. */
  readonly worker?: string;
  /** A future, or the key of a task. */
  readonly task?: Future<unknown> | string;
  /** A run, or its name. */
  readonly run?: TaskRun | string;
}

export interface QuestionHost {
  readonly questions: Questions;
}

const PAGE = 1_000;
const eventChecks: Checks<EventOptions> = { since: integerFrom(0), signal: abortSignal };
const logChecks: Checks<LogOptions> = {
  ...eventChecks,
  worker: name,
  task: (value) => (isFuture(value) || name(value) === null ? null : "a future, or a task's key"),
  run: (value) => (value instanceof TaskRun || name(value) === null ? null : "a run, or its name"),
};

type Ask<T> = (since: number, wait: boolean) => Promise<Page<T>>;

export function eventList(host: QuestionHost, options: EventOptions | undefined): Promise<EventLine[]> {
  const { since = 0 } = checkOptions("events", options, eventChecks);
  return all(askEvents(host), since);
}

export function eventStream(
  host: QuestionHost,
  options: EventOptions | undefined,
): AsyncGenerator<EventLine, void, undefined> {
  const { since = 0, signal } = checkOptions("followEvents", options, eventChecks);
  return follow(askEvents(host), since, signal);
}

export function logList(host: QuestionHost, options: LogOptions | undefined): Promise<PrintedLines[]> {
  const checked = checkOptions("logs", options, logChecks);
  return all(askLogs(host, checked), checked.since ?? 0);
}

export function logStream(
  host: QuestionHost,
  options: LogOptions | undefined,
): AsyncGenerator<PrintedLines, void, undefined> {
  const checked = checkOptions("followLogs", options, logChecks);
  return follow(askLogs(host, checked), checked.since ?? 0, checked.signal);
}

/** Throws FLOCK_ARGUMENT_INVALID. */
export async function note(host: QuestionHost, text: string): Promise<void> {
  if (typeof text !== "string" || text === "") {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `note takes a text that is not empty, not ${describe(text)}.`);
  }
  await host.questions.ask({ q: "note", text: text.slice(0, 4096) });
}

function askEvents({ questions }: QuestionHost): Ask<ClusterEvent> {
  return (since, wait) => questions.ask({ q: "events", since, limit: PAGE, wait });
}

function askLogs(host: QuestionHost, { worker = "", task = "", run = "" }: LogOptions): Ask<LogEntry> {
  const filter: LogFilter = {
    worker,
    key: typeof task === "string" ? task : task.key,
    run: typeof run === "string" ? run : run.name,
  };
  return (since, wait) => host.questions.ask({ q: "logs", filter, since, limit: PAGE, wait });
}

type Timed<T> = T & { readonly time: Date };

async function all<T extends { seq: number; at: number }>(ask: Ask<T>, since: number): Promise<Timed<T>[]> {
  const found: Timed<T>[] = [];
  for (let from = since; ; ) {
    const page = await ask(from, false);
    const last = page.items.at(-1);
    if (last === undefined) return found;
    found.push(...timed(page));
    from = last.seq;
  }
}

async function* follow<T extends { seq: number; at: number }>(
  ask: Ask<T>,
  since: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Timed<T>, void, undefined> {
  for (let from = since; signal?.aborted !== true; ) {
    const page = await untilAborted(ask(from, true), signal);
    if (page === null) return;
    yield* timed(page);
    from = page.items.at(-1)?.seq ?? from;
  }
}

/** Null once the signal is set. A race with one promise for the whole stream would keep every page until its end. */
function untilAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T | null> {
  if (signal === undefined) return asked;
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(null);
    signal.addEventListener("abort", end, { once: true });
    asked.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}

function timed<T extends { at: number }>({ items, now }: Page<T>): Timed<T>[] {
  const here = Date.now();
  return items.map((item) => ({ ...item, time: new Date(here - (now - item.at) / 1000) }));
}
