// The task stream: a canvas with a row per slot, its tools, what is under the pointer, and the same as a table.

import { useSignalEffect } from "@preact/signals";
import type { PageGone } from "@taskflock/protocol/words";
import { useEffect, useRef, useState } from "preact/hooks";
import {
  connection,
  functionNames,
  hasScheduler,
  model,
  offsetMs,
  overview,
  schedulerNow,
  spans,
  workers,
} from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { isReport } from "../../frame/report-mode.ts";
import { go } from "../../frame/router.ts";
import { href } from "../../frame/routes.ts";
import { Section } from "../../ui/basics.tsx";
import { type CanvasHandle, useCanvas } from "../../ui/canvas.tsx";
import { duration } from "../../ui/format.ts";
import { Legend } from "./legend.tsx";
import { AXIS_HEIGHT, drawStream, gutterOf } from "./stream-draw.ts";
import { listenForGestures, type Place, pointedAt } from "./stream-gestures.ts";
import { TaskStream } from "./stream-model.ts";
import { StreamTable } from "./stream-table.tsx";
import {
  afterKey,
  atTime,
  firstView,
  keyOf,
  paused,
  pixelAt,
  rowHeight,
  type Size,
  type StreamKey,
  scrolled,
  TALLEST_ROW,
  type View,
} from "./stream-view.ts";
import { Tip, type TipPlace } from "./tip.tsx";
import { barAt, type Found, neighbour } from "./visible-bars.ts";

/** For the life of the page: whoever comes back to the view finds it as it was. */
const stream = new TaskStream();
let view: View = firstView;

/** Rows of workers that are gone stay for so long, µs. */
const GONE_SHOWN_US = 10 * 60_000_000;
const GONE_ASKED_MS = 10_000;
const FRAME_MS = 66;
const CALM_FRAME_MS = 1000;
const LEAST_ROWS = 6;
const MOST_HEIGHT = 420;
/** Pixels below the pointer. */
const TIP_BELOW = 18;
/** Pixels beside a bar that still mean it. */
const SLACK_PX = 3;

/** The scheduler's clock, which stands still while nothing is heard of it. */
function clock(): number {
  const isHeard = connection.peek().is === "open" && hasScheduler.peek();
  return isHeard ? schedulerNow() : model.peek().now;
}

/** A bar, and where on the canvas what is said of it stands. */
interface Marked {
  readonly bar: Found;
  readonly x: number;
  readonly y: number;
}

export function StreamPanel() {
  const [isLive, setLive] = useState(view.isLive);
  const [span, setSpan] = useState(view.span);
  const [marked, setMarked] = useState<Marked | null>(null);
  const rows = overview.value?.slots ?? 0;
  useGone();
  const scene = useScene(marked?.bar ?? null);
  const setView = (next: View): void => {
    view = next;
    setLive(next.isLive);
    setSpan(next.span);
    scene.canvas.redraw();
  };
  const press = (key: StreamKey): void => setView(afterKey(view, key, clock()));
  const host = {
    ...scene,
    view: () => atTime(view, clock()),
    setView,
    now: clock,
    onHover: (place: Place | null) => setMarked(place === null ? null : markedAt(place, scene.size())),
    onClick: (place: Place) => open(markedAt(place, scene.size())),
  };
  const last = useRef(host);
  last.current = host;
  useEffect(() => {
    const canvas = scene.canvas.ref.current;
    return canvas === null ? undefined : listenForGestures(canvas, latest(last));
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = keyOf(event.key);
    if (key !== undefined) press(key);
    else if (event.key === "Enter") open(marked);
    else if (event.key === "Escape") setMarked(null);
    else if (!moveMark(event.key, marked, scene.size(), setMarked, setView)) return;
    event.preventDefault();
  };
  return (
    <Section title="Task stream" tools={<Tools isLive={isLive} span={span} press={press} />}>
      <div class="stream" onBlurCapture={() => setMarked(null)}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: keys go to it, as to a map */}
        <canvas
          ref={scene.canvas.ref}
          class="stream-canvas"
          style={{ height: `${heightFor(rows)}px` }}
          tabIndex={0}
          role="application"
          aria-label="Task stream: a row per slot, time from left to right. The table below says the same."
          aria-describedby="stream-keys"
          onKeyDown={onKeyDown}
        />
        {marked !== null && <Tip bar={marked.bar} stream={stream} place={placeOf(marked, scene)} />}
      </div>
      <Keys />
      <Legend />
      <StreamTable stream={stream} />
    </Section>
  );
}

function Keys() {
  return (
    <p id="stream-keys" class="soft stream-keys">
      Keys: + and − zoom, ← → move, space stops and goes on, Home goes back, ↑ ↓ choose a row, N and P an attempt, Enter
      opens it. The wheel zooms once the stream is clicked, or with Ctrl.
    </p>
  );
}

/** An object whose methods are those of the last render. */
function latest<T extends object>(of: { readonly current: T }): T {
  return new Proxy({} as T, { get: (_target, name) => of.current[name as keyof T] });
}

/** As high as its rows, within limits: it does not take the view over, and does not jump with each worker that joins. */
function heightFor(rows: number): number {
  return AXIS_HEIGHT + Math.min(MOST_HEIGHT, Math.max(LEAST_ROWS, rows) * TALLEST_ROW);
}

/** Names for the rows of workers that the feed does not know any more. */
function useGone(): void {
  const { value } = useAnswer<PageGone>("gone-workers?limit=200", GONE_ASKED_MS);
  useEffect(() => stream.nameGone(value?.items ?? []), [value]);
}

