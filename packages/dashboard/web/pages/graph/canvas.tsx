// The drawing as one looks at it: moved, made larger and smaller by pointer, fingers, wheel and keyboard.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCanvas } from "../../ui/canvas.tsx";
import { colourOf, textOn } from "../../ui/colours.ts";
import { cssColour, isDark } from "../../ui/theme.ts";
import { describeNode, type GraphDrawing, type GraphNode } from "./graph-model.ts";
import { type Colours, paintGraph } from "./paint.ts";
import { type Direction, fit, neighbour, nodeAt, pan, reveal, rowsOf, type Viewport, zoom } from "./viewport.ts";

const STEP = 1.3;
const arrows: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

interface Point {
  readonly x: number;
  readonly y: number;
}

export function GraphCanvas(props: { readonly drawing: GraphDrawing; readonly onOpen: (node: GraphNode) => void }) {
  const { drawing, onOpen } = props;
  const { nodes, layout } = drawing;
  const rows = useMemo(() => rowsOf(layout), [layout]);
  const colours = useMemo(coloursNow, [isDark.value]);
  const view = useRef<Viewport | null>(null);
  const isOwn = useRef(false);
  const [hovered, setHovered] = useState<{ readonly node: number; readonly at: Point } | null>(null);
  const [chosen, setChosen] = useState("");
  const selected = nodes.findIndex(({ id }) => id === chosen);
  const { ref, redraw } = useCanvas((context, size) => {
    // Until somebody moves it, all of it is seen, also while it grows.
    if (view.current === null || !isOwn.current) view.current = fit(layout, size);
    paintGraph(context, size, drawing, view.current, colours, { hovered: hovered?.node ?? -1, selected });
  });
  useEffect(redraw, [drawing, colours, hovered, chosen]);
  const sizeOf = (): { width: number; height: number } => ({
    width: ref.current?.clientWidth ?? 0,
    height: ref.current?.clientHeight ?? 0,
  });
  const change = (next: (view: Viewport) => Viewport): void => {
    isOwn.current = true;
    view.current = next(view.current ?? fit(layout, sizeOf()));
    redraw();
  };
  const whole = (): void => {
    isOwn.current = false;
    redraw();
  };
  const under = ({ x, y }: Point): number => (view.current === null ? -1 : nodeAt(layout, rows, view.current, x, y));
  const middle = (): Point => ({ x: sizeOf().width / 2, y: sizeOf().height / 2 });
  const select = (node: number): void => {
    if (node < 0) return;
    setChosen(nodes[node]!.id);
    change((old) => reveal(old, layout.x[node]!, layout.y[node]!, sizeOf()));
  };
  const onKey = (event: KeyboardEvent): void => {
    const direction = arrows[event.key];
    if (direction !== undefined) select(neighbour(layout, rows, selected, direction));
    else if (event.key === "Enter" && selected >= 0) onOpen(nodes[selected]!);
    else if (event.key === "+" || event.key === "=") change((old) => zoom(old, STEP, middle()));
    else if (event.key === "-") change((old) => zoom(old, 1 / STEP, middle()));
    else if (event.key === "0") whole();
    else return;
    event.preventDefault();
  };
  usePointers(ref, {
    onPan: (x, y) => change((old) => pan(old, x, y)),
    onZoom: (factor, at) => change((old) => zoom(old, factor, at)),
    onHover: (at) => {
      const node = at === null ? -1 : under(at);
      setHovered((old) => (node < 0 || at === null ? null : old?.node === node ? old : { node, at }));
    },
    onClick: (at) => {
      const node = under(at);
      if (node < 0) return;
      setChosen(nodes[node]!.id);
      onOpen(nodes[node]!);
    },
  });
  const told = selected < 0 ? "Nothing is selected" : describeNode(nodes[selected]!);
  return (
    <div class="graph-box">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an application takes the arrow keys itself, as this does. */}
      <canvas
        ref={ref}
        class={hovered === null ? "graph" : "graph over"}
        tabIndex={0}
        role="application"
        aria-label={`Graph. ${told}. Arrow keys select, Enter opens, plus and minus zoom, 0 shows all. The table below says the same.`}
        onKeyDown={onKey}
      />
      {hovered !== null && nodes[hovered.node] !== undefined && (
        <div class="graph-tip" style={tipPlace(hovered.at, sizeOf())}>
          {describeNode(nodes[hovered.node]!)}
        </div>
      )}
      <div class="graph-tools">
        <button type="button" aria-label="Larger" onClick={() => change((old) => zoom(old, STEP, middle()))}>
          +
        </button>
        <button type="button" aria-label="Smaller" onClick={() => change((old) => zoom(old, 1 / STEP, middle()))}>
          −
        </button>
        <button type="button" onClick={whole}>
          All
        </button>
      </div>
    </div>
  );
}

function coloursNow(): Colours {
  return {
    text: cssColour("--text"),
    soft: cssColour("--soft"),
    edge: cssColour("--line-strong"),
    back: cssColour("--back"),
    accent: cssColour("--accent"),
    bad: cssColour("--bad"),
    of: colourOf,
    textOn,
  };
}

/** Beside the pointer, on the side where there is room. */
function tipPlace({ x, y }: Point, { width }: { width: number }): Record<string, string> {
  const side = x > width / 2 ? { right: `${width - x + 14}px` } : { left: `${x + 14}px` };
  return { ...side, top: `${y + 10}px` };
}

interface PointerActions {
  onPan(x: number, y: number): void;
  onZoom(factor: number, at: Point): void;
  onHover(at: Point | null): void;
  onClick(at: Point): void;
}

/** Pixels that a click may move. */
const STILL = 4;

/** One pointer moves, two zoom; the wheel zooms. */
function usePointers(ref: { readonly current: HTMLCanvasElement | null }, actions: PointerActions): void {
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
