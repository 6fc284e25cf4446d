// Draws the task stream on a canvas: what is in sight, in one pass.

import { colourOf } from "../../ui/colours.ts";
import { time } from "../../ui/format.ts";
import { cssColour, isDark } from "../../ui/theme.ts";
import { FAILED, RUNNING, STOPPED } from "./lane.ts";
import type { TaskStream } from "./stream-model.ts";
import { pixelAt, rowHeight, rowsSeen, type Size, ticksOf, type View } from "./stream-view.ts";
import { type Bars, type Found, newBars, visibleBars } from "./visible-bars.ts";

/** Pixels at the bottom, for the times. */
export const AXIS_HEIGHT = 22;
/** Names of workers stand at the left where there is room. */
export function gutterOf(width: number): number {
  return width < 520 ? 0 : 112;
}

export interface Scene {
  readonly stream: TaskStream;
  readonly view: View;
  /** Of the rows, without gutter and axis. */
  readonly size: Size;
  readonly gutter: number;
  readonly now: number;
  readonly offsetMs: number;
  readonly names: ReadonlyMap<number, string>;
  readonly marked: Found | null;
}

interface Inks {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly back: string;
  readonly raised: string;
  readonly bad: string;
  readonly accent: string;
}
let inks: { readonly dark: boolean; readonly inks: Inks } | undefined;

/** Asked once per scheme: a computed style costs far more than a bar. */
function inksNow(): Inks {
  const dark = isDark.peek();
  if (inks?.dark !== dark) {
    const [text, soft, line, back] = [
      cssColour("--text"),
      cssColour("--soft"),
      cssColour("--line"),
      cssColour("--back"),
    ];
    const [raised, bad, accent] = [cssColour("--raised"), cssColour("--bad"), cssColour("--accent")];
    inks = { dark, inks: { text, soft, line, back, raised, bad, accent } };
  }
  return inks.inks;
}

const bars: Bars = newBars();

export function drawStream(context: CanvasRenderingContext2D, scene: Scene): void {
  const { size, view } = scene;
  const ink = inksNow();
  const { gutter } = scene;
  context.clearRect(0, 0, size.width + gutter, size.height + AXIS_HEIGHT);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  drawRowsBack(context, scene, ink);
  drawAxis(context, scene, ink);
  context.save();
  context.beginPath();
  context.rect(gutter, 0, size.width, size.height);
  context.clip();
  context.translate(gutter, -view.top);
  drawBands(context, scene);
  drawBars(context, scene, ink);
  drawMark(context, scene, ink);
  context.restore();
  drawScrollMark(context, scene, ink);
}

/** Stripes by worker, their names, and a hint where a worker is gone. */
function drawRowsBack(context: CanvasRenderingContext2D, { stream, view, size, gutter }: Scene, ink: Inks): void {
  const height = rowHeight(size);
  const { first, last } = rowsSeen(view, size);
  let lastLabel = -100;
  context.textAlign = "left";
  for (let row = first; row < last; row++) {
    const at = stream.rows[row];
    if (at === undefined) continue;
    const y = row * height - view.top;
    if (at.of.worker % 2 === 0) {
      context.fillStyle = ink.raised;
      context.fillRect(gutter, y, size.width, Math.min(height, size.height - y));
    }
    const isNamed = gutter > 0 && (at.slot === 0 || row === first) && y - lastLabel >= 13 && y + 6 <= size.height;
    if (!isNamed) continue;
    lastLabel = y;
    context.fillStyle = at.of.isGone ? ink.bad : ink.soft;
    const name = at.of.isGone ? `${at.of.name} (gone)` : at.of.name;
    context.fillText(cut(context, name, gutter - 8), 2, Math.max(7, y + Math.min(height, 14) / 2));
  }
}

function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

function drawAxis(context: CanvasRenderingContext2D, { view, size, gutter, offsetMs }: Scene, ink: Inks): void {
  const { stepMs, ticks } = ticksOf(view, size.width, offsetMs);
  context.textAlign = "center";
  for (const { x, wallMs } of ticks) {
    context.fillStyle = ink.line;
    context.fillRect(gutter + Math.round(x), 0, 1, size.height + 4);
    context.fillStyle = ink.soft;
    const label = time(wallMs, stepMs < 1000);
    const half = context.measureText(label).width / 2;
    const at = Math.min(gutter + size.width - half, Math.max(gutter + half, gutter + x));
    context.fillText(label, at, size.height + AXIS_HEIGHT / 2 + 3);
  }
}

