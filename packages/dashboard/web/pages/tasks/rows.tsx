// Rows of tasks, as every list of tasks has them.

import type { PageTaskRow } from "@taskflock/protocol/words";
import type { ComponentChildren } from "preact";
import { wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge } from "../../ui/basics.tsx";
import { colourOf } from "../../ui/colours.ts";
import { ago, bytes, dateTime, number } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";

export function FunctionName({ name }: { readonly name: string }) {
  if (name === "") return <span class="soft">data</span>;
  return (
    <span>
      <span class="swatch" style={{ background: colourOf(name) }} aria-hidden="true" />
      {name}
    </span>
  );
}

/** A moment of the scheduler's clock, µs, as "5 s ago"; the whole in its title. */
export function Ago({ us, now }: { readonly us: number | null; readonly now: number }) {
  if (us === null) return <span class="soft">–</span>;
  return <span title={dateTime(wallTime(us))}>{ago(us / 1000, now / 1000)}</span>;
}

export function WorkerLink({ name }: { readonly name: string }) {
  return name === "" ? <span class="soft">–</span> : <a href={href("workers", name)}>{name}</a>;
}

export function RunLink({ row: { run, runName } }: { readonly row: Pick<PageTaskRow, "run" | "runName"> }) {
  if (run === 0) return <span class="soft">–</span>;
  return <a href={href("runs", run)}>{runName || `run ${run}`}</a>;
}

function taskColumns(now: number): Column<PageTaskRow>[] {
  return [
    {
      id: "key",
      title: "Task",
      isName: true,
      cell: ({ task, key }) => (
        <a class="mono" href={href("tasks", task)}>
          {key}
        </a>
      ),
    },
    {
      id: "status",
      title: "Status",
      cell: ({ status, state }) => <Badge status={status === "waiting" ? state : status} />,
    },
    { id: "function", title: "Function", cell: (row) => <FunctionName name={row.function} /> },
    { id: "run", title: "Run", cell: (row) => <RunLink row={row} /> },
    { id: "worker", title: "Worker", cell: ({ worker }) => <WorkerLink name={worker} /> },
    { id: "since", title: "Since", cell: ({ since }) => <Ago us={since} now={now} /> },
    { id: "attempt", title: "Attempt", isNumeric: true, cell: ({ attempt }) => (attempt > 0 ? number(attempt) : "–") },
    {
      id: "bytes",
      title: "Result",
      isNumeric: true,
      cell: ({ status, bytes: size }) => (status === "done" ? bytes(size) : "–"),
    },
    { id: "outcome", title: "Message", isWide: true, cell: ({ outcome }) => <span title={outcome}>{outcome}</span> },
  ];
}

export function TaskTable(props: {
  readonly label: string;
  readonly rows: readonly PageTaskRow[];
  readonly now: number;
  readonly empty: ComponentChildren;
}) {
  const { label, rows, now, empty } = props;
  return <Table label={label} columns={taskColumns(now)} rows={rows} rowKey={({ task }) => task} empty={empty} />;
}
