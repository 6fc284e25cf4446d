// The table of candidates: rank, parameters, mean and spread, each fold as a dot.

import { useMemo } from "preact/hooks";
import type { SearchRow, SearchTable } from "../../../server/details/search-table.ts";
import { Badge, Empty } from "../../ui/basics.tsx";
import { seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { FoldDots, foldScale } from "./fold-dots.tsx";
import { candidateName, figure, valueText } from "./leader.ts";
import { byStanding } from "./searches-model.ts";

export function Leaderboard({ table, scoring }: { readonly table: SearchTable; readonly scoring: number }) {
  const rows = useMemo(() => byStanding(table, scoring), [table, scoring]);
  const columns = useMemo(() => columnsOf(table, scoring), [table, scoring]);
  return (
    <Table
      label="Leaderboard"
      columns={columns}
      rows={rows}
      rowKey={({ candidate, round }) => `${candidate}/${round}`}
      isMarked={({ candidate, ranks }) =>
        table.chosen === null ? ranks[scoring] === 1 : candidate === table.chosen.candidate
      }
      empty={<Empty>No candidate has begun yet.</Empty>}
    />
  );
}

function columnsOf(table: SearchTable, scoring: number): Column<SearchRow>[] {
  const scale = foldScale(table, scoring);
  const hasRounds = table.rows.some(({ round, resources }) => round > 0 || resources !== null);
  return [
    {
      id: "rank",
      title: "Rank",
      isNumeric: true,
      sort: (row) => -(row.ranks[scoring] ?? Number.MAX_SAFE_INTEGER),
      cell: (row) => row.ranks[scoring] ?? "–",
    },
    ...table.parameters.map(
      (name, at): Column<SearchRow> => ({
        id: `value/${at}`,
        title: name,
        isNumeric: table.rows.every(({ values }) => typeof (values[at] ?? null) !== "string"),
        sort: ({ values }) => sortable(values[at] ?? null),
        cell: ({ values }) => valueText(values[at] ?? null),
      }),
    ),
    ...(hasRounds ? roundColumns : []),
    {
      id: "mean",
      title: table.scorings[scoring] ?? "score",
      isNumeric: true,
      sort: ({ means }) => means[scoring] ?? null,
      cell: ({ means }) => figure(means[scoring] ?? null),
    },
    {
      id: "spread",
      title: "±",
      isNumeric: true,
      sort: ({ spreads }) => spreads[scoring] ?? null,
      cell: ({ spreads, folds }) => (folds.length > 1 ? figure(spreads[scoring] ?? null) : ""),
    },
    {
      id: "folds",
      title: `Folds, ${scale.text}`,
      cell: (row) => <FoldDots row={row} scoring={scoring} scale={scale} name={candidateName(table, row)} />,
    },
    ...timeColumns,
  ];
}

const roundColumns: readonly Column<SearchRow>[] = [
  { id: "round", title: "Round", isNumeric: true, sort: ({ round }) => round, cell: ({ round }) => round },
  {
    id: "resources",
    title: "Given",
    isNumeric: true,
    sort: ({ resources }) => resources,
    cell: ({ resources }) => resources ?? "–",
  },
];

const timeColumns: readonly Column<SearchRow>[] = [
  {
    id: "fit",
    title: "Fit",
    isNumeric: true,
    sort: ({ fitSeconds }) => fitSeconds,
    cell: ({ fitSeconds }) => seconds(fitSeconds),
  },
  {
    id: "score",
    title: "Scoring",
    isNumeric: true,
    sort: ({ scoreSeconds }) => scoreSeconds,
    cell: ({ scoreSeconds }) => seconds(scoreSeconds),
  },
  { id: "state", title: "State", sort: ({ state }) => state, cell: ({ state }) => <Badge status={state} /> },
  {
    id: "candidate",
    title: "No.",
    isNumeric: true,
    sort: ({ candidate }) => candidate,
    cell: ({ candidate }) => candidate,
  },
];

function sortable(value: string | number | boolean | null): string | number | null {
  return typeof value === "boolean" ? String(value) : value;
}
