// Where the reader of the task stream is: which part of the time, which rows, live or not. Each function gives the next view.

import { report } from "../../frame/report-mode.ts";

export interface View {
  /** µs of the scheduler's clock at the right edge; while live: the clock itself. */
  readonly to: number;
  /** µs that are shown. */
  readonly span: number;
  /** The right edge moves with the clock. */
  readonly isLive: boolean;
  /** Pixels that rows are scrolled down by. */
  readonly top: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
  readonly rows: number;
}

/** The last half minute; of a report all of its period. */
export const FIRST_SPAN_US: number = report === null ? 30_000_000 : Math.max(100_000, (report.to - report.from) * 1020);
const SHORTEST_SPAN_US = 50;
const LONGEST_SPAN_US = 6 * 3_600_000_000;
/** Pixels. */
export const TALLEST_ROW = 22;
const LOWEST_ROW = 4;
/** Of what is shown, per key. */
const PAN_SHARE = 0.2;
const ZOOM_STEP = 1.6;

export const firstView: View = { to: 0, span: FIRST_SPAN_US, isLive: true, top: 0 };

/** Pixels of a row: as tall as there is room for, and never so low that a pointer misses it. */
export function rowHeight({ height, rows }: Size): number {
  return Math.min(TALLEST_ROW, Math.max(LOWEST_ROW, Math.floor(height / Math.max(1, rows))));
}

/** Pixels that all rows take. */
export function rowsHeight(size: Size): number {
  return rowHeight(size) * size.rows;
}

/** The view as it is at this moment of the clock. */
export function atTime(view: View, now: number): View {
  return view.isLive ? { ...view, to: now } : view;
}

/** Longer (`factor` above 1) or shorter, around a place: 0 is the left edge, 1 the right. Live views stay live, and keep the right edge. */
export function zoomed(view: View, factor: number, around = 1): View {
  const span = Math.min(LONGEST_SPAN_US, Math.max(SHORTEST_SPAN_US, view.span * factor));
  if (view.isLive) return { ...view, span };
  const fixed = view.to - view.span * (1 - around);
  return { ...view, span, to: fixed + span * (1 - around) };
}

/** Moved by so many µs, to later times when positive. Whoever goes back stops the clock; who reaches the present is live again. */
export function panned(view: View, us: number, now: number): View {
  if (us === 0) return view;
  const to = view.to + us;
  return to >= now ? { ...view, to: now, isLive: true } : { ...view, to, isLive: false };
}

export function scrolled(view: View, pixels: number, size: Size): View {
  const most = Math.max(0, rowsHeight(size) - size.height);
  return { ...view, top: Math.min(most, Math.max(0, view.top + pixels)) };
}

export function paused(view: View, now: number): View {
  return view.isLive ? { ...view, to: now, isLive: false } : { ...view, isLive: true };
}

export type StreamKey = "zoomIn" | "zoomOut" | "earlier" | "later" | "pause" | "home";

/** What a key of the keyboard means to the stream; undefined: nothing. */
export function keyOf(key: string): StreamKey | undefined {
  return keys[key];
}
const keys: Readonly<Record<string, StreamKey>> = {
  "+": "zoomIn",
  "=": "zoomIn",
  "-": "zoomOut",
  ArrowLeft: "earlier",
  ArrowRight: "later",
  " ": "pause",
  Home: "home",
};

export function afterKey(view: View, key: StreamKey, now: number): View {
  const shown = atTime(view, now);
  switch (key) {
    case "zoomIn":
      return zoomed(shown, 1 / ZOOM_STEP, 0.5);
    case "zoomOut":
      return zoomed(shown, ZOOM_STEP, 0.5);
    case "earlier":
      return panned(shown, -shown.span * PAN_SHARE, now);
    case "later":
      return panned(shown, shown.span * PAN_SHARE, now);
    case "pause":
      return paused(shown, now);
    case "home":
      return { ...firstView, to: now };
  }
}

/** Rows that are seen, whole or in part. */
export function rowsSeen(view: View, size: Size): { readonly first: number; readonly last: number } {
  const height = rowHeight(size);
  return {
    first: Math.floor(view.top / height),
    last: Math.min(size.rows, Math.ceil((view.top + size.height) / height)),
  };
}

/** Pixels and times. */
export function timeAt(view: View, x: number, width: number): number {
  return view.to - view.span * (1 - x / width);
}
export function pixelAt(view: View, time: number, width: number): number {
  return (1 - (view.to - time) / view.span) * width;
}

export interface Tick {
  readonly x: number;
  readonly wallMs: number;
}

const STEPS_MS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((seconds) => seconds * 1000),
);
const PIXELS_PER_TICK = 90;

/** Marks of the axis at round times of the reader's clock. `stepMs`: how far apart they are, which says how precise a label must be. */
export function ticksOf(
  view: View,
  width: number,
  offsetMs: number,
): { readonly stepMs: number; readonly ticks: readonly Tick[] } {
  const spanMs = view.span / 1000;
  const most = Math.max(1, width / PIXELS_PER_TICK);
  const stepMs = STEPS_MS.find((step) => spanMs / step <= most) ?? STEPS_MS.at(-1)!;
  const fromMs = (view.to - view.span) / 1000 + offsetMs;
  const ticks: Tick[] = [];
  for (let n = Math.ceil(fromMs / stepMs); n * stepMs <= fromMs + spanMs; n++)
    ticks.push({ x: ((n * stepMs - fromMs) / spanMs) * width, wallMs: n * stepMs });
  return { stepMs, ticks };
}
