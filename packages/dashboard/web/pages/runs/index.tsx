// All runs: how far each is, and how long until it is done.

import type { PageRun, RunRate } from "@taskflock/protocol/words";
import { useState } from "preact/hooks";
import { overview, rates, wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Loading, Progress } from "../../ui/basics.tsx";
import { count, dateTime, duration, number, rate, time, timeLeft, UNKNOWN } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { matching, nameOf, orderedRuns, progressOf, tookUs } from "./runs-model.ts";

export function RunsPage() {
  const [text, setText] = useState("");
  const known = overview.value;
  if (known === null) return <Loading what="runs" />;
  const runs = matching(orderedRuns(known.runs), text);
  const hidden = known.runCount - known.runs.length;
  return (
    <>
      <search class="tools">
        <label>
          Search
          <input
            type="search"
            value={text}
            placeholder="name, client or kind"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <span class="soft">
          {count(known.runs.length, "run")}
          {hidden > 0 && `; ${number(hidden)} that ended earlier are not shown`}
        </span>
      </search>
      <Table
        label="Runs"
        columns={columnsOf(known.now, rates.value)}
        rows={runs}
        rowKey={({ run }) => run}
        empty={<Empty>{text === "" ? EMPTY : "No run is called so."}</Empty>}
      />
    </>
  );
}

const EMPTY =
  "There is no run yet. A search, a training, or what client.run() opens is one, and every client has one of its own for the rest.";

function columnsOf(now: number, rated: ReadonlyMap<number, RunRate>): Column<PageRun>[] {
  return [
    {
      id: "name",
      title: "Run",
      isName: true,
      cell: (run) => <a href={href("runs", run.run)}>{nameOf(run)}</a>,
      sort: nameOf,
    },
    { id: "client", title: "Client", cell: ({ client }) => client, sort: ({ client }) => client },
    { id: "kind", title: "Kind", cell: ({ kind }) => kind || UNKNOWN, sort: ({ kind }) => kind },
    { id: "status", title: "Status", cell: ({ status }) => <Badge status={status} />, sort: ({ status }) => status },
    { id: "progress", title: "Progress", cell: (run) => <RunProgressBar run={run} />, sort: shareOf },
    ...figures(now, rated),
  ];
}

function figures(now: number, rated: ReadonlyMap<number, RunRate>): Column<PageRun>[] {
  const rateOf = ({ run, status }: PageRun): number | null =>
    status === "open" ? (rated.get(run)?.perSecond ?? null) : null;
  const leftOf = ({ run, status }: PageRun): number | null =>
    status === "open" ? (rated.get(run)?.secondsLeft ?? null) : null;
  return [
    { id: "rate", title: "Rate", isNumeric: true, cell: (run) => rate(rateOf(run)), sort: rateOf },
    { id: "left", title: "Time left", isNumeric: true, cell: (run) => timeLeft(leftOf(run)), sort: leftOf },
    {
      id: "failed",
      title: "Failed",
      isNumeric: true,
      cell: ({ counts }) => (counts.failed > 0 ? <Badge status={number(counts.failed)} tone="bad" /> : "0"),
      sort: ({ counts }) => counts.failed,
    },
    {
      id: "started",
      title: "Started",
      isNumeric: true,
      cell: ({ startedAt }) => <span title={dateTime(wallTime(startedAt))}>{time(wallTime(startedAt))}</span>,
      sort: ({ startedAt }) => startedAt,
    },
    {
      id: "took",
      title: "Took",
      isNumeric: true,
      cell: (run) => duration(tookUs(run, now)),
      sort: (run) => tookUs(run, now),
    },
  ];
}

export function RunProgressBar({ run }: { readonly run: PageRun }) {
  const { done, total, of } = progressOf(run);
  return (
    <span class="run-bar" title={total > 0 ? `${number(done)} of ${count(total, of)}` : ""}>
      <Progress value={done} max={total} label={`${nameOf(run)}: ${number(done)} of ${count(total, of)}`} />
    </span>
  );
}

function shareOf(run: PageRun): number {
  const { done, total } = progressOf(run);
  return total > 0 ? done / total : 0;
}
