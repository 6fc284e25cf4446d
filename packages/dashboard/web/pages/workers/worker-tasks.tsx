// What a worker runs, and what it ran last.

import type { WorkerSpan } from "@taskflock/protocol/words";
import { functionNames, schedulerNow, spans, wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Section } from "../../ui/basics.tsx";
import { count, duration, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { useEvery } from "../status/use-every.ts";

interface Running {
  readonly task: number;
  readonly key: string;
  readonly fn: number;
  readonly startedAt: number;
}

const runningColumns: readonly Column<Running>[] = [
  {
    id: "key",
    title: "Task",
    isName: true,
    isWide: true,
    cell: ({ task, key }) => (
      <a class="mono" href={href("tasks", task)}>
        {key || `task ${task}`}
      </a>
    ),
  },
  { id: "fn", title: "Function", cell: ({ fn }) => functionNames.value.get(fn) ?? "" },
  { id: "since", title: "Since", cell: ({ startedAt }) => time(wallTime(startedAt)) },
  { id: "for", title: "For", isNumeric: true, cell: ({ startedAt }) => duration(schedulerNow() - startedAt) },
];

export function RunsNow({ worker, slots }: { readonly worker: number; readonly slots: number }) {
  const { running, runningKeys } = useEvery(spans, 500);
  const rows = running.worker
    .map((of, i) => ({
      of,
      task: running.task[i]!,
      key: runningKeys[i] ?? "",
      fn: running.fn[i]!,
      startedAt: running.startedAt[i]!,
    }))
    .filter(({ of }) => of === worker);
  return (
    <Section title="Runs now" tools={<span class="soft">{count(slots, "slot")}</span>}>
      <Table
        label="What runs now"
        columns={runningColumns}
        rows={rows}
        rowKey={({ task }) => task}
        empty={<Empty>No long task runs there. Short ones are over before they are told; they are below.</Empty>}
      />
    </Section>
  );
}

const columns: readonly Column<WorkerSpan>[] = [
  {
    id: "key",
    title: "Task",
    isName: true,
    isWide: true,
    cell: ({ task, key }) => (
      <a class="mono" href={href("tasks", task)}>
        {key || `task ${task}`}
      </a>
    ),
  },
  { id: "fn", title: "Function", cell: (span) => span.function },
  { id: "end", title: "Outcome", cell: ({ end }) => <Badge status={end} /> },
  { id: "took", title: "Took", isNumeric: true, cell: ({ durationUs }) => duration(durationUs) },
  { id: "ended", title: "Ended", isNumeric: true, cell: ({ endedAt }) => time(wallTime(endedAt), true) },
];

export function WorkerTasks(props: {
  readonly spans: readonly WorkerSpan[];
  readonly isThere: boolean;
  readonly name: string;
}) {
  const { spans: last, isThere, name } = props;
  return (
    <Section
      title={isThere ? "Last tasks" : "What it did last"}
      tools={<a href={`${href("tasks")}?worker=${encodeURIComponent(name)}`}>all its tasks</a>}
    >
      <LastTasks label="The last tasks that ended there" spans={last} />
    </Section>
  );
}

export function LastTasks({ label, spans }: { readonly label: string; readonly spans: readonly WorkerSpan[] }) {
  return (
    <Table
      label={label}
      columns={columns}
      rows={spans}
      rowKey={({ task, endedAt }) => `${task} ${endedAt}`}
      empty={<Empty>No task has ended there.</Empty>}
    />
  );
}
