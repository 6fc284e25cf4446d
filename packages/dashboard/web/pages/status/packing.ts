// Which slot ran what: attempts come with their worker, when they ended, and how long they took. Many of them end in one message, with one
// time for all; so they are laid backwards, one before the other, in as many lanes as the worker has slots.

import type { Lane } from "./lane.ts";

/** Attempts of one worker that ended, the oldest first, as columns. */
export interface Ended {
  readonly task: readonly number[];
  readonly fn: readonly number[];
  readonly endedAt: readonly number[];
  readonly durationUs: readonly number[];
  /** Index into `spanEnds`. */
  readonly kind: readonly number[];
}

interface Placed {
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

/** Where a worker's bars go. */
export interface Room {
  readonly lanes: readonly Lane[];
  /** By lane: when an attempt that still runs there began; infinity where none does. */
  readonly ceilings: readonly number[];
  /** The lane that a task was shown in while it ran. */
  readonly hints: ReadonlyMap<number, number>;
  /** Bars that a lane keeps. */
  readonly most: number;
}

/** Lays them behind what the lanes have, and before what runs. Says how many µs, by function, found no room. */
export function layBackwards({ lanes, ceilings, hints, most }: Room, ended: Ended): Map<number, number> {
  const tops = [...ceilings];
  const floors = lanes.map(({ lastEnd }) => lastEnd);
  const placed: Placed[][] = lanes.map(() => []);
  const left = new Map<number, number>();
  for (let i = ended.task.length - 1; i >= 0; i--) {
    const endedAt = ended.endedAt[i]!;
    const duration = ended.durationUs[i]!;
    const lane = hints.get(ended.task[i]!) ?? bestLane(tops, floors, endedAt, duration);
    const end = Math.min(endedAt, tops[lane]!);
    const start = Math.max(end - duration, floors[lane]!);
    if (end > start) {
      placed[lane]!.push({ start, end, index: i });
      tops[lane] = start;
    }
    const lost = duration - Math.max(0, end - start);
    if (lost > 0) left.set(ended.fn[i]!, (left.get(ended.fn[i]!) ?? 0) + lost);
  }
  for (const [number, bars] of placed.entries()) {
    for (const { start, end, index } of bars.reverse())
      lanes[number]!.push(
        { start, end, task: ended.task[index]!, fn: ended.fn[index]!, kind: ended.kind[index]! },
        most,
      );
  }
  return left;
}

/** Where least is cut off, then where it is moved least, then where it leaves the smallest gap. */
function bestLane(tops: readonly number[], floors: readonly number[], endedAt: number, duration: number): number {
  let best = 0;
  let bestCut = Number.POSITIVE_INFINITY;
  let bestMove = Number.POSITIVE_INFINITY;
  for (let lane = 0; lane < tops.length; lane++) {
    const end = Math.min(endedAt, tops[lane]!);
    const cut = Math.max(0, floors[lane]! - (end - duration));
    const move = endedAt - end;
    const difference = cut - bestCut || move - bestMove || floors[best]! - floors[lane]!;
    if (!(difference < 0)) continue;
    best = lane;
    bestCut = cut;
    bestMove = move;
  }
  return best;
}

/** Where an attempt that began then is shown: the lane that was free last before it, or else the one that was free first. -1: none is free. */
export function laneFor(lanes: readonly Lane[], ceilings: readonly number[], startedAt: number): number {
  let best = -1;
  let bestEnd = 0;
  for (const [number, { lastEnd }] of lanes.entries()) {
    if (ceilings[number] !== Number.POSITIVE_INFINITY) continue;
    if (best < 0 || isBetter(lastEnd, bestEnd, startedAt)) {
      best = number;
      bestEnd = lastEnd;
    }
  }
  return best;
}

function isBetter(end: number, bestEnd: number, startedAt: number): boolean {
  if (end <= startedAt) return bestEnd > startedAt || end > bestEnd;
  return bestEnd > startedAt && end < bestEnd;
}