function useScene(marked: Found | null): { canvas: CanvasHandle; size: () => Size; gutter: () => number } {
  const canvas: CanvasHandle = useCanvas((context, { width, height }) => {
    const gutter = gutterOf(width);
    const now = clock();
    const size = { width: width - gutter, height: height - AXIS_HEIGHT, rows: stream.rows.length };
    // Rows can have gone since it was scrolled.
    view = scrolled(atTime(view, now), 0, size);
    drawStream(context, {
      stream,
      view,
      size,
      gutter,
      now,
      offsetMs: offsetMs.peek(),
      names: functionNames.peek(),
      marked,
    });
  });
  const box = (): { readonly width: number; readonly height: number } => {
    const { clientWidth: width = 300, clientHeight: height = 300 } = canvas.ref.current ?? {};
    return { width, height };
  };
  const gutter = (): number => gutterOf(box().width);
  useSignalEffect(() => {
    const told = spans.value;
    if (workers.value.size > 0 || overview.value?.slots === 0) stream.setWorkers(workers.value);
    const { now, seq } = model.peek();
    if (seq === 0) return;
    stream.take(told, now);
    stream.forgetGone(now - GONE_SHOWN_US);
    canvas.redraw();
  });
  useClock(canvas, () => view.span / Math.max(1, box().width));
  useEffect(canvas.redraw, [marked]);
  return {
    canvas,
    gutter,
    size: () => ({ width: box().width - gutter(), height: box().height - AXIS_HEIGHT, rows: stream.rows.length }),
  };
}

/** While live it moves: when there is a new pixel to be seen, and calmly for those who want no motion. */
function useClock(canvas: CanvasHandle, usPerPixel: () => number): void {
  useEffect(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let drawnAt = 0;
    const timer = setInterval(
      () => {
        const now = clock();
        if (!view.isLive || document.hidden || now - drawnAt < usPerPixel()) return;
        drawnAt = now;
        canvas.redraw();
      },
      calm ? CALM_FRAME_MS : FRAME_MS,
    );
    return () => clearInterval(timer);
  }, []);
}

function markedAt(place: Place, size: Size): Marked | null {
  const now = clock();
  const shown = atTime(view, now);
  const { row, time } = pointedAt(place, shown, size, rowHeight(size));
  const bar = barAt(stream, row, time, (SLACK_PX * shown.span) / size.width, now);
  return bar === null ? null : { bar, x: place.x, y: place.y };
}

/** Where what is said of it stands: to the side where there is more room. */
function placeOf({ x, y }: Marked, { size, gutter }: { size: () => Size; gutter: () => number }): TipPlace {
  return { x: x + gutter(), y: y + TIP_BELOW, isLeft: x > size().width / 2 };
}

function open(marked: Marked | null): void {
  if (marked !== null) go(href("tasks", marked.bar.task));
}

/** Arrow keys choose a row, N and P an attempt in it. False: not such a key. */
function moveMark(
  key: string,
  marked: Marked | null,
  size: Size,
  setMarked: (marked: Marked | null) => void,
  setView: (view: View) => void,
): boolean {
  const step = { ArrowDown: 1, ArrowUp: -1, n: 0, N: 0, p: 0, P: 0 }[key];
  if (step === undefined) return false;
  const now = clock();
  // What is chosen must not run away.
  const still = view.isLive ? paused(view, now) : view;
  const height = rowHeight(size);
  const from = marked?.bar ?? { row: Math.floor(view.top / height), start: still.to };
  const row = Math.min(size.rows - 1, Math.max(0, from.row + (marked === null ? 0 : step)));
  const direction = key.toLowerCase() === "n" ? 1 : -1;
  const slack = still.span / 2;
  const bar =
    step === 0
      ? neighbour(stream, row, from.start, direction, now)
      : (barAt(stream, row, from.start, slack, now) ?? neighbour(stream, row, from.start, -1, now));
  if (bar === null) return true;
  const middle = { ...still, to: bar.start + still.span / 2 };
  const isSeen = bar.start > still.to - still.span && bar.start < still.to;
  const next = scrolled(isSeen ? still : middle, rowOffset(bar.row * height, height, still.top, size.height), size);
  setView(next);
  setMarked({ bar, x: Math.max(0, pixelAt(next, bar.start, size.width)), y: bar.row * height - next.top + height });
  return true;
}

/** Pixels to scroll by until a row is in sight. */
function rowOffset(y: number, height: number, top: number, shown: number): number {
  if (y < top) return y - top;
  return y + height > top + shown ? y + height - top - shown : 0;
}

function Tools(props: { readonly isLive: boolean; readonly span: number; readonly press: (key: StreamKey) => void }) {
  const { isLive, span, press } = props;
  const button = (key: StreamKey, label: string, sign: string) => (
    <button type="button" aria-label={label} title={label} onClick={() => press(key)}>
      {sign}
    </button>
  );
  return (
    <>
      <span class="soft stream-span">{duration(span)} shown</span>
      {button("zoomOut", "Show a longer time", "−")}
      {button("zoomIn", "Show a shorter time", "+")}
      {button("earlier", "Earlier", "←")}
      {button("later", "Later", "→")}
      <button
        type="button"
        title={isReport ? "All of the report's period" : "The last 30 seconds, live"}
        onClick={() => press("home")}
      >
        {isReport ? "All" : "30 s"}
      </button>
      {!isReport && (
        <button type="button" class="stream-live" aria-pressed={isLive} onClick={() => press("pause")}>
          Live
        </button>
      )}
    </>
  );
}
