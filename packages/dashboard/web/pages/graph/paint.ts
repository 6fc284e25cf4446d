// Draws the graph: the colour says the function, the form says the status, so that neither needs the other's colours to be told apart.

import type { TaskStatus } from "@taskflock/protocol/words";
import type { GraphDrawing, GraphNode } from "./graph-model.ts";
import { RADIUS, type Size, toScreen, type Viewport } from "./viewport.ts";

export interface Colours {
  readonly text: string;
  readonly soft: string;
  readonly edge: string;
  readonly back: string;
  readonly accent: string;
  readonly bad: string;
  readonly of: (fn: string) => string;
  readonly textOn: (colour: string) => string;
}
export interface Marks {
  readonly hovered: number;
  readonly selected: number;
}

/** More edges than these make a frame late: every second, third … is drawn. */
const MOST_EDGES = 24_000;
/** Pixels between nodes from which forms, and from which names can be told. */
const FORMS = 10;
const NAMES = 64;

export function paintGraph(
  context: CanvasRenderingContext2D,
  size: Size,
  drawing: GraphDrawing,
  view: Viewport,
  colours: Colours,
  marks: Marks,
): void {
  context.clearRect(0, 0, size.width, size.height);
  paintEdges(context, size, drawing, view, colours);
  for (const node of new Set([marks.hovered, marks.selected])) paintEdgesOf(context, drawing, view, node, colours);
  for (let node = 0; node < drawing.nodes.length; node++) {
    const at = toScreen(view, drawing.layout.x[node]!, drawing.layout.y[node]!);
    const isSeen =
      at.x > -view.scale && at.x < size.width + view.scale && at.y > -view.scale && at.y < size.height + view.scale;
    if (isSeen) paintNode(context, drawing.nodes[node]!, at, view.scale, colours);
  }
  mark(context, drawing, view, marks.hovered, colours.soft);
  mark(context, drawing, view, marks.selected, colours.accent);
}

function paintEdges(
  context: CanvasRenderingContext2D,
  size: Size,
  { from, to, layout }: GraphDrawing,
  view: Viewport,
  { edge }: Colours,
): void {
  const every = Math.ceil(from.length / MOST_EDGES);
  context.beginPath();
  for (let at = 0; at < from.length; at += every) {
    const upper = toScreen(view, layout.x[from[at]!]!, layout.y[from[at]!]!);
    const lower = toScreen(view, layout.x[to[at]!]!, layout.y[to[at]!]!);
    if (Math.max(upper.x, lower.x) < 0 || Math.min(upper.x, lower.x) > size.width) continue;
    if (Math.max(upper.y, lower.y) < 0 || Math.min(upper.y, lower.y) > size.height) continue;
    line(context, upper, lower, view.scale);
  }
  context.strokeStyle = edge;
  context.lineWidth = 1;
  // Many lines over each other must not hide what they join.
  context.globalAlpha = from.length > 4000 ? 0.2 : from.length > 1000 ? 0.4 : 0.7;
  context.stroke();
  context.globalAlpha = 1;
}

interface Point {
  readonly x: number;
  readonly y: number;
}
function line(context: CanvasRenderingContext2D, upper: Point, lower: Point, scale: number): void {
  context.moveTo(upper.x, upper.y);
  if (scale < FORMS) context.lineTo(lower.x, lower.y);
  else {
    const middle = (upper.y + lower.y) / 2;
    context.bezierCurveTo(upper.x, middle, lower.x, middle, lower.x, lower.y);
  }
}

/** Those of one node stand out. */
function paintEdgesOf(
  context: CanvasRenderingContext2D,
  drawing: GraphDrawing,
  view: Viewport,
  node: number,
  { accent }: Colours,
): void {
  if (node < 0) return;
  const { from, to, layout } = drawing;
  context.beginPath();
  for (let at = 0; at < from.length; at++) {
    if (from[at] !== node && to[at] !== node) continue;
    const upper = toScreen(view, layout.x[from[at]!]!, layout.y[from[at]!]!);
    line(context, upper, toScreen(view, layout.x[to[at]!]!, layout.y[to[at]!]!), view.scale);
  }
  context.strokeStyle = accent;
  context.lineWidth = 1.5;
  context.stroke();
}

