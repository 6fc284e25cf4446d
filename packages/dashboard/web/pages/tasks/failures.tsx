// What failed first: tasks that failed by themselves, in the order of time.

import type { PageFailures } from "@taskflock/protocol/words";
import { query } from "../../feed/api.ts";
import { wallTime } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Empty, ErrorNote, Loading } from "../../ui/basics.tsx";
import { count, dateTime, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { type Failure, failuresOf, failuresSentence, sameMessages } from "./failures-model.ts";
import { FunctionName, RunLink, WorkerLink } from "./rows.tsx";

const AGAIN_MS = 3000;
const LIMIT = 200;
const MESSAGES = 5;

/** Of all runs, or of one. */
export function Failures({ run }: { readonly run: number }) {
  const { value, error, reload } = useAnswer<PageFailures>(query("failures", { limit: LIMIT }), AGAIN_MS);
  if (value === null)
    return error === null ? <Loading what="failures" /> : <ErrorNote error={error} onRetry={reload} />;
  const items = failuresOf(value, run);
  if (items.length === 0) return <Empty>{run === 0 ? NONE : NONE_HERE}</Empty>;
  return (
    <>
      <p class="tools">{failuresSentence(items.length, run === 0 ? value.total : null)}</p>
      <Messages items={items} />
      <Table label="Failures, the first to fail first" columns={columns} rows={items} rowKey={keyOf} />
    </>
  );
}

const NONE = "No task has failed. What fails appears here, the first to fail first.";
const NONE_HERE = "No failure of this run is remembered; others may have failed because of what they needed.";

function keyOf({ task, at }: Failure): string {
  return `${task} ${at}`;
}

/** When many tasks fail alike there are few causes: they are named first. */
function Messages({ items }: { readonly items: readonly Failure[] }) {
  const messages = sameMessages(items).slice(0, MESSAGES);
  if (messages.length === 0) return null;
  return (
    <ul class="plain-list">
      {messages.map(({ message, count: of }) => (
        <li key={message}>
          {count(of, "task")}: <span class="mono">{message}</span>
        </li>
      ))}
    </ul>
  );
}

const columns: readonly Column<Failure>[] = [
  {
    id: "at",
    title: "Failed at",
    cell: ({ at }) => (at === null ? "–" : <span title={dateTime(wallTime(at))}>{time(wallTime(at), true)}</span>),
    sort: ({ at }) => at,
  },
  {
    id: "task",
    title: "Task",
    isName: true,
    cell: ({ task, key, state }) =>
      state === "forgotten" ? (
        <span class="mono" title="Nobody refers to it any more: its error is forgotten but for the message.">
          {key}
        </span>
      ) : (
        <a class="mono" href={href("tasks", task)}>
          {key}
        </a>
      ),
    sort: ({ key }) => key,
  },
  { id: "message", title: "Message", isWide: true, cell: ({ outcome }) => <span title={outcome}>{outcome}</span> },
  { id: "function", title: "Function", cell: (row) => <FunctionName name={row.function} /> },
  { id: "worker", title: "Worker", cell: ({ worker }) => <WorkerLink name={worker} /> },
  { id: "run", title: "Run", cell: (row) => <RunLink row={row} /> },
];
