// Searches of all clients: who leads each. And one search as a whole.

import type { PageRun } from "@taskflock/protocol/words";
import { useMemo } from "preact/hooks";
import { type DetailItem, type SearchTable, searchTable } from "../../../server/details/search-table.ts";
import { details, overview, rates, wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Progress } from "../../ui/basics.tsx";
import { dateTime, seconds, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { leaderSentence } from "./leader.ts";
import { useCalm } from "./use-calm.ts";

export { SearchPage } from "./search.tsx";

interface Line {
  readonly run: PageRun;
  readonly table: SearchTable | null;
  readonly secondsLeft: number | null;
}

export function SearchesPage() {
  const items = useCalm(details.value.items);
  const runs = (overview.value?.runs ?? []).filter(({ kind }) => kind.startsWith("search"));
  const tables = useMemo(() => tablesOf(items), [items]);
  const lines = runs.map((run): Line => {
    const secondsLeft = rates.value.get(run.run)?.secondsLeft ?? null;
    return { run, table: tables.get(run.run) ?? null, secondsLeft };
  });
  return (
    <Table
      label="Searches"
      columns={columns}
      rows={lines}
      rowKey={({ run }) => run.run}
      empty={
        <Empty>
          No search has run lately. <code>gridSearch</code>, <code>randomSearch</code>, <code>halvingSearch</code> and{" "}
          <code>hyperbandSearch</code> appear here as soon as they begin.
        </Empty>
      }
    />
  );
}

function tablesOf(items: readonly DetailItem[]): Map<number, SearchTable | null> {
  return new Map([...groupsOf(items)].map(([run, group]) => [run, searchTable(group)]));
}

function groupsOf(items: readonly DetailItem[]): Map<number, DetailItem[]> {
  const groups = new Map<number, DetailItem[]>();
  for (const item of items) {
    const group = groups.get(item.run);
    if (group === undefined) groups.set(item.run, [item]);
    else group.push(item);
  }
  return groups;
}

const columns: readonly Column<Line>[] = [
  {
    id: "name",
    title: "Search",
    isName: true,
    sort: ({ run }) => run.name,
    cell: ({ run }) => <a href={href("searches", run.run)}>{run.name === "" ? `run ${run.run}` : run.name}</a>,
  },
  { id: "status", title: "Status", sort: ({ run }) => run.status, cell: ({ run }) => <Badge status={run.status} /> },
  {
    id: "progress",
    title: "Progress",
    sort: ({ run }) => (run.steps === 0 ? null : run.stepsDone / run.steps),
    cell: ({ run }) => <Progress value={run.stepsDone} max={run.steps} label={`Progress of ${run.name}`} />,
  },
  {
    id: "left",
    title: "Time left",
    isNumeric: true,
    sort: ({ secondsLeft }) => secondsLeft,
    cell: ({ run, secondsLeft }) => (run.status === "open" ? seconds(secondsLeft) : ""),
  },
  {
    id: "leader",
    title: "Who leads",
    isWide: true,
    cell: ({ table }) => {
      const sentence = table === null ? "" : leaderSentence(table);
      return <span title={sentence}>{sentence}</span>;
    },
  },
  { id: "client", title: "Client", sort: ({ run }) => run.client, cell: ({ run }) => run.client },
  {
    id: "started",
    title: "Began",
    isNumeric: true,
    sort: ({ run }) => run.startedAt,
    cell: ({ run }) => {
      const at = wallTime(run.startedAt);
      return <time title={dateTime(at)}>{time(at)}</time>;
    },
  },
];
