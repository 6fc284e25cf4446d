// The last minutes: tasks per second, memory, slots.

import { useMemo } from "preact/hooks";
import { points } from "../../feed/store.ts";
import { Section } from "../../ui/basics.tsx";
import { Chart } from "../../ui/chart.tsx";
import { bytes, rate, short, time as timeOfDay } from "../../ui/format.ts";
import { memoryChart, rateChart, slotsChart } from "./status-model.ts";
import { useEvery } from "./use-every.ts";

const rateSeries = [{ label: "tasks per second", colour: "--accent", isFilled: true }];
const memorySeries = [
  { label: "resident", colour: "--accent" },
  { label: "results", colour: "--good" },
  { label: "spilled", colour: "--warning", isDashed: true },
];
const slotSeries = [
  { label: "busy", colour: "--accent", isFilled: true },
  { label: "slots", colour: "--soft", isDashed: true },
];
const HEIGHT = 150;

export function Charts() {
  const history = useEvery(points, 1000);
  const [rates, memory, slots] = useMemo(
    () => [rateChart(history), memoryChart(history), slotsChart(history)],
    [history],
  );
  const time = { isTime: true, fromZero: true, formatX: clock, height: HEIGHT };
  return (
    <div class="columns">
      <Section title="Tasks per second">
        <Chart
          label="Tasks per second over the last minutes"
          x={rates.at}
          y={rates.values}
          series={rateSeries}
          formatY={rateText}
          {...time}
        />
      </Section>
      <Section title="Memory of all workers">
        <Chart
          label="Memory over the last minutes"
          x={memory.at}
          y={memory.values}
          series={memorySeries}
          formatY={bytes}
          isBytes
          {...time}
        />
      </Section>
      <Section title="Busy slots">
        <Chart
          label="Busy slots over the last minutes"
          x={slots.at}
          y={slots.values}
          series={slotSeries}
          formatY={short}
          {...time}
        />
      </Section>
    </div>
  );
}

function rateText(value: number): string {
  return rate(value);
}

/** Of seconds since 1970. */
function clock(at: number): string {
  return timeOfDay(at * 1000);
}
