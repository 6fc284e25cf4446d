// Who sent how much to whom, as squares: the darker, the more.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type CanvasSize, useCanvas } from "../../ui/canvas.tsx";
import { count } from "../../ui/format.ts";
import { cssColour, isDark } from "../../ui/theme.ts";
import { describeCell, intensity, type Matrix, OTHERS } from "./transfers-model.ts";

/** Room for the names at the left and above. */
const LABELS = 92;
const SMALLEST_TEXT = 9;
/** Pixels of a square, and of the whole. */
const LARGEST_SIDE = 44;
const LARGEST = 640;

interface Cell {
  readonly from: number;
  readonly to: number;
}

export function TransferMatrix({ matrix }: { readonly matrix: Matrix }) {
  const [chosen, setChosen] = useState<Cell | null>(null);
  const colours = useMemo(
    () => ({
      text: cssColour("--text"),
      line: cssColour("--line"),
      fill: cssColour("--accent"),
      bad: cssColour("--bad"),
    }),
    [isDark.value],
  );
  const sized = useRef<CanvasSize>({ width: 0, height: 0, ratio: 1 });
  const { ref, redraw } = useCanvas((context, size) => {
    sized.current = size;
    paint(context, size, matrix, colours, chosen);
  });
  useEffect(redraw, [matrix, colours, chosen]);
  const cellAt = (event: PointerEvent): Cell | null => {
    const box = ref.current?.getBoundingClientRect();
    if (box === undefined) return null;
    const side = sideOf(sized.current, matrix);
    const to = Math.floor((event.clientX - box.left - LABELS) / side);
    const from = Math.floor((event.clientY - box.top - LABELS) / side);
    const size = matrix.names.length;
    return from >= 0 && to >= 0 && from < size && to < size ? { from, to } : null;
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const last = matrix.names.length - 1;
    const within = (value: number): number => Math.min(Math.max(value, 0), last);
    setChosen((old) =>
      old === null ? { from: 0, to: 0 } : { from: within(old.from + step[0]!), to: within(old.to + step[1]!) },
    );
  };
  const wanted = Math.min(LARGEST, LABELS + LARGEST_SIDE * matrix.names.length + 8);
  const told = chosen === null ? "" : tellCell(matrix, chosen);
  return (
    <>
      <div class="matrix-box" style={{ width: `${wanted}px`, height: `${wanted}px` }}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an application takes the arrow keys itself, as this does. */}
        <canvas
          ref={ref}
          class="matrix"
          tabIndex={0}
          role="application"
          aria-label={`Bytes from worker to worker. ${told || "Arrow keys go from square to square."} The table below says the same.`}
          onKeyDown={onKey}
          onPointerMove={(event) => setChosen(cellAt(event))}
          onPointerDown={(event) => setChosen(cellAt(event))}
          onPointerLeave={() => setChosen(null)}
        />
      </div>
      <p class="matrix-told">{told || "Rows send, columns receive. Point at a square to read it."}</p>
    </>
  );
}

function tellCell({ names, cells, folded }: Matrix, { from, to }: Cell): string {
  const name = (at: number): string =>
    names[at] === OTHERS && folded > 0 ? count(folded, "other worker") : (names[at] ?? "");
  return describeCell(name(from), name(to), cells[from * names.length + to] ?? null);
}

function sideOf({ width, height }: CanvasSize, { names }: Matrix): number {
  const room = Math.min(width - LABELS, height - LABELS) - 4;
  return Math.max(4, Math.min(LARGEST_SIDE, room / Math.max(1, names.length)));
}

interface Colours {
  readonly text: string;
  readonly line: string;
  readonly fill: string;
  readonly bad: string;
}

function paint(
  context: CanvasRenderingContext2D,
  size: CanvasSize,
  matrix: Matrix,
  colours: Colours,
  chosen: Cell | null,
): void {
  const { names, cells, mostBytes } = matrix;
  const side = sideOf(size, matrix);
  context.clearRect(0, 0, size.width, size.height);
  for (const [at, cell] of cells.entries()) {
    const x = LABELS + (at % names.length) * side;
    const y = LABELS + Math.floor(at / names.length) * side;
    context.fillStyle = colours.fill;
    context.globalAlpha = intensity(cell?.bytes ?? 0, mostBytes);
    context.fillRect(x, y, side - 1, side - 1);
    context.globalAlpha = 1;
    context.strokeStyle = colours.line;
    context.strokeRect(x + 0.5, y + 0.5, side - 2, side - 2);
    if (cell !== null && cell.failures > 0) dot(context, x + side - 4, y + 3, colours.bad);
  }
  paintNames(context, names, side, colours);
  if (chosen === null) return;
  context.strokeStyle = colours.text;
  context.lineWidth = 2;
  context.strokeRect(LABELS + chosen.to * side, LABELS + chosen.from * side, side - 1, side - 1);
  context.lineWidth = 1;
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, 2.5, 0, 2 * Math.PI);
  context.fill();
}

function paintNames(
  context: CanvasRenderingContext2D,
  names: readonly string[],
  side: number,
  { text }: Colours,
): void {
  context.fillStyle = text;
  context.font = `${Math.max(SMALLEST_TEXT, Math.min(12, side - 2))}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  // Where rows are lower than text only every second, third … has its name.
  const every = Math.max(1, Math.ceil((SMALLEST_TEXT + 2) / side));
  for (const [at, name] of names.entries()) {
    if (at % every !== 0) continue;
    const middle = LABELS + (at + 0.5) * side;
    context.fillText(shortened(name), LABELS - 6, middle);
    context.save();
    context.translate(middle, LABELS - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(shortened(name), 0, 0);
    context.restore();
  }
}

/** Names of workers differ at their end as a rule. */
function shortened(name: string): string {
  return name.length > 14 ? `…${name.slice(-13)}` : name;
}
