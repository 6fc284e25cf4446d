// Pointer, fingers and wheel on a canvas: one pointer moves, two zoom, the wheel zooms, a click that stays where it is opens.

import { useEffect, useRef } from "preact/hooks";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PointerActions {
  onPan(x: number, y: number): void;
  onZoom(factor: number, at: Point): void;
  onHover(at: Point | null): void;
  onClick(at: Point): void;
}

/** Pixels that a click may move. */
const STILL = 4;

export function usePointers(ref: { readonly current: HTMLCanvasElement | null }, actions: PointerActions): void {
  const last = useRef(actions);
  last.current = actions;
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    const end = new AbortController();
    const { signal } = end;
    listen(canvas, last, signal);
    return () => end.abort();
  }, []);
}

function listen(canvas: HTMLCanvasElement, actions: { readonly current: PointerActions }, signal: AbortSignal): void {
  const down = new Map<number, Point>();
  let moved = 0;
  const placeOf = (event: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void): void =>
    canvas.addEventListener(type, act, { signal, passive: false });
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    if (down.size === 0) moved = 0;
    down.set(event.pointerId, placeOf(event));
  });
  on("pointermove", (event) => {
    const at = placeOf(event);
    const before = down.get(event.pointerId);
    if (before === undefined) {
      actions.current.onHover(at);
      return;
    }
    moved += Math.hypot(at.x - before.x, at.y - before.y);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) pinch(actions.current, other, before, at);
    else if (moved > STILL) actions.current.onPan(at.x - before.x, at.y - before.y);
    down.set(event.pointerId, at);
  });
  on("pointerup", (event) => {
    if (down.delete(event.pointerId) && down.size === 0 && moved <= STILL) actions.current.onClick(placeOf(event));
  });
  on("pointercancel", ({ pointerId }) => void down.delete(pointerId));
  on("pointerleave", () => actions.current.onHover(null));
  on("wheel", (event) => {
    event.preventDefault();
    actions.current.onZoom(Math.exp(-Math.max(-100, Math.min(100, event.deltaY)) / 300), placeOf(event));
  });
}

function pinch(actions: PointerActions, other: Point, before: Point, at: Point): void {
  const was = Math.hypot(before.x - other.x, before.y - other.y);
  const is = Math.hypot(at.x - other.x, at.y - other.y);
  if (was > 0 && is > 0) actions.onZoom(is / was, { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
}
