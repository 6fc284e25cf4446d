// A worker's figures now, and how they went while the page was open.

import { useMemo } from "preact/hooks";
import { offsetMs } from "../../feed/store.ts";
import type { WorkerRow } from "../../feed/worker-rows.ts";
import { Badge, Kpi } from "../../ui/basics.tsx";
import { Chart } from "../../ui/chart.tsx";
import { bytes, number, percent, seconds, time as timeOfDay } from "../../ui/format.ts";
import { Sparkline } from "../../ui/sparkline.tsx";
import { busyOf, fillOf, type HistoryPoint, heartbeatWords, lineOf } from "./workers-model.ts";

const cpuSeries = [
  { label: "CPU", colour: "--accent", isFilled: true },
  { label: "GPU", colour: "--good" },
];
const memorySeries = [
  { label: "resident", colour: "--accent", isFilled: true },
  { label: "results", colour: "--good" },
  { label: "spilled", colour: "--warning", isDashed: true },
];
const ALL = 900;

export function Figures({ row, history }: { readonly row: WorkerRow; readonly history: readonly HistoryPoint[] }) {
  const fill = fillOf(row);
  return (
    <>
      <div class="kpis">
        <Kpi label="Status" value={<Badge status={row.status} />} note={`heartbeat ${heartbeatWords(row.silentUs)}`} />
        <Kpi
          label="Busy slots"
          value={`${number(busyOf(row))} of ${number(row.slots)}`}
          note={<Sparkline values={lineOf(history, "running", 120)} label="What ran in the last two minutes" />}
        />
        <Kpi label="CPU" value={row.cpuPercent === null ? "–" : `${Math.round(row.cpuPercent)} %`} note="of one core" />
        <Kpi
          label="Memory"
          value={bytes(row.rssBytes)}
          tone={(fill ?? 0) > 0.8 ? "warning" : "neutral"}
          note={fill === null ? "no limit" : `${percent(fill)} of ${bytes(row.memoryLimitBytes)}`}
        />
        <Kpi
          label="Results"
          value={bytes(row.storedBytes)}
          note={`${number(row.stored)} kept, ${bytes(row.spilledBytes)} spilled`}
        />
        {row.gpuPercent !== null && (
          <Kpi
            label="GPU"
            value={`${Math.round(row.gpuPercent)} %`}
            note={`${bytes(row.gpuMemoryBytes)} of its memory`}
          />
        )}
        <Kpi
          label="Finished"
          value={number(row.finished)}
          note={
            (row.assigned ?? 0) > 0
              ? `${number(row.assigned)} given, ${seconds((row.occupancyUs ?? 0) / 1e6)} of work`
              : "none given"
          }
        />
        <Kpi
          label="Event loop delay"
          value={seconds(row.eventLoopDelayMs === null ? null : row.eventLoopDelayMs / 1000)}
          tone={(row.eventLoopDelayMs ?? 0) > 200 ? "warning" : "neutral"}
        />
      </div>
      {history.length > 1 ? (
        <Lines history={history} hasGpu={row.gpuPercent !== null} />
      ) : (
        <div class="lines-to-come" />
      )}
    </>
  );
}

function Lines({ history, hasGpu }: { readonly history: readonly HistoryPoint[]; readonly hasGpu: boolean }) {
  const lines = useMemo(() => {
    const of = (key: keyof HistoryPoint): (number | null)[] => lineOf(history, key, ALL);
    return {
      at: history.map(({ at }) => at / 1e6 + offsetMs.peek() / 1000),
      cpu: hasGpu ? [of("cpuPercent"), of("gpuPercent")] : [of("cpuPercent")],
      memory: [of("rssBytes"), of("storedBytes"), of("spilledBytes")],
    };
  }, [history, hasGpu]);
  const time = { isTime: true, fromZero: true, formatX: clock, height: 120, x: lines.at };
  const series = hasGpu ? cpuSeries : cpuSeries.slice(0, 1);
  return (
    <div class="columns">
      <Chart
        label="CPU since this page was opened, percent"
        y={lines.cpu}
        series={series}
        formatY={percentText}
        {...time}
      />
      <Chart
        label="Memory since this page was opened"
        y={lines.memory}
        series={memorySeries}
        formatY={bytes}
        isBytes
        {...time}
      />
    </div>
  );
}

function percentText(value: number): string {
  return `${Math.round(value)} %`;
}

/** Of seconds since 1970. */
function clock(at: number): string {
  return timeOfDay(at * 1000);
}
