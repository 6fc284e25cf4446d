// The drawing as one looks at it: moved, made larger and smaller by pointer, fingers, wheel and keyboard.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCanvas } from "../../ui/canvas.tsx";
import { colourOf, textOn } from "../../ui/colours.ts";
import { cssColour, isDark } from "../../ui/theme.ts";
import { describeNode, type GraphDrawing, type GraphNode } from "./graph-model.ts";
import type { Layout } from "./layout.ts";
import { type Colours, paintGraph } from "./paint.ts";
import { type Point, usePointers } from "./pointers.ts";
import {
  type Direction,
  fit,
  neighbour,
  nodeAt,
  pan,
  reveal,
  rowsOf,
  type Size,
  type Viewport,
  zoom,
} from "./viewport.ts";

const STEP = 1.3;
const arrows: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
const keys: Readonly<Record<string, (shown: Shown) => void>> = {
  "+": ({ zoomBy }) => zoomBy(STEP),
  "=": ({ zoomBy }) => zoomBy(STEP),
  "-": ({ zoomBy }) => zoomBy(1 / STEP),
  "0": ({ whole }) => whole(),
};

interface Shown {
  readonly view: { current: Viewport | null };
  readonly sizeOf: () => Size;
  readonly change: (next: (view: Viewport) => Viewport) => void;
  readonly zoomBy: (factor: number) => void;
  readonly whole: () => void;
}

/** The part that is seen: all of it, also while it grows, until somebody moves it. */
function useShown(layout: Layout, canvas: { readonly current: HTMLCanvasElement | null }, redraw: () => void): Shown {
  const view = useRef<Viewport | null>(null);
  const isMoved = useRef(false);
  const sizeOf = (): Size => ({ width: canvas.current?.clientWidth ?? 0, height: canvas.current?.clientHeight ?? 0 });
  if (!isMoved.current) view.current = null;
  const change = (next: (view: Viewport) => Viewport): void => {
    isMoved.current = true;
    view.current = next(view.current ?? fit(layout, sizeOf()));
    redraw();
  };
  return {
    ...{ view, sizeOf, change },
    zoomBy: (factor) => change((old) => zoom(old, factor, { x: sizeOf().width / 2, y: sizeOf().height / 2 })),
    whole: () => {
      isMoved.current = false;
      view.current = null;
      redraw();
    },
  };
}

interface Hovered {
  readonly node: number;
  readonly at: Point;
}

export function GraphCanvas(props: { readonly drawing: GraphDrawing; readonly onOpen: (node: GraphNode) => void }) {
  const { drawing, onOpen } = props;
  const { nodes, layout } = drawing;
  const rows = useMemo(() => rowsOf(layout), [layout]);
  const colours = useMemo(coloursNow, [isDark.value]);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const [chosen, setChosen] = useState("");
  const selected = nodes.findIndex(({ id }) => id === chosen);
  const canvas = useCanvas((context, size) => {
    shown.view.current ??= fit(layout, size);
    paintGraph(context, size, drawing, shown.view.current, colours, { hovered: hovered?.node ?? -1, selected });
  });
  const shown = useShown(layout, canvas.ref, canvas.redraw);
  useEffect(canvas.redraw, [drawing, colours, hovered, chosen]);
  const { change, sizeOf, view } = shown;
  const under = ({ x, y }: Point): number => (view.current === null ? -1 : nodeAt(layout, rows, view.current, x, y));
  const select = (node: number): void => {
    if (node < 0) return;
    setChosen(nodes[node]!.id);
    change((old) => reveal(old, layout.x[node]!, layout.y[node]!, sizeOf()));
  };
  const onKey = (event: KeyboardEvent): void => {
    const direction = arrows[event.key];
    const act = keys[event.key];
    if (direction !== undefined) select(neighbour(layout, rows, selected, direction));
    else if (event.key === "Enter" && selected >= 0) onOpen(nodes[selected]!);
    else if (act !== undefined) act(shown);
    else return;
    event.preventDefault();
  };
  usePointers(canvas.ref, {
    onPan: (x, y) => change((old) => pan(old, x, y)),
    onZoom: (factor, at) => change((old) => zoom(old, factor, at)),
    onHover: (at) => setHovered((old) => hoveredOf(old, at, at === null ? -1 : under(at))),
    onClick: (at) => {
      const node = nodes[under(at)];
      if (node === undefined) return;
      setChosen(node.id);
      onOpen(node);
    },
  });
  const tip = hovered === null ? undefined : nodes[hovered.node];
  return (
    <div class="graph-box">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an application takes the arrow keys itself, as this does. */}
      <canvas
        ref={canvas.ref}
        class={tip === undefined ? "graph" : "graph over"}
        tabIndex={0}
        role="application"
        aria-label={labelOf(nodes[selected])}
        onKeyDown={onKey}
      />
      {hovered !== null && tip !== undefined && <Tip node={tip} at={hovered.at} width={sizeOf().width} />}
      <Tools shown={shown} />
    </div>
  );
}

/** The tip stays where it is while the pointer is on its node. */
function hoveredOf(old: Hovered | null, at: Point | null, node: number): Hovered | null {
  if (node < 0 || at === null) return null;
  return old?.node === node ? old : { node, at };
}

function labelOf(selected: GraphNode | undefined): string {
  const told = selected === undefined ? "Nothing is selected" : describeNode(selected);
  return `Graph. ${told}. Arrow keys select, Enter opens, plus and minus zoom, 0 shows all. The table below says the same.`;
}

function Tools({ shown }: { readonly shown: Shown }) {
  return (
    <div class="graph-tools">
      <button type="button" aria-label="Larger" onClick={() => shown.zoomBy(STEP)}>
        +
      </button>
      <button type="button" aria-label="Smaller" onClick={() => shown.zoomBy(1 / STEP)}>
        −
      </button>
      <button type="button" onClick={shown.whole}>
        All
      </button>
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
function Tip({ node, at, width }: { readonly node: GraphNode; readonly at: Point; readonly width: number }) {
  const side = at.x > width / 2 ? { right: `${width - at.x + 14}px` } : { left: `${at.x + 14}px` };
  return (
    <div class="graph-tip" style={{ ...side, top: `${at.y + 10}px` }}>
      {describeNode(node)}
    </div>
  );
}
