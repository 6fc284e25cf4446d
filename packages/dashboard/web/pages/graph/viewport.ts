// Which part of the drawing is seen, and what is under a point of it. World: one node's distance is 1. Screen: CSS pixels.

import type { Layout } from "./layout.ts";

/** Screen = world × scale + shift. Rows are `ROW` as far apart as nodes side by side. */
export interface Viewport {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Distance of rows, in distances of nodes in a row: room for the edges. */
export const ROW = 1.6;
/** Pixels from node to node. */
const LEAST_SCALE = 2;
const MOST_SCALE = 240;
/** A drawing of a few nodes does not fill the screen. */
const FIT_SCALE = 140;
const MARGIN = 0.9;
/** Of the distance between nodes. */
export const RADIUS = 0.32;
/** Pixels around a point within which a small node is hit, for fingers. */
const REACH = 12;

export function toScreen({ scale, left, top }: Viewport, x: number, y: number): { x: number; y: number } {
  return { x: x * scale + left, y: y * ROW * scale + top };
}

/** All of it, in the middle. */
export function fit({ bounds }: Pick<Layout, "bounds">, { width, height }: Size): Viewport {
  const wide = bounds.right - bounds.left + 2 * MARGIN;
  const high = (bounds.bottom - bounds.top) * ROW + 2 * MARGIN;
  const scale = clamp(Math.min(width / wide, height / high), LEAST_SCALE, FIT_SCALE);
  return {
    scale,
    left: width / 2 - ((bounds.left + bounds.right) / 2) * scale,
    top: height / 2 - ((bounds.top + bounds.bottom) / 2) * ROW * scale,
  };
}

/** Larger or smaller; what is under the point stays there. */
export function zoom(view: Viewport, factor: number, at: { readonly x: number; readonly y: number }): Viewport {
  const scale = clamp(view.scale * factor, LEAST_SCALE, MOST_SCALE);
  const by = scale / view.scale;
  return { scale, left: at.x - (at.x - view.left) * by, top: at.y - (at.y - view.top) * by };
}

export function pan(view: Viewport, x: number, y: number): Viewport {
  return { ...view, left: view.left + x, top: view.top + y };
}

/** Moved as little as needed for the place to be seen with some room around it. */
export function reveal(view: Viewport, x: number, y: number, { width, height }: Size): Viewport {
  const at = toScreen(view, x, y);
  const room = Math.min(60, width / 4, height / 4);
  return pan(view, clamp(at.x, room, width - room) - at.x, clamp(at.y, room, height - room) - at.y);
}

/** Nodes by row, from left to right: what is under a point is found without looking at all. */
export interface Rows {
  readonly rows: ReadonlyMap<number, readonly number[]>;
}

export function rowsOf({ x, y }: Pick<Layout, "x" | "y">): Rows {
  const rows = new Map<number, number[]>();
  for (let node = 0; node < x.length; node++) {
    const row = rows.get(y[node]!);
    if (row === undefined) rows.set(y[node]!, [node]);
    else row.push(node);
  }
  for (const row of rows.values()) row.sort((a, b) => x[a]! - x[b]!);
  return { rows };
}

/** The node there, or -1. */
export function nodeAt(layout: Pick<Layout, "x" | "y">, { rows }: Rows, view: Viewport, x: number, y: number): number {
  const row = Math.round((y - view.top) / (ROW * view.scale));
  const nodes = rows.get(row);
  if (nodes === undefined) return -1;
  const node = nearest(layout.x, nodes, (x - view.left) / view.scale);
  const at = toScreen(view, layout.x[node]!, row);
  const reach = Math.max(RADIUS * view.scale, Math.min(REACH, view.scale / 2));
  return Math.hypot(at.x - x, at.y - y) <= reach ? node : -1;
}

function nearest(x: Float64Array, nodes: readonly number[], wanted: number): number {
  let low = 0;
  let high = nodes.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[nodes[middle]!]! < wanted) low = middle + 1;
    else high = middle;
  }
  const before = nodes[Math.max(0, low - 1)]!;
  const found = nodes[low]!;
  return Math.abs(x[before]! - wanted) < Math.abs(x[found]! - wanted) ? before : found;
}

export type Direction = "left" | "right" | "up" | "down";

/** Where an arrow key goes: beside it in its row, or to the nearest node of the nearest row above or below. -1 is nowhere yet. */
export function neighbour(layout: Pick<Layout, "x" | "y">, { rows }: Rows, node: number, direction: Direction): number {
  if (node < 0) return rows.get(Math.min(...rows.keys()))?.[0] ?? -1;
  const row = layout.y[node]!;
  if (direction === "left" || direction === "right") {
    const nodes = rows.get(row)!;
    return nodes[nodes.indexOf(node) + (direction === "left" ? -1 : 1)] ?? node;
  }
  const others = [...rows.keys()].filter((other) => (direction === "up" ? other < row : other > row));
  if (others.length === 0) return node;
  const next = direction === "up" ? Math.max(...others) : Math.min(...others);
  return nearest(layout.x, rows.get(next)!, layout.x[node]!);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
