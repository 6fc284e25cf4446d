// Pointers and wheels over the task stream: drag to pan, two fingers or the wheel to zoom, a click to open.

import { panned, type Size, scrolled, timeAt, type View, zoomed } from "./stream-view.ts";

export interface GestureHost {
  view(): View;
  setView(view: View): void;
  size(): Size;
  /** Pixels that the rows begin at. */
  gutter(): number;
  now(): number;
  /** The pointer is there, or null: it left. Pixels of the rows. */
  onHover(place: Place | null): void;
  onClick(place: Place): void;
}
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Pixels that a pointer may move and still click. */
const CLICK_SLACK = 4;
const WHEEL_SPEED = 0.0018;

/** Listens until what it gives is called. */
export function listenForGestures(canvas: HTMLCanvasElement, host: GestureHost): () => void {
  const pointers = new Map<number, Place>();
  let moved = 0;
  const placeOf = (event: MouseEvent): Place => ({ x: event.offsetX - host.gutter(), y: event.offsetY });
  const end = new AbortController();
  const { signal } = end;
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, placeOf(event));
      moved = 0;
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      const place = placeOf(event);
      const before = pointers.get(event.pointerId);
      if (before === undefined) return host.onHover(place);
      moved += Math.hypot(place.x - before.x, place.y - before.y);
      const others = [...pointers].filter(([id]) => id !== event.pointerId);
      pointers.set(event.pointerId, place);
      const other = others[0]?.[1];
      if (other !== undefined) pinch(host, before, place, other);
      else if (moved > CLICK_SLACK) drag(host, before, place, event.pointerType === "mouse");
    },
    { signal },
  );
  const up = (event: PointerEvent): void => {
    const wasDown = pointers.delete(event.pointerId);
    if (wasDown && event.type === "pointerup" && moved <= CLICK_SLACK) host.onClick(placeOf(event));
  };
  canvas.addEventListener("pointerup", up, { signal });
  canvas.addEventListener("pointercancel", up, { signal });
  canvas.addEventListener("pointerleave", () => host.onHover(null), { signal });
  canvas.addEventListener("wheel", (event) => wheel(canvas, host, event), { signal, passive: false });
  return () => end.abort();
}

function drag(host: GestureHost, from: Place, to: Place, isMouse: boolean): void {
  const size = host.size();
  const view = host.view();
  const next = panned(view, ((from.x - to.x) / size.width) * view.span, host.now());
  // A finger that goes up or down scrolls the page.
  host.setView(isMouse ? scrolled(next, from.y - to.y, size) : next);
  host.onHover(null);
}

function pinch(host: GestureHost, from: Place, to: Place, other: Place): void {
  const before = Math.max(20, Math.abs(from.x - other.x));
  const after = Math.max(20, Math.abs(to.x - other.x));
  host.setView(zoomed(host.view(), before / after, (to.x + other.x) / 2 / host.size().width));
}

/** Zooms only with Ctrl, or when the reader has chosen the stream; else the page scrolls as everywhere. */
function wheel(canvas: HTMLCanvasElement, host: GestureHost, event: WheelEvent): void {
  const isOurs = event.ctrlKey || event.metaKey || document.activeElement === canvas;
  const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (!isOurs && !isSideways) return;
  event.preventDefault();
  const size = host.size();
  const view = host.view();
  const pixels = event.deltaMode === 1 ? 16 : 1;
  if (isSideways) {
    const delta = (event.deltaX || event.deltaY) * pixels;
    host.setView(panned(view, (delta / size.width) * view.span, host.now()));
    return;
  }
  const speed = event.ctrlKey ? WHEEL_SPEED * 4 : WHEEL_SPEED;
  const around = Math.min(1, Math.max(0, (event.offsetX - host.gutter()) / size.width));
  host.setView(zoomed(view, Math.exp(event.deltaY * pixels * speed), around));
}

/** The row and time under a pointer. */
export function pointedAt(
  place: Place,
  view: View,
  size: Size,
  height: number,
): { readonly row: number; readonly time: number } {
  return { row: Math.floor((place.y + view.top) / height), time: timeAt(view, place.x, size.width) };
}
