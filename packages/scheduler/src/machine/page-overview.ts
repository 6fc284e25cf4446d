// The first view of the status page. It is asked for several times a second: its effort grows with the number of workers, functions and
// runs, and not with that of tasks.

import type { FunctionProgress, PageOverview, PageRun, RunId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import { sessionCount, statusOfWorker, taskCounts } from "./info.ts";
import { kindOfRun, lastDetail } from "./page-details.ts";
import { queueLines } from "./page-queues.ts";
import { movedBytes } from "./page-transfers.ts";
import type { FunctionRecord, Run } from "./records.ts";
import { runInfo } from "./runs.ts";
import { ASSIGNED, DELAYED, QUEUED, RUNNING, WAITING } from "./states.ts";
import { begun } from "./supply.ts";

const RUNS_SHOWN = 200;
const FUNCTIONS_SHOWN = 100;

export function pageOverview(core: Core): PageOverview {
  const { now, events, logs, spans } = core;
  return {
    now,
    scheduler: core.config.facts,
    sessions: sessionCount(core),
    datasets: core.kept.datasets.size,
    tasks: taskCounts(core),
    ...workerSums(core),
    movedBytes: movedBytes(core),
    ended: core.ended,
    transitions: core.story.total,
    runs: runsShown(core),
    runCount: core.runs.size + core.pastRuns.size,
    ...functionsShown(core),
    queues: queueLines(core),
    ...{ lastEvent: events.last, lastLine: logs.last, lastSpan: spans.last, lastDetail: lastDetail(core) },
  };
}

type WorkerSums = Pick<
  PageOverview,
  "workers" | "slots" | "busy" | "storedBytes" | "spilledBytes" | "memoryLimitBytes" | "rssBytes"
>;

function workerSums(core: Core): WorkerSums {
  const workers = { running: 0, paused: 0, retiring: 0, cut: 0 };
  const sums = { slots: 0, busy: 0, storedBytes: 0, spilledBytes: 0, memoryLimitBytes: 0, rssBytes: 0 };
  for (const worker of core.workers.values()) {
    workers[statusOfWorker(worker)]++;
    sums.slots += worker.slots;
    sums.busy += Math.min(worker.slots, begun(worker));
    sums.storedBytes += worker.storedBytes;
    sums.spilledBytes += worker.metrics?.spilledBytes ?? 0;
    sums.memoryLimitBytes += worker.hello.memoryLimitBytes;
    sums.rssBytes += worker.metrics?.rssBytes ?? 0;
  }
  return { workers, ...sums };
}

/** In the order in which they were opened. */
function runsShown(core: Core): PageRun[] {
  const all = [...core.runs];
  let shown = all;
  if (all.length > RUNS_SHOWN) {
    const open = all.filter((run) => run.endedAt === null).slice(-RUNS_SHOWN);
    const ended = all.filter((run) => run.endedAt !== null).sort((a, b) => a.endedAt! - b.endedAt!);
    shown = [...(open.length < RUNS_SHOWN ? ended.slice(open.length - RUNS_SHOWN) : []), ...open];
    shown.sort((a, b) => a.id - b.id);
  }
  const past = core.pastRuns.last(RUNS_SHOWN - shown.length);
  const here = shown.map((run) => pageRun(core, run));
  if (past.length === 0) return here;
  return [...past.map((run) => ({ ...run, kind: kindOfRun(core, run.run as RunId) })), ...here].sort(
    (a, b) => a.run - b.run,
  );
}

function pageRun(core: Core, run: Run): PageRun {
  const { session, startedAt, endedAt } = run;
  return { ...runInfo(run), client: session.name, startedAt, endedAt, kind: kindOfRun(core, run.id) };
}

/** Of those that tasks call; others only travel inside them. */
function functionsShown(core: Core): Pick<PageOverview, "functions" | "functionCount"> {
  const all = [...core.functions.values()].filter(isCalled);
  const functionCount = all.length;
  if (all.length > FUNCTIONS_SHOWN) {
    all.sort((a, b) => Number(isBusy(b)) - Number(isBusy(a)) || b.lastEnded - a.lastEnded || b.id - a.id);
    all.length = FUNCTIONS_SHOWN;
    all.sort((a, b) => a.id - b.id);
  }
  return { functions: all.map(progressOf), functionCount };
}

function isCalled(record: FunctionRecord): boolean {
  return record.done + record.failed + record.cancelled > 0 || isBusy(record);
}

function isBusy({ counts }: FunctionRecord): boolean {
  return counts[WAITING]! + counts[DELAYED]! + counts[QUEUED]! + counts[ASSIGNED]! + counts[RUNNING]! > 0;
}

function progressOf(record: FunctionRecord): FunctionProgress {
  const { id, name, counts, done, failed, cancelled, calls, spentUs, durations } = record;
  return {
    fn: id,
    name,
    waiting: counts[WAITING]! + counts[DELAYED]!,
    queued: counts[QUEUED]!,
    active: counts[ASSIGNED]! + counts[RUNNING]!,
    ...{ done, failed, cancelled, spentUs },
    medianUs: calls === 0 ? null : Math.round(durations.median()),
  };
}
