// Which bars of the task stream are seen, and where: bars thinner than a pixel are drawn as one. No DOM.

import { FAILED, type Lane, RUNNING } from "./lane.ts";
import type { StreamRow, TaskStream } from "./stream-model.ts";

/** The part of the time that is shown, µs of the scheduler's clock, and on how many pixels. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** Rows `first` to `last` - 1. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
}

/** Columns; `count` of them are used. They are the same arrays in each frame. */
export interface Bars {
  count: number;
  row: Int32Array;
  /** Pixels from the left of the window. */
  left: Float32Array;
  right: Float32Array;
  fn: Int32Array;
  /** `DONE` … `RUNNING`. One of several that is drawn for all of them is `FAILED` when any is. */
  kind: Uint8Array;
  /** Attempts that it stands for. */
  of: Int32Array;
  /** How much of it is work, 0 to 1. */
  cover: Float32Array;
}

export function newBars(): Bars {
  const size = 1024;
  return {
    count: 0,
    row: new Int32Array(size),
    left: new Float32Array(size),
    right: new Float32Array(size),
    fn: new Int32Array(size),
    kind: new Uint8Array(size),
    of: new Int32Array(size),
    cover: new Float32Array(size),
  };
}

/** Fills `into` with what is seen of these rows. `now`: where bars end that run. */
export function visibleBars(stream: TaskStream, window: Window, rows: RowRange, now: number, into: Bars): Bars {
  into.count = 0;
  for (let row = Math.max(0, rows.first); row < Math.min(rows.last, stream.rows.length); row++) {
    const at = stream.rows[row]!;
    addLane(at.lane, row, window, into);
    addRunning(at, row, window, now, into);
  }
  return into;
}

function addLane(lane: Lane, row: number, { from, to, width }: Window, into: Bars): void {
  const scale = width / (to - from);
  let index = lane.firstAfter(from);
  while (index < lane.count && lane.starts[index]! < to) {
    const left = (lane.starts[index]! - from) * scale;
    const right = (lane.ends[index]! - from) * scale;
    if (right - left >= 1) {
      const at = nextOf(into);
      set(into, at, row, Math.max(0, left), Math.min(width, right));
      into.fn[at] = lane.fns[index]!;
      into.kind[at] = lane.kinds[index]!;
      index++;
    } else index = addMerged(lane, index, row, left, scale, from, into);
  }
}

/** All thin ones from `first` on that begin within the same pixel are one, in the colour of the longest. */
function addMerged(
  lane: Lane,
  first: number,
  row: number,
  left: number,
  scale: number,
  from: number,
  into: Bars,
): number {
  const pixel = Math.floor(left);
  const limit = from + (pixel + 1) / scale;
  let longest = first;
  let failed = false;
  let us = 0;
  let index = first;
  for (; index < lane.count && lane.starts[index]! < limit; index++) {
    const length = lane.ends[index]! - lane.starts[index]!;
    if (index > first && length * scale >= 1) break;
    us += length;
    if (length > lane.ends[longest]! - lane.starts[longest]!) longest = index;
    if (lane.kinds[index] === FAILED) failed = true;
  }
  const at = nextOf(into);
  set(into, at, row, pixel, pixel + 1);
  into.fn[at] = lane.fns[longest]!;
  into.kind[at] = failed ? FAILED : lane.kinds[longest]!;
  into.of[at] = index - first;
  into.cover[at] = Math.min(1, us * scale);
  return index;
}

function addRunning({ of, slot, lane }: StreamRow, row: number, window: Window, now: number, into: Bars): void {
  const { from, to, width } = window;
  const scale = width / (to - from);
  for (const bar of of.running.values()) {
    const start = Math.max(bar.startedAt, lane.lastEnd);
    if (bar.lane !== slot || start >= to || now <= from) continue;
    const at = nextOf(into);
    const left = Math.max(0, (start - from) * scale);
    set(into, at, row, left, Math.max(left + 1, Math.min(width, (now - from) * scale)));
    into.fn[at] = bar.fn;
    into.kind[at] = RUNNING;
  }
}

function set(into: Bars, at: number, row: number, left: number, right: number): void {
  into.row[at] = row;
  into.left[at] = left;
  into.right[at] = right;
  into.of[at] = 1;
  into.cover[at] = 1;
}

function nextOf(bars: Bars): number {
  if (bars.count === bars.row.length) {
    const length = bars.row.length * 2;
    bars.row = copied(bars.row, new Int32Array(length));
    bars.left = copied(bars.left, new Float32Array(length));
    bars.right = copied(bars.right, new Float32Array(length));
    bars.fn = copied(bars.fn, new Int32Array(length));
    bars.kind = copied(bars.kind, new Uint8Array(length));
    bars.of = copied(bars.of, new Int32Array(length));
    bars.cover = copied(bars.cover, new Float32Array(length));
  }
  return bars.count++;
}

function copied<T extends Int32Array | Float32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** What lies at a place of a row: a bar, or what is nearest within `slack` µs; null: nothing does. */
export interface Found {
  readonly row: number;
  readonly task: number;
  /** "" when only the task's number is known. */
  readonly key: string;
  readonly fn: number;
  readonly start: number;
  /** Null while it runs. */
  readonly end: number | null;
  readonly kind: number;
}

export function barAt(stream: TaskStream, row: number, time: number, slack: number, now: number): Found | null {
  const at = stream.rows[row];
  if (at === undefined) return null;
  const { lane, of, slot } = at;
  for (const bar of of.running.values()) {
    if (bar.lane !== slot || time < bar.startedAt - slack || time > now + slack || time < lane.lastEnd) continue;
    return { row, task: bar.task, key: bar.key, fn: bar.fn, start: bar.startedAt, end: null, kind: RUNNING };
  }
  const after = lane.firstAfter(time);
  const candidates = [after, after - 1].filter((index) => index >= 0 && index < lane.count);
  const distance = (index: number): number => Math.max(lane.starts[index]! - time, time - lane.ends[index]!, 0);
  const nearest = candidates.sort((a, b) => distance(a) - distance(b))[0];
  if (nearest === undefined || distance(nearest) > slack) return null;
  return { row, key: "", ...lane.at(nearest) };
}

/** The bar before or behind a time in a row: how a keyboard goes through them. What runs is behind all others. */
export function neighbour(stream: TaskStream, row: number, time: number, step: 1 | -1, now: number): Found | null {
  const at = stream.rows[row];
  if (at === undefined) return null;
  const { lane, of, slot } = at;
  const open = [...of.running.values()].find((bar) => bar.lane === slot);
  let index = lane.firstAfter(time);
  if (step > 0 && index < lane.count && lane.starts[index]! <= time) index++;
  if (step < 0) index--;
  if (index >= 0 && index < lane.count) return { row, key: "", ...lane.at(index) };
  if (step > 0 && open !== undefined && time < now && time < Math.max(open.startedAt, lane.lastEnd))
    return { row, task: open.task, key: open.key, fn: open.fn, start: open.startedAt, end: null, kind: RUNNING };
  return null;
}
