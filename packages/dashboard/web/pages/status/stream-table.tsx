// The task stream for those who do not see it: the last attempts as a table.

import { useState } from "preact/hooks";
import { functionNames, spans, wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty } from "../../ui/basics.tsx";
import { duration, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { type LastAttempt, lastAttempts } from "./last-attempts.ts";
import type { TaskStream } from "./stream-model.ts";
import { useEvery } from "./use-every.ts";

const SHOWN = 50;

export function StreamTable({ stream }: { readonly stream: TaskStream }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="stream-table" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>The last {SHOWN} attempts as a table</summary>
      {isOpen && <Last stream={stream} />}
    </details>
  );
}

function Last({ stream }: { readonly stream: TaskStream }) {
  const { ring } = useEvery(spans, 1000);
  return <AttemptsTable attempts={lastAttempts(ring, SHOWN)} workerName={(worker) => stream.nameOf(worker)} />;
}

export function AttemptsTable(props: {
  readonly attempts: readonly LastAttempt[];
  readonly workerName: (worker: number) => string;
}) {
  const columns: Column<LastAttempt>[] = [
    { id: "task", title: "Task", isName: true, cell: ({ task }) => <a href={href("tasks", task)}>{task}</a> },
    { id: "fn", title: "Function", isWide: true, cell: ({ fn }) => functionNames.value.get(fn) ?? `function ${fn}` },
    { id: "how", title: "Outcome", cell: ({ outcome }) => <Badge status={outcome} /> },
    { id: "took", title: "Took", isNumeric: true, cell: ({ durationUs }) => duration(durationUs) },
    { id: "worker", title: "Worker", cell: ({ worker }) => props.workerName(worker) },
    { id: "ended", title: "Ended", isNumeric: true, cell: ({ endedAt }) => time(wallTime(endedAt), true) },
  ];
  return (
    <Table
      label="The last attempts"
      columns={columns}
      rows={props.attempts}
      rowKey={({ number }) => number}
      empty={<Empty>No attempt has been seen yet.</Empty>}
    />
  );
}