/** Work without bars of its own: as high as its share of what the slots could have done. */
function drawBands(context: CanvasRenderingContext2D, { stream, view, size, names }: Scene): void {
  const height = rowHeight(size);
  const { first, last } = rowsSeen(view, size);
  const from = view.to - view.span;
  context.globalAlpha = 0.35;
  for (let row = first; row < last; row++) {
    const of = stream.rows[row]?.of;
    if (of === undefined) continue;
    for (let index = of.bands.length - 1; index >= 0; index--) {
      const band = of.bands[index]!;
      if (band.to < from) break;
      if (band.from > view.to) continue;
      const share = Math.min(1, band.us / Math.max(1, (band.to - band.from) * of.lanes.length));
      const left = pixelAt(view, band.from, size.width);
      const right = pixelAt(view, band.to, size.width);
      const thick = Math.max(1, (height - 1) * share);
      context.fillStyle = colourOf(names.get(band.fn) ?? "");
      context.fillRect(left, row * height + height - 1 - thick, Math.max(1, right - left), thick);
    }
  }
  context.globalAlpha = 1;
}

function drawBars(context: CanvasRenderingContext2D, { stream, view, size, now, names }: Scene, ink: Inks): void {
  const height = rowHeight(size);
  const thick = Math.max(1, height > 6 ? height - 2 : height - 1);
  const window = { from: view.to - view.span, to: view.to, width: size.width };
  visibleBars(stream, window, rowsSeen(view, size), now, bars);
  const colours = new Map<number, string>();
  for (let index = 0; index < bars.count; index++) {
    const fn = bars.fn[index]!;
    let colour = colours.get(fn);
    if (colour === undefined) {
      colour = colourOf(names.get(fn) ?? "");
      colours.set(fn, colour);
    }
    const y = bars.row[index]! * height + 1;
    const left = bars.left[index]!;
    const width = bars.right[index]! - left;
    const kind = bars.kind[index];
    context.fillStyle = colour;
    context.globalAlpha = kind === RUNNING ? 0.6 : kind === STOPPED ? 0.3 : Math.max(0.35, bars.cover[index]!);
    context.fillRect(left, y, width > 3 ? width - 0.5 : width, thick);
    context.globalAlpha = 1;
    if (kind === FAILED) drawFailed(context, left, y, width, thick, ink);
    else if (kind === RUNNING) context.fillRect(left, y, Math.min(2, width), thick);
  }
}

/** A cross with an edge where there is room, and a broken line where there is none: not by colour alone. */
function drawFailed(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  ink: Inks,
): void {
  if (width < 6 || height < 6) {
    context.fillStyle = ink.bad;
    context.fillRect(x, y - 1, Math.max(2, width), Math.max(1, height / 3));
    context.fillRect(x, y + (height * 2) / 3, Math.max(2, width), Math.max(1, height / 3 + 1));
    return;
  }
  context.strokeStyle = ink.bad;
  context.lineWidth = 2;
  context.strokeRect(x + 1, y + 1, width - 2.5, height - 2);
  const middle = x + width / 2;
  const arm = Math.min(4, height / 2 - 2, width / 2 - 2);
  context.beginPath();
  for (const turn of [1, -1]) {
    context.moveTo(middle - arm, y + height / 2 - arm * turn);
    context.lineTo(middle + arm, y + height / 2 + arm * turn);
  }
  context.strokeStyle = "#ffffff";
  context.lineWidth = 2;
  context.stroke();
}

function drawMark(context: CanvasRenderingContext2D, { marked, view, size, now }: Scene, ink: Inks): void {
  if (marked === null) return;
  const height = rowHeight(size);
  const left = pixelAt(view, marked.start, size.width);
  const right = pixelAt(view, marked.end ?? now, size.width);
  context.strokeStyle = ink.text;
  context.lineWidth = 1.5;
  context.strokeRect(left - 1.5, marked.row * height - 0.5, Math.max(3, right - left + 3), height + 1);
}

/** Where in all rows one is, when they do not fit. */
function drawScrollMark(context: CanvasRenderingContext2D, { view, size, gutter }: Scene, ink: Inks): void {
  const all = rowHeight(size) * size.rows;
  if (all <= size.height) return;
  const length = Math.max(16, (size.height / all) * size.height);
  const y = (view.top / (all - size.height)) * (size.height - length);
  context.fillStyle = ink.soft;
  context.globalAlpha = 0.6;
  context.fillRect(gutter + size.width - 4, y, 4, length);
  context.globalAlpha = 1;
}