function paintNode(
  context: CanvasRenderingContext2D,
  node: GraphNode,
  { x, y }: Point,
  scale: number,
  colours: Colours,
): void {
  const radius = Math.max(1, RADIUS * scale);
  const colour = node.fn === "data" ? colours.soft : colours.of(node.fn);
  const isGroup = node.count > 1;
  context.beginPath();
  if (isGroup) context.roundRect(x - radius * 1.2, y - radius * 0.8, radius * 2.4, radius * 1.6, radius * 0.3);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  if (scale < FORMS) {
    context.fillStyle = smallColour(node.status, colour, colours);
    context.fill();
    return;
  }
  form(context, node.status, colour, colours, radius);
  if (isGroup) paintCount(context, node, { x, y }, radius, colour, colours);
  if (scale >= NAMES) paintName(context, node.fn, { x, y: y + radius + 12 }, scale, colours);
}

function smallColour(status: TaskStatus, colour: string, { bad, accent, edge }: Colours): string {
  if (status === "failed") return bad;
  if (status === "running" || status === "assigned") return accent;
  return status === "done" ? colour : edge;
}

/** Full: done. A thick ring: it runs. Thin: it waits. A cross: failed. Broken: cancelled. */
function form(
  context: CanvasRenderingContext2D,
  status: TaskStatus,
  colour: string,
  colours: Colours,
  radius: number,
): void {
  const isFull = status === "done";
  context.fillStyle = isFull ? colour : colours.back;
  context.fill();
  context.strokeStyle = status === "failed" ? colours.bad : colour;
  context.lineWidth =
    status === "running" || status === "failed" ? Math.max(2, radius * 0.3) : Math.max(1, radius * 0.1);
  if (status === "cancelled" || status === "assigned") context.setLineDash([3, 2]);
  context.stroke();
  context.setLineDash([]);
}

function paintCount(
  context: CanvasRenderingContext2D,
  { count, counts, status }: GraphNode,
  { x, y }: Point,
  radius: number,
  colour: string,
  colours: Colours,
): void {
  const done = (counts.find(([one]) => one === "done")?.[1] ?? 0) / count;
  if (status !== "done" && done > 0) {
    context.fillStyle = colour;
    context.globalAlpha = 0.45;
    context.fillRect(x - radius * 1.1, y - radius * 0.7, radius * 2.2 * done, radius * 1.4);
    context.globalAlpha = 1;
  }
  if (radius < 9) return;
  context.fillStyle = status === "done" ? colours.textOn(colour) : colours.text;
  context.font = `600 ${Math.min(15, radius * 0.8)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(count.toLocaleString("en"), x, y, radius * 2.2);
}

function paintName(
  context: CanvasRenderingContext2D,
  name: string,
  { x, y }: Point,
  scale: number,
  { text }: Colours,
): void {
  context.fillStyle = text;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const fits = Math.max(3, Math.floor(scale / 6.5));
  context.fillText(name.length > fits ? `${name.slice(0, fits - 1)}…` : name, x, y);
}

function mark(
  context: CanvasRenderingContext2D,
  { nodes, layout }: GraphDrawing,
  view: Viewport,
  node: number,
  colour: string,
): void {
  if (node < 0 || node >= nodes.length) return;
  const { x, y } = toScreen(view, layout.x[node]!, layout.y[node]!);
  context.beginPath();
  context.arc(x, y, Math.max(7, RADIUS * view.scale * (nodes[node]!.count > 1 ? 1.5 : 1.25)), 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.stroke();
}
