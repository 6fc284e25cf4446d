// Parallel coordinates as an SVG: the better a candidate, the stronger its line; the best is said in words, too.

import { useMemo, useState } from "preact/hooks";
import type { SearchTable } from "../../../server/details/search-table.ts";
import { Section } from "../../ui/basics.tsx";
import { type Parallel, type ParallelLine, parallel } from "./parallel.ts";

const HEIGHT = 280;
const TOP = 26;
const BOTTOM = 12;
/** Between two axes; more where there are few. */
const GAP = 150;
const FEW_AXES = 900;
const SIDE = 70;

export function ParallelView({ table, scoring }: { readonly table: SearchTable; readonly scoring: number }) {
  const picture = useMemo(() => parallel(table, scoring), [table, scoring]);
  const [pointed, setPointed] = useState<number | null>(null);
  const { axes, lines } = picture;
  if (lines.length < 2) return null;
  const best = lines.at(-1);
  const shown = lines.find(({ candidate }) => candidate === pointed) ?? best;
  const gap = Math.max(GAP, FEW_AXES / axes.length);
  const width = 2 * SIDE + gap * (axes.length - 1);
  const label = `Parallel coordinates of ${lines.length} candidates over ${axes.map(({ name }) => name).join(", ")}. Best: ${best?.text ?? ""}`;
  return (
    <Section title="Parameters and score">
      <p class="soft picked">
        {pointed === null ? "Best: " : ""}
        {shown?.text}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scrolls" tabIndex={0} aria-label="Parallel coordinates">
        <svg class="parallel" width={width} height={HEIGHT} role="img" aria-label={label}>
          {lines.map((line) => (
            <Line key={line.candidate} line={line} gap={gap} isShown={line === shown} onPoint={setPointed} />
          ))}
          <Axes picture={picture} gap={gap} />
        </svg>
      </section>
    </Section>
  );
}

function Line(props: {
  readonly line: ParallelLine;
  readonly gap: number;
  readonly isShown: boolean;
  readonly onPoint: (candidate: number | null) => void;
}) {
  const { line, gap, isShown, onPoint } = props;
  const path = line.places
    .map((place, at) => `${at === 0 ? "M" : "L"}${SIDE + at * gap} ${yOf(place).toFixed(1)}`)
    .join("");
  return (
    <path
      class={isShown ? "line shown" : "line"}
      stroke-opacity={isShown ? 1 : 0.12 + 0.6 * line.level}
      d={path}
      onPointerEnter={() => onPoint(line.candidate)}
      onPointerLeave={() => onPoint(null)}
    >
      <title>{line.text}</title>
    </path>
  );
}

function Axes({ picture, gap }: { readonly picture: Parallel; readonly gap: number }) {
  const xOf = (axis: number): number => SIDE + axis * gap;
  return (
    <>
      {picture.axes.map(({ name, ticks }, at) => (
        <g key={name}>
          <line class="axis" x1={xOf(at)} x2={xOf(at)} y1={TOP} y2={HEIGHT - BOTTOM} />
          <text class="name" x={xOf(at)} y={14}>
            {name}
          </text>
          {ticks.slice(0, 12).map(({ place, label }) => (
            <text key={label} class="tick" x={xOf(at) + 5} y={yOf(place) + 4}>
              {label}
            </text>
          ))}
        </g>
      ))}
    </>
  );
}

function yOf(place: number): number {
  return HEIGHT - BOTTOM - place * (HEIGHT - BOTTOM - TOP);
}
