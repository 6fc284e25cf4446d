// Lines over time or over steps: uPlot in the page's colours, as wide as its place.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { cssColour, isDark } from "./theme.ts";

export interface ChartSeries {
  readonly label: string;
  /** A colour, or a CSS variable such as "--accent". */
  readonly colour: string;
  readonly format?: (value: number) => string;
  /** Filled below the line. */
  readonly isFilled?: boolean;
  readonly isDashed?: boolean;
  /** Points without a line between them. */
  readonly isPoints?: boolean;
}

export interface ChartProps {
  /** For screen readers. */
  readonly label: string;
  /** The horizontal axis: seconds since 1970 when `isTime`. */
  readonly x: readonly number[];
  /** As long as `x`; null where nothing is known. */
  readonly y: readonly (readonly (number | null)[])[];
  readonly series: readonly ChartSeries[];
  readonly isTime?: boolean;
  readonly height?: number;
  readonly formatY?: (value: number) => string;
  readonly formatX?: (value: number) => string;
  /** The vertical axis begins at 0, as it should for amounts; a loss may begin elsewhere. */
  readonly fromZero?: boolean;
  readonly isLogarithmic?: boolean;
  readonly hasLegend?: boolean;
  /** What the horizontal axis counts, in the legend; "Time" when `isTime`. */
  readonly xLabel?: string;
  /** The vertical axis has bytes: its lines are at 1, 2, 4, 8 of a unit, and not at what is round in tens. */
  readonly isBytes?: boolean;
}

/** Seconds between the marks of an axis of time: never parts of one, whose labels would be the same. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];
/** Pixels that "01:23:45" and the room around it take. */
const TIME_SPACE = 76;
const BYTE_STEPS: number[] = Array.from({ length: 60 }, (_, power) => 2 ** power);

/** Made anew when its series or the scheme change; else it takes the new data. */
export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const last = useRef(props);
  last.current = props;
  const make = (): void => {
    plot.current?.destroy();
    plot.current = null;
    const { current: box } = place;
    if (box !== null) plot.current = new uPlot(optionsOf(last.current, box.clientWidth), dataOf(last.current), box);
  };
  const shape = JSON.stringify([props.series, props.isTime, props.height, props.fromZero, props.isLogarithmic]);
  useEffect(make, [shape]);
  useSignalEffect(() => {
    isDark.value;
    if (plot.current !== null) make();
  });
  useEffect(() => plot.current?.setData(dataOf(props)), [props.x, props.y]);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const width = place.current?.clientWidth ?? 0;
      if (plot.current !== null && width > 0 && width !== plot.current.width) {
        plot.current.setSize({ width, height: heightOf(last.current) });
      }
    });
    if (place.current !== null) observer.observe(place.current);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  const height = `${heightOf(props) + (props.hasLegend === false ? 0 : 28)}px`;
  return <div class="chart" ref={place} role="img" aria-label={props.label} style={{ minHeight: height }} />;
}

function heightOf({ height = 180 }: ChartProps): number {
  return height;
}

function dataOf({ x, y }: ChartProps): uPlot.AlignedData {
  return [x, ...y] as unknown as uPlot.AlignedData;
}

function colour(name: string): string {
  return name.startsWith("--") ? cssColour(name) : name;
}

function optionsOf(props: ChartProps, width: number): uPlot.Options {
  const { formatX, formatY = String, series, isTime = false } = props;
  const [text, grid] = [cssColour("--soft"), cssColour("--line")];
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  return {
    width: Math.max(50, width),
    height: heightOf(props),
    legend: { show: props.hasLegend !== false, live: true },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: isTime },
      y: {
        distr: props.isLogarithmic === true ? 3 : 1,
        ...(props.fromZero === true && { range: (_plot, _min, max) => [0, max > 0 ? max * 1.05 : 1] }),
      },
    },
    axes: [
      {
        ...axis,
        ...(isTime && { incrs: TIME_STEPS, space: TIME_SPACE }),
        ...(formatX && { values: (_plot, values) => values.map(formatX) }),
      },
      {
        ...axis,
        ...(props.isBytes === true && { incrs: BYTE_STEPS }),
        size: 70,
        values: (_plot, values) => values.map((value) => (value === null ? "" : formatY(value))),
      },
    ],
    series: [
      {
        label: props.xLabel ?? (isTime ? "Time" : "Value"),
        ...(formatX && { value: (_plot, value) => (value === null ? "–" : formatX(value)) }),
      },
      ...series.map((one) => lineOf(one, formatY)),
    ],
  };
}

function lineOf(series: ChartSeries, formatY: (value: number) => string): uPlot.Series {
  const stroke = colour(series.colour);
  const format = series.format ?? formatY;
  return {
    label: series.label,
    stroke,
    width: series.isPoints === true ? 0 : 1.75,
    ...(series.isFilled === true && { fill: translucent(stroke) }),
    ...(series.isDashed === true && { dash: [6, 4] }),
    ...(series.isPoints === true && { points: { show: true, size: 6 } }),
    value: (_plot, value) => (value === null ? "–" : format(value)),
  };
}

function translucent(colour: string): string {
  return `color-mix(in srgb, ${colour} 18%, transparent)`;
}
