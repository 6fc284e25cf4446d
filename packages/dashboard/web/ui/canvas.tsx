// A canvas of the size of its place, sharp on every display, drawn at most once per frame.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { isDark } from "./theme.ts";

/** CSS pixels; `ratio`: device pixels per CSS pixel. The context is scaled already. */
export interface CanvasSize {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}
export type Draw = (context: CanvasRenderingContext2D, size: CanvasSize) => void;

export interface CanvasHandle {
  readonly ref: { current: HTMLCanvasElement | null };
  /** Draws with the next frame. */
  redraw(): void;
}

/**
 * `draw` is called after the first layout, when the canvas or the scheme changes, and after `redraw()`; always the last one given. The
 * canvas must get its size from CSS. What moves by itself calls `redraw()` from its `draw`.
 */
export function useCanvas(draw: Draw): CanvasHandle {
  const ref = useRef<HTMLCanvasElement | null>(null);
  const last = useRef(draw);
  last.current = draw;
  const frame = useRef(0);
  const handle = useMemo<CanvasHandle>(
    () => ({
      ref,
      redraw: () => {
        if (frame.current === 0) frame.current = requestAnimationFrame(paint);
      },
    }),
    [],
  );
  function paint(): void {
    frame.current = 0;
    const context = ref.current?.getContext("2d");
    if (!ref.current || !context) return;
    const size = fit(ref.current);
    if (size.width === 0 || size.height === 0) return;
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    last.current(context, size);
  }
  useEffect(() => {
    const observer = new ResizeObserver(handle.redraw);
    if (ref.current !== null) observer.observe(ref.current);
    const stop = isDark.subscribe(handle.redraw);
    return () => {
      observer.disconnect();
      stop();
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    };
  }, []);
  return handle;
}

/** Gives the canvas as many pixels as it takes up. */
function fit(canvas: HTMLCanvasElement): CanvasSize {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  const [x, y] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== x || canvas.height !== y) {
    canvas.width = x;
    canvas.height = y;
  }
  return { width, height, ratio };
}
