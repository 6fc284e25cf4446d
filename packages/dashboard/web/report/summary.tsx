// What the report is about: its period, what limited the cluster in it, and what is not in it.

import type { ReportData } from "../../server/report/report-data.ts";
import { report } from "../frame/report-mode.ts";
import { href } from "../frame/routes.ts";
import { Empty, Kpi, Section } from "../ui/basics.tsx";
import { bytes, count, dateTime, number, rate, seconds } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";

export function SummaryPage() {
  const data = report;
  if (data === null) return null;
  const { message, limits, leftOut } = data;
  const searches = message.overview.runs.filter(({ kind }) => kind.startsWith("search")).length;
  const trainings = message.overview.runs.filter(({ kind }) => kind.includes("training")).length;
  return (
    <>
      {data.title !== "" && <p class="lead">{data.title}</p>}
      <p class="period">
        {dateTime(data.from)} to {dateTime(data.to)}: {seconds((data.to - data.from) / 1000)}. {data.scheduler}.
      </p>
      {leftOut.map((sentence) => (
        <p key={sentence} class="left-out">
          {sentence}
        </p>
      ))}
      <Figures data={data} />
      <div class="columns">
        <Section title="What limited the cluster">
          <Table
            label="What limited the cluster"
            columns={limitColumns}
            rows={limits}
            rowKey={({ text }) => text}
            empty={<Empty>Nothing was seen that did.</Empty>}
          />
        </Section>
        <Section title="In this report">
          <ul class="views">
            <li>
              <a href={href()}>Status</a>: what ran where, functions, memory
            </li>
            <li>
              <a href={href("workers")}>Workers</a>, <a href={href("transfers")}>transfers</a>,{" "}
              <a href={href("events")}>events and logs</a>
            </li>
            <li>
              <a href={href("searches")}>{count(searches, "search", "searches")}</a>,{" "}
              <a href={href("training")}>{count(trainings, "training")}</a>
            </li>
          </ul>
        </Section>
      </div>
    </>
  );
}

/** "14:03:05, 65 s" */
export function periodText({ from, to }: ReportData): string {
  return `${dateTime(from)}, ${seconds((to - from) / 1000)}`;
}

function Figures({ data: { message, from, to } }: { readonly data: ReportData }) {
  const { overview, points } = message;
  const [first, last] = [points[0], points.at(-1)];
  const ended = (last?.ended ?? 0) - (first?.ended ?? 0);
  const length = Math.max(1, to - from) / 1000;
  const failed = overview.functions.reduce((sum, one) => sum + one.failed, 0);
  const workers = message.workers?.added.length ?? 0;
  return (
    <div class="kpis">
      <Kpi label="Tasks that ended" value={number(ended)} note={rate(ended / length)} />
      <Kpi label="Failed" value={number(failed)} tone={failed > 0 ? "bad" : "neutral"} />
      <Kpi label="Workers" value={number(workers)} note={count(overview.slots, "slot")} />
      <Kpi
        label="Slots busy at most"
        value={number(Math.max(0, ...points.map(({ busy }) => busy)))}
        note={`of ${number(overview.slots)}`}
      />
      <Kpi
        label="Memory at most"
        value={bytes(Math.max(0, ...points.map(({ rssBytes }) => rssBytes)))}
        note="of all workers"
      />
      <Kpi label="Moved" value={bytes((last?.movedBytes ?? 0) - (first?.movedBytes ?? 0))} note="between workers" />
    </div>
  );
}

const limitColumns: readonly Column<ReportData["limits"][number]>[] = [
  {
    id: "seconds",
    title: "For",
    isNumeric: true,
    sort: (limit) => limit.seconds,
    cell: (limit) => seconds(limit.seconds),
  },
  { id: "text", title: "What", isWide: true, cell: ({ text }) => <span title={text}>{text}</span> },
];
