// Moves of stored results, so that workers store about as many bytes each: from the fullest to the emptiest, as long as that helps.

import type { Core } from "./core.ts";
import { takesTasks } from "./lanes.ts";
import { beginTransfer, type Errand } from "./moves.ts";
import { ACTOR, type Task } from "./records.ts";
import { DONE } from "./states.ts";
import type { Worker } from "./worker-record.ts";

/** Even enough: a tenth of the mean between the fullest and the emptiest. */
const TOLERANCE = 0.1;
/** A move that takes less than a tenth off the gap is not worth its bytes. */
const WORTH = 0.9;

/** What is known of one worker while the moves are planned. */
interface Pan {
  readonly worker: Worker;
  bytes: number;
  /** What may leave it, the largest first; `next` is the first that was not tried. */
  readonly movable: readonly Task[];
  next: number;
  /** What was planned to come. */
  readonly coming: Set<Task>;
}

/** `tasks`: what may be moved; null: everything. Each result moves once at most. */
export function planRebalance(
  core: Core,
  errand: Errand,
  tasks: readonly Task[] | null,
  among: readonly Worker[],
): void {
  const chosen = tasks === null ? null : new Set(tasks);
  const pans = among.filter(takesTasks).map((worker) => panOf(core, worker, chosen));
  if (pans.length < 2) return;
  const mean = pans.reduce((sum, { bytes }) => sum + bytes, 0) / pans.length;
  const senders = new Set(pans);
  while (senders.size > 0) {
    const from = extreme(senders, 1);
    const to = extreme(pans, -1);
    const gap = from.bytes - to.bytes;
    const task = gap <= mean * TOLERANCE ? undefined : nextBelow(from, to, gap);
    if (task === undefined) {
      senders.delete(from); // it has nothing whose move would help
      continue;
    }
    from.bytes -= task.bytes;
    to.bytes += task.bytes;
    to.coming.add(task);
    beginTransfer(core, errand, task, to.worker, from.worker);
  }
}

function panOf(core: Core, worker: Worker, chosen: ReadonlySet<Task> | null): Pan {
  const movable = [...worker.holds.keys()].filter((task) => {
    if (chosen !== null && !chosen.has(task)) return false;
    return task.state === DONE && (task.flags & ACTOR) === 0 && !core.transfers.has(task);
  });
  movable.sort((a, b) => b.bytes - a.bytes || a.id - b.id);
  return { worker, bytes: worker.storedBytes, movable, next: 0, coming: new Set() };
}

/** The largest that makes the two more even, and that the receiver lacks. The gap only shrinks: what is too large now is so for ever. */
function nextBelow(from: Pan, to: Pan, gap: number): Task | undefined {
  while (from.next < from.movable.length) {
    const task = from.movable[from.next++]!;
    if (task.bytes < gap * WORTH && task.bytes > 0 && !to.worker.holds.has(task) && !to.coming.has(task)) return task;
  }
  return undefined;
}

function extreme(pans: Iterable<Pan>, sign: 1 | -1): Pan {
  let best: Pan | null = null;
  for (const pan of pans) if (best === null || (pan.bytes - best.bytes) * sign > 0) best = pan;
  return best!;
}
