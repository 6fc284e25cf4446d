// The charts of trainings: each figure by epoch, training as a line, validation dashed.

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Section } from "../../ui/basics.tsx";
import { Chart as Plot } from "../../ui/chart.tsx";
import { palette } from "../../ui/colours.ts";
import { digits, number, seconds } from "../../ui/format.ts";
import { figure } from "../searches/leader.ts";
import { type Chart, type Curve, charts, figureName, type Shown, sideChart } from "./training-model.ts";

export function TrainingCharts({
  shown,
  tools,
}: {
  readonly shown: readonly Shown[];
  readonly tools: ComponentChildren;
}) {
  const [isLogarithmic, setLogarithmic] = useState(false);
  const figures = useMemo(() => charts(shown), [shown]);
  const rate = useMemo(() => sideChart(shown, "learning rate", ({ learningRate }) => learningRate), [shown]);
  const pace = useMemo(() => sideChart(shown, "time per epoch", (epoch) => epoch.seconds), [shown]);
  const scale = (
    <label>
      <input type="checkbox" checked={isLogarithmic} onChange={() => setLogarithmic(!isLogarithmic)} /> logarithmic
    </label>
  );
  return (
    <>
      {figures.map((chart, at) => (
        <Section key={chart.title} title={heading(chart.title)} tools={at === 0 ? [scale, tools] : undefined}>
          <Curves
            chart={chart}
            format={figure}
            isLogarithmic={isLogarithmic && at === 0}
            height={at === 0 ? 260 : 180}
          />
        </Section>
      ))}
      <div class="columns">
        <Section title="Learning rate">
          <Curves chart={rate} format={digits} />
        </Section>
        <Section title="Time per epoch">
          <Curves chart={pace} format={seconds} fromZero={true} />
        </Section>
      </div>
    </>
  );
}

function heading(title: string): string {
  const name = figureName(title);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

interface CurvesProps {
  readonly chart: Chart;
  readonly format: (value: number) => string;
  readonly isLogarithmic?: boolean;
  readonly fromZero?: boolean;
  readonly height?: number;
}

function Curves({ chart, format, isLogarithmic = false, fromZero = false, height = 180 }: CurvesProps) {
  const series = chart.curves.map((curve) => ({
    label: curve.label,
    colour: colourOf(curve, chart),
    isDashed: curve.isValidation,
  }));
  const y = useMemo(() => chart.curves.map((curve) => curve.y), [chart]);
  if (chart.curves.length === 0) return <p class="soft">Not told.</p>;
  return (
    <Plot
      xLabel="Epoch"
      label={`${figureName(chart.title)} by epoch: ${chart.curves.map(({ label }) => label).join("; ")}`}
      x={chart.x}
      y={y}
      series={series}
      formatX={number}
      formatY={format}
      isLogarithmic={isLogarithmic}
      fromZero={fromZero}
      height={height}
    />
  );
}

/** One training: its two curves differ; of several each has a colour. Neighbours in the palette look alike, so it is walked in steps. */
function colourOf({ of, isValidation }: Curve, { curves }: Chart): string {
  if (curves.every((curve) => curve.of === 0)) return isValidation ? "--warning" : "--accent";
  return palette[(of * 7 + 16) % palette.length] ?? "--accent";
}
