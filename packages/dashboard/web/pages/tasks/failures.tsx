// What failed first: tasks that failed by themselves in the order of time, each with what could not run because of it.

import type { PageFailures } from "@taskflock/protocol/words";
import { query } from "../../feed/api.ts";
import { wallTime } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Empty, ErrorNote, Loading } from "../../ui/basics.tsx";
import { count, dateTime, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { failuresSentence, type RootFailure, rootFailures, sameMessages } from "./failures-model.ts";
import { FunctionName, WorkerLink } from "./rows.tsx";

const AGAIN_MS = 3000;
const LIMIT = 200;

/** Of all runs, or of one. */
export function Failures({ run }: { readonly run: number }) {
  const { value, error, reload } = useAnswer<PageFailures>(query("failures", { limit: LIMIT }), AGAIN_MS);
  if (error !== null && value === null) return <ErrorNote error={error} onRetry={reload} />;
  if (value === null) return <Loading what="failures" />;
  const roots = rootFailures(value, run);
  if (roots.length === 0) return <Empty>{emptyText(run, value.total)}</Empty>;
  return (
    <>
      <p class="tools">{failuresSentence(roots, run === 0 ? value.total : 0)}</p>
      <Messages roots={roots} />
      <Table label="Failures, the first to fail first" columns={columns} rows={roots} rowKey={({ key }) => key} />
    </>
  );
}

function emptyText(run: number, total: number): string {
  if (run === 0 || total === 0) return "No task has failed. What fails appears here, the first to fail first.";
  return `No task of this run is among the first ${count(Math.min(LIMIT, total), "failure")}.`;
}

/** When many tasks fail alike there are few causes: they are named first. */
function Messages({ roots }: { readonly roots: readonly RootFailure[] }) {
  const messages = sameMessages(roots).filter((message) => message.count > 1);
  if (messages.length === 0) return null;
  return (
    <ul class="plain-list">
      {messages.slice(0, 5).map(({ message, count: of }) => (
        <li key={message}>
          {count(of, "task")}: <span class="mono">{message}</span>
        </li>
      ))}
    </ul>
  );
}

const columns: readonly Column<RootFailure>[] = [
  {
    id: "at",
    title: "Failed at",
    cell: ({ at }) => (at === null ? "–" : <span title={dateTime(wallTime(at))}>{time(wallTime(at))}</span>),
    sort: ({ at }) => at,
  },
  {
    id: "task",
    title: "Task",
    isName: true,
    cell: ({ row, key }) => (
      <a class="mono" href={href("tasks", row?.task ?? key)}>
        {key}
      </a>
    ),
    sort: ({ key }) => key,
  },
  { id: "function", title: "Function", cell: ({ row }) => (row === null ? "–" : <FunctionName name={row.function} />) },
  { id: "worker", title: "Worker", cell: ({ row }) => <WorkerLink name={row?.worker ?? ""} /> },
  {
    id: "because",
    title: "Because of it",
    isNumeric: true,
    cell: ({ because }) => (because.length === 0 ? "–" : count(because.length, "task")),
    sort: ({ because }) => because.length,
  },
  { id: "message", title: "Message", isWide: true, cell: ({ message }) => <span title={message}>{message}</span> },
];
