// The smaller parts of a search's page: best so far, time per candidate, rounds, errors.

import { useMemo } from "preact/hooks";
import type { DetailItem, SearchTable } from "../../../server/details/search-table.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { Chart } from "../../ui/chart.tsx";
import { number, seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { lastRows } from "./heat-map.ts";
import { figure } from "./leader.ts";
import { bestOverTime, type FoldError, type Round, rounds } from "./searches-model.ts";

export function BestSoFarView({
  table,
  items,
}: {
  readonly table: SearchTable;
  readonly items: readonly DetailItem[];
}) {
  const { at, score } = useMemo(() => bestOverTime(table, items), [table, items]);
  const y = useMemo(() => [score], [score]);
  return (
    <Section title="Best so far">
      {at.length === 0 ? (
        <Empty>Nothing is through yet.</Empty>
      ) : (
        <Chart
          label={`Best ${table.scorings[0] ?? "score"} so far over seconds`}
          x={at}
          y={y}
          series={bestSeries}
          formatX={seconds}
          xLabel="Time"
          formatY={figure}
        />
      )}
    </Section>
  );
}

const bestSeries = [{ label: "best so far", colour: "--accent" }];

export function CandidateTimes({ table }: { readonly table: SearchTable }) {
  const { x, y } = useMemo(() => {
    const rows = lastRows(table.rows);
    return { x: rows.map(({ candidate }) => candidate), y: [rows.map(({ fitSeconds }) => fitSeconds)] };
  }, [table]);
  return (
    <Section title="Time per candidate">
      {y[0]?.every((time) => time === null) === true ? (
        <Empty>Nothing is through yet.</Empty>
      ) : (
        <Chart
          label="Seconds of one fit by candidate"
          x={x}
          y={y}
          series={timeSeries}
          formatX={number}
          xLabel="Candidate"
          formatY={seconds}
          fromZero={true}
        />
      )}
    </Section>
  );
}

const timeSeries = [{ label: "mean fit", colour: "--accent", isPoints: true }];

export function RoundsView({ table, scoring }: { readonly table: SearchTable; readonly scoring: number }) {
  return (
    <Section title="Rounds">
      <Table
        label="Rounds"
        columns={roundColumns}
        rows={rounds(table, scoring)}
        rowKey={({ round, resources }) => `${round}/${resources ?? ""}`}
      />
    </Section>
  );
}

const roundColumns: readonly Column<Round>[] = [
  { id: "round", title: "Round", isName: true, sort: ({ round }) => round, cell: ({ round }) => round },
  {
    id: "resources",
    title: "Given to each",
    isNumeric: true,
    sort: ({ resources }) => resources,
    cell: ({ resources }) => number(resources),
  },
  {
    id: "candidates",
    title: "Candidates",
    isNumeric: true,
    sort: ({ candidates }) => candidates,
    cell: ({ candidates }) => number(candidates),
  },
  { id: "done", title: "Through", isNumeric: true, sort: ({ done }) => done, cell: ({ done }) => number(done) },
  { id: "best", title: "Best", isNumeric: true, sort: ({ best }) => best, cell: ({ best }) => figure(best) },
];

export function FoldErrors({ errors }: { readonly errors: readonly FoldError[] }) {
  return (
    <Section title="Errors of folds">
      <Table label="Errors of folds" columns={errorColumns} rows={errors} rowKey={({ text }) => text} />
    </Section>
  );
}

const errorColumns: readonly Column<FoldError>[] = [
  { id: "count", title: "Folds", isNumeric: true, sort: ({ count }) => count, cell: ({ count }) => number(count) },
  { id: "first", title: "First", sort: ({ first }) => first, cell: ({ first }) => first },
  { id: "text", title: "Error", isWide: true, cell: ({ text }) => <span title={text}>{text}</span> },
];
