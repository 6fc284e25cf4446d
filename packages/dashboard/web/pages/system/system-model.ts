// What a person should know of the cluster's health, in sentences; and the scheduler's own figures. No DOM.

import type { PageOverview, PageRun, WorkerInfo } from "@taskflock/protocol/words";
import type { WorkerRow } from "../../feed/worker-rows.ts";
import { bytes, count, duration, percent } from "../../ui/format.ts";

export interface Finding {
  readonly tone: "good" | "warning" | "bad";
  readonly what: string;
  /** What to do about it; "" when all is well. */
  readonly advice: string;
}

/** A heartbeat comes once a second. */
const SILENT_US = 5_000_000;
const SLOW_LOOP_MS = 200;

/** What is wrong, the worst first; or that nothing is. */
export function findings(overview: PageOverview, workers: readonly WorkerRow[]): readonly Finding[] {
  const found = [
    ...workersThere(overview),
    ...unrunnable(overview),
    ...(["cut", "paused"] as const).flatMap((status) => ofStatus(workers, status)),
    ...silent(workers),
    ...slowLoops(workers),
    ...memory(overview),
  ];
  const order = { bad: 0, warning: 1, good: 2 };
  return found.sort((a, b) => order[a.tone] - order[b.tone]);
}

function workersThere({ workers, slots }: PageOverview): readonly Finding[] {
  const there = workers.running + workers.paused + workers.retiring;
  if (there === 0) {
    const advice = "Start one: taskflock worker, with the scheduler's address.";
    return [{ tone: "bad", what: "No worker is connected.", advice }];
  }
  const has = there === 1 ? "is" : "are";
  return [
    { tone: "good", what: `${count(there, "worker")} with ${count(slots, "slot")} ${has} connected.`, advice: "" },
  ];
}

function unrunnable({ queues }: PageOverview): readonly Finding[] {
  return queues
    .filter(({ places, queued }) => places === 0 && queued > 0)
    .map(({ asks, queued }) => ({
      tone: "bad",
      what: `No worker that is there can ever run ${count(queued, "task")}${asks === "" ? "" : `: they ask for ${asks}`}.`,
      advice: "Start a worker that has it, or cancel them.",
    }));
}

const advices = {
  cut: "Their links are down, and may come back. If they do not, their tasks run elsewhere after a while.",
  paused: "Their memory is above their pause limit: they get no new tasks until results are freed or written to files.",
} as const;

function ofStatus(workers: readonly WorkerRow[], status: "cut" | "paused"): readonly Finding[] {
  const some = workers.filter((worker) => worker.status === status);
  if (some.length === 0) return [];
  return [
    { tone: "warning", what: `${named(some)} ${some.length === 1 ? "is" : "are"} ${status}.`, advice: advices[status] },
  ];
}

function silent(workers: readonly WorkerRow[]): readonly Finding[] {
  const some = workers.filter(({ silentUs, status }) => status !== "cut" && (silentUs ?? 0) > SILENT_US);
  if (some.length === 0) return [];
  const longest = Math.max(...some.map(({ silentUs }) => silentUs ?? 0));
  const advice = "Their process is stopped, or so busy that it does not get to its heartbeats; or the network is slow.";
  return [{ tone: "warning", what: `${named(some)} did not send a heartbeat for up to ${duration(longest)}.`, advice }];
}

function slowLoops(workers: readonly WorkerRow[]): readonly Finding[] {
  const some = workers.filter(({ eventLoopDelayMs }) => (eventLoopDelayMs ?? 0) > SLOW_LOOP_MS);
  if (some.length === 0) return [];
  const longest = Math.max(...some.map(({ eventLoopDelayMs }) => eventLoopDelayMs ?? 0));
  return [
    {
      tone: "warning",
      what: `The main thread of ${named(some)} is held up, by ${duration(longest * 1000)} on average.`,
      advice:
        "The machine may have fewer cores than its workers have slots. Results that are very large hold it up, too.",
    },
  ];
}

function memory({ rssBytes, memoryLimitBytes, spilledBytes }: PageOverview): readonly Finding[] {
  if (memoryLimitBytes === 0) return [];
  const share = rssBytes / memoryLimitBytes;
  const taken = `Workers take ${bytes(rssBytes)} of ${bytes(memoryLimitBytes)} (${percent(share)})`;
  const spilled = spilledBytes > 0 ? `; ${bytes(spilledBytes)} of results are in files` : "";
  const advice = "Free results that are not needed (future.release), take smaller parts, or add workers.";
  return [{ tone: share > 0.8 ? "warning" : "good", what: `${taken}${spilled}.`, advice: share > 0.8 ? advice : "" }];
}

/** The first three by name, and how many more. */
function named(workers: readonly WorkerRow[]): string {
  const names = workers.slice(0, 3).map(({ name }) => name);
  const more = workers.length - names.length;
  if (more > 0) return `${names.join(", ")} and ${count(more, "other worker")}`;
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The scheduler's figures of Prometheus' text, without `taskflock_scheduler_`; those of its workers are left out. */
export function schedulerMetrics(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^taskflock_scheduler_(\w+) (\S+)$/gm)) found.set(name!, Number(value));
  return found;
}

export interface ClientRow {
  readonly client: string;
  readonly openRuns: number;
  readonly runs: number;
  readonly tasks: number;
  readonly unfinished: number;
  readonly failed: number;
}

/** Clients by the runs that are known of them. */
export function clientsOf(runs: readonly PageRun[]): readonly ClientRow[] {
  const rows = new Map<string, ClientRow>();
  for (const { client, status, counts } of runs) {
    const row = rows.get(client) ?? { client, openRuns: 0, runs: 0, tasks: 0, unfinished: 0, failed: 0 };
    rows.set(client, {
      client,
      openRuns: row.openRuns + (status === "open" ? 1 : 0),
      runs: row.runs + 1,
      tasks: row.tasks + counts.total,
      unfinished: row.unfinished + counts.total - counts.done - counts.failed - counts.cancelled,
      failed: row.failed + counts.failed,
    });
  }
  return [...rows.values()];
}

export interface BackendRow {
  readonly id: string;
  readonly backend: string;
  readonly where: string;
  readonly device: string;
  readonly versions: string;
  readonly workers: readonly string[];
  /** Better ones, and why they do not serve. */
  readonly passedOver: string;
}

/** What TensorFlow.js computes with: workers that are alike in one row. */
export function backendsOf(workers: readonly Pick<WorkerInfo, "name" | "tensors">[]): readonly BackendRow[] {
  const rows = new Map<string, BackendRow>();
  for (const { name, tensors } of workers) {
    for (const { where, backend, versions, device, passedOver } of tensors) {
      const why = passedOver.map((one) => `${one.backend}: ${one.why}`).join("; ");
      const id = JSON.stringify([where, backend, versions, device, why]);
      const row = rows.get(id);
      const names = [...(row?.workers ?? []), name];
      const shown = { backend, where, device: device ?? "processor", versions: versions.join(", ") };
      rows.set(id, { id, ...shown, workers: names, passedOver: why });
    }
  }
  return [...rows.values()];
}
