// What squeue prints, and what its reasons mean. Pure.

import { workerName } from "./script.ts";

/** Its own separator, because names and reasons may have blanks and commas in them. */
export const QUEUE_FORMAT = "%F|%K|%T|%N|%r";

/** A task of an array, as Slurm sees it. */
export interface QueueRow {
  readonly name: string;
  readonly jobId: string;
  readonly index: number;
  /** Such as PENDING, RUNNING, COMPLETING. */
  readonly state: string;
  /** Nodes it runs on; empty while it waits. */
  readonly nodes: string;
  /** Why it waits; "None" when it does not. */
  readonly reason: string;
}

/** Rows of `squeue --noheader --array --format=QUEUE_FORMAT`; what is no task of an array is left out. */
export function parseQueue(text: string): QueueRow[] {
  return text.split("\n").flatMap((line) => {
    const [jobId = "", index = "", state = "", nodes = "", ...reason] = line.trim().split("|");
    if (!/^\d+$/.test(jobId) || !/^\d+$/.test(index)) return [];
    const name = workerName(jobId, index);
    return [{ name, jobId, index: Number(index), state, nodes, reason: reason.join("|") || "None" }];
  });
}

/** Also what Slurm has put back into its queue, suspended, or is about to start. */
const alive = /^(PENDING|CONFIGURING|RUNNING|SUSPENDED|STOPPED|RESIZING|SIGNALING|REQUEUED|REQUEUE_HOLD|REQUEUE_FED)$/;

/** False for what Slurm lists still although it is over, or about to be: COMPLETING, NODE_FAIL, TIMEOUT … */
export function isAlive({ state }: QueueRow): boolean {
  return alive.test(state);
}

const meanings: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [/^Resources$/, "no node has enough free cores, memory or GPUs at the moment"],
  [/^Priority$/, "other jobs come before it"],
  [/^(None|Cleaning)$/, "Slurm has not looked at it yet"],
  [/^ReqNodeNotAvail|^Nodes required|NodeDown/, "nodes that it needs are down, drained or reserved"],
  [/^PartitionTimeLimit$/, "its walltime is longer than the partition allows"],
  [/^PartitionNodeLimit$|^PartitionConfig$/, "the partition has no nodes like it asks for"],
  [/^Partition(Down|Inactive)$/, "the partition is closed"],
  [/^BadConstraints$/, "no node can ever give what it asks for"],
  [/^(QOS|Assoc|Max).*(Limit|Max|Grp|Per)/, "a limit of the account or the user is reached"],
  [
    /^(InvalidAccount|InvalidQOS|AccountNotAllowed|QOSNotAllowed)/,
    "the account or its quality of service may not run it",
  ],
  [/^Dependency/, "it waits for another job"],
  [/^BeginTime$/, "its time to begin has not come"],
  [/^JobHeld/, "it is held, and must be released"],
  [/^JobArrayTaskLimit$/, "its array may not have more tasks at once"],
  [/^Licenses$/, "licenses that it asks for are in use"],
  [/^Reservation$/, "its reservation has not begun"],
  [/^launch_failed|^JobLaunchFailure$/i, "a node could not start it"],
];

/** What a reason of squeue means, with the reason in brackets. */
export function reasonMeaning(reason: string): string {
  const known = meanings.find(([pattern]) => pattern.test(reason));
  return known === undefined ? `Slurm's reason is ${reason}` : `${known[1]} (${reason})`;
}

/** One sentence for tasks that wait, by the reason that most of them have. */
export function pendingSentence(rows: readonly QueueRow[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of rows) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const [[most] = ["None"]] = [...counts].sort(([, a], [, b]) => b - a);
  const jobs = [...new Set(rows.map(({ jobId }) => jobId))].join(", ");
  const waits = rows.length === 1 ? "1 worker waits" : `${rows.length} workers wait`;
  return `${waits} in Slurm's queue (job ${jobs}): ${reasonMeaning(most)}.`;
}
