// Which function takes the cluster's time: progress, rate, time left, total time, median, share; and the way to its code.

import { useMemo, useRef } from "preact/hooks";
import { overview } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { colourOf } from "../../ui/colours.ts";
import { count, duration, number, percent, rate, seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { StackedBar } from "./stacked-bar.tsx";
import { type EndedCounts, type FunctionRow, functionRows, nextCounts } from "./status-model.ts";
import { useEvery } from "./use-every.ts";

const columns: readonly Column<FunctionRow>[] = [
  {
    id: "name",
    title: "Function",
    isName: true,
    sort: ({ name }) => name,
    cell: ({ name }) => (
      <a href={`${href("tasks")}?function=${encodeURIComponent(name)}`}>
        <span class="swatch" style={{ background: colourOf(name) }} />
        {name}
      </a>
    ),
  },
  { id: "bar", title: "Progress", isWide: true, cell: (row) => <StackedBar progress={row} label={row.name} /> },
  {
    id: "open",
    title: "To do",
    isNumeric: true,
    sort: (row) => row.unfinished,
    cell: (row) => number(row.unfinished),
  },
  { id: "done", title: "Done", isNumeric: true, sort: ({ done }) => done, cell: ({ done }) => number(done) },
  {
    id: "failed",
    title: "Failed",
    isNumeric: true,
    sort: ({ failed }) => failed,
    cell: ({ failed }) => <span class={failed > 0 ? "is-bad" : ""}>{number(failed)}</span>,
  },
  { id: "rate", title: "Rate", isNumeric: true, sort: (row) => row.perSecond, cell: (row) => rate(row.perSecond) },
  {
    id: "left",
    title: "Time left",
    isNumeric: true,
    sort: (row) => row.secondsLeft,
    cell: (row) => seconds(row.secondsLeft),
  },
  {
    id: "median",
    title: "Median",
    isNumeric: true,
    sort: (row) => row.medianUs,
    cell: (row) => duration(row.medianUs),
  },
  {
    id: "spent",
    title: "Total",
    isNumeric: true,
    sort: (row) => row.spentUs,
    cell: (row) => duration(row.spentUs),
  },
  { id: "share", title: "Share", isNumeric: true, sort: (row) => row.share, cell: (row) => percent(row.share) },
  {
    id: "profile",
    title: "Its code",
    cell: ({ name }) => <a href={`${href("profile")}?search=${encodeURIComponent(name)}`}>profile</a>,
  },
];

export function FunctionsSection() {
  const now = useEvery(overview, 1000);
  const counts = useRef<readonly EndedCounts[]>([]);
  const rows = useMemo(() => {
    if (now === null) return [];
    counts.current = nextCounts(counts.current, now);
    return functionRows(now, counts.current[0]);
  }, [now]);
  const others = (now?.functionCount ?? 0) - rows.length;
  return (
    <Section title="Functions" tools={others > 0 && <span class="soft">{count(others, "other")} not shown</span>}>
      <Table
        label="Functions by the time spent in them"
        columns={columns}
        rows={rows}
        rowKey={({ fn }) => fn}
        empty={<Empty>No task has been submitted yet.</Empty>}
      />
    </Section>
  );
}
