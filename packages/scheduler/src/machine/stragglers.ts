// Tasks that take much longer than others of their function. Only attempts that were said to run are watched, all with one
// alarm: what is short has ended before anybody looks.

import type { Attempt, Micros, TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Session, Task } from "./records.ts";
import { eachRef, keyOf } from "./references.ts";
import { RUNNING } from "./states.ts";

/** A straggler takes longer than so many times the median of its function. */
const TIMES_THE_MEDIAN = 3;
/** A median counts when so many calls have ended. */
const MIN_CALLS = 5;
/** Of those found at one look, this many are events of their own; and a notice to a client names so many. */
const EVENTS_AT_ONCE = 32;
const NAMED_AT_ONCE = 3;

/** An attempt that runs. */
export interface Watched {
  readonly task: TaskId;
  readonly attempt: Attempt;
  readonly since: Micros;
  /** It was told of, and stays to be begun a second time. */
  reported: boolean;
}

export function watch(core: Core, task: Task): void {
  core.begun.set(task, core.now);
  core.watched.push({ task: task.id, attempt: task.attempt, since: core.now, reported: false });
  if (core.lookTimer === null) lookAt(core, core.now + core.config.stragglerUs);
}

/**
 * Tells of those that were not told of, once it is time to look. `begin` begins one a second time that asked for that, and says whether
 * it could; if not it is asked again.
 */
export function watchStragglers(core: Core, begin: (core: Core, task: Task) => boolean): void {
  const { watched } = core;
  if (watched.length === 0 || core.now < core.looksDue) return;
  core.looksDue = core.now + core.config.stragglerUs;
  const found: Found[] = [];
  const eager: [Watched, Task][] = [];
  let kept = 0;
  for (const entry of watched) {
    const task = core.taskById(entry.task);
    if (task === null || task.state !== RUNNING || task.attempt !== entry.attempt) continue;
    const median = isLate(core, entry, task);
    if (median === null) watched[kept++] = entry;
    else {
      if (!entry.reported) found.push({ task, ranUs: core.now - entry.since, median });
      entry.reported = true;
      if (task.options.data.speculate) eager.push([entry, task]);
    }
  }
  watched.length = kept;
  report(core, found);
  for (const [entry, task] of eager) if (!begin(core, task)) watched.push(entry);
  planLook(core);
}

/** By an alarm, for those that get late if nothing happens. For others something must happen first, and the look comes in passing. */
function planLook(core: Core): void {
  let soonest = Number.POSITIVE_INFINITY;
  for (const { task, since, reported } of core.watched) {
    if (!reported) soonest = Math.min(soonest, since + limitOf(core, core.taskById(task)!) + 1);
  }
  if (core.lookTimer !== null) core.timers.drop(core.lookTimer);
  core.lookTimer = null;
  if (soonest < Number.POSITIVE_INFINITY) lookAt(core, Math.max(soonest, core.looksDue));
}

function lookAt(core: Core, at: number): void {
  core.lookTimer = core.timers.set(Math.ceil(at) as Micros, { what: "stragglers" });
}

/** How long an attempt of the task may run, µs; without limit while its function has no median. */
function limitOf({ config }: Core, task: Task): number {
  const { durations } = task.definition!.record;
  if (durations.total < MIN_CALLS) return Number.POSITIVE_INFINITY;
  return Math.max(config.stragglerUs, TIMES_THE_MEDIAN * durations.median());
}

interface Found {
  readonly task: Task;
  readonly ranUs: number;
  readonly median: number;
}

/** The median of its function when the attempt takes much longer than that, or null. */
function isLate(core: Core, entry: Watched, task: Task): number | null {
  const ranUs = core.now - entry.since;
  if (ranUs <= core.config.stragglerUs || ranUs <= limitOf(core, task)) return null;
  return task.definition!.record.durations.median();
}

function report(core: Core, found: readonly Found[]): void {
  const bySession = new Map<Session, Found[]>();
  for (const [i, one] of found.entries()) {
    const { task } = one;
    if (i < EVENTS_AT_ONCE) core.happened("straggler", task.worker!.name, inWords(one), keyOf(task));
    eachRef(task, (session, n) => {
      if (session.hears.has(n)) return; // the task says itself how far it is
      const own = bySession.get(session);
      if (own === undefined) bySession.set(session, [one]);
      else own.push(one);
    });
  }
  if (found.length > EVENTS_AT_ONCE) core.happened("straggler", "", `and ${found.length - EVENTS_AT_ONCE} more tasks`);
  for (const [session, own] of bySession) {
    const named = own.slice(0, NAMED_AT_ONCE).map((one) => `${keyOf(one.task)} ${inWords(one)}`);
    const more = own.length > NAMED_AT_ONCE ? `; and so do ${own.length - NAMED_AT_ONCE} more` : "";
    core.notice(session, `Tasks take much longer than others of their function: ${named.join("; ")}${more}.`);
  }
}

function inWords({ task, ranUs, median }: Found): string {
  return `has run for ${inSeconds(ranUs)} at ${task.worker!.name}, the median of ${task.name} is ${inSeconds(median)}`;
}

function inSeconds(us: number): string {
  return us < 100_000 ? `${(us / 1000).toPrecision(2)} ms` : `${(us / 1e6).toPrecision(2)} s`;
}
