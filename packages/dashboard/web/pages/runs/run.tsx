// A run's page: how long until it is done, what failed in it first, how far each function is, what its owner remarked.

import type { PageGraph, PageRun } from "@taskflock/protocol/words";
import { api, query } from "../../feed/api.ts";
import { details, overview, rates, wallTime } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, ErrorNote, Kpi, Loading, Progress, Section } from "../../ui/basics.tsx";
import { Action } from "../../ui/dialog.tsx";
import { count, dateTime, duration, number, percent, rate, time, timeLeft, UNKNOWN } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { againMs, drawGraph, type FunctionCounts, functionTable } from "../graph/graph-model.ts";
import type { PageProps } from "../index.ts";
import { Failures } from "../tasks/failures.tsx";
import { FunctionName } from "../tasks/rows.tsx";
import { RunProgressBar } from "./index.tsx";
import "./runs.css";
import { linksOf, nameOf, progressOf, runSentence, tookUs } from "./runs-model.ts";

export function RunPage({ params }: PageProps) {
  const id = Number(params["id"]);
  const live = overview.value?.runs.find(({ run }) => run === id);
  // The feed has the open runs and the last that ended; an older one is asked for.
  const isOld = overview.value !== null && live === undefined;
  const { value, error, reload } = useAnswer<PageRun>(isOld ? `runs/${id}` : null);
  const run = live ?? value;
  if (run === null && error !== null) {
    return (
      <>
        <ErrorNote error={error} onRetry={reload} />
        <p>
          See <a href={href("runs")}>all runs</a>.
        </p>
      </>
    );
  }
  return run === null ? <Loading what="the run" /> : <Run run={run} />;
}

function Run({ run }: { readonly run: PageRun }) {
  const now = overview.value?.now ?? 0;
  const rated = rates.value.get(run.run);
  return (
    <>
      <Head run={run} />
      <p>{runSentence(run, rated, now)}</p>
      <RunProgressBar run={run} />
      <Figures run={run} now={now} />
      <Remarks run={run.run} />
      {run.counts.failed > 0 && (
        <Section title="Failures, the first to fail first">
          <Failures run={run.run} />
        </Section>
      )}
      <Section title="Progress per function">
        <Functions run={run} />
      </Section>
    </>
  );
}

function Head({ run }: { readonly run: PageRun }) {
  const unfinished = run.counts.total - run.counts.done - run.counts.failed - run.counts.cancelled;
  const cancel = async (): Promise<string> => {
    const { cancelled } = await api.post<{ cancelled: number }>("actions/cancel", { run: run.run });
    return `${count(cancelled, "task")} cancelled.`;
  };
  return (
    <div class="tools">
      <strong>{nameOf(run)}</strong>
      <Badge status={run.status} />
      {run.client !== "" && <span class="soft">of {run.client}</span>}
      {linksOf(run).map(({ href: to, title }) => (
        <a key={to} href={to}>
          {title}
        </a>
      ))}
      <Action
        label="Cancel this run"
        question={`${count(unfinished, "task")} of it that ${unfinished === 1 ? "has" : "have"} not ended are cancelled, for everyone who waits for them. What is done stays.`}
        isDangerous
        isDisabled={run.status !== "open" && unfinished === 0}
        run={cancel}
      />
    </div>
  );
}

function Figures({ run, now }: { readonly run: PageRun; readonly now: number }) {
  const { done, total, of } = progressOf(run);
  const rated = run.status === "open" ? rates.value.get(run.run) : undefined;
  const { counts } = run;
  return (
    <div class="kpis run-figures">
      <Kpi
        label="Done"
        value={total > 0 ? percent(done / total) : UNKNOWN}
        note={`${number(done)} of ${count(total, of)}`}
      />
      <Kpi
        label="Time left"
        value={timeLeft(rated?.secondsLeft)}
        note={rated?.perSecond == null ? "no rate yet" : `at ${rate(rated.perSecond, `${of}s`)}`}
      />
      <Kpi
        label={run.status === "open" ? "Open for" : "Took"}
        value={duration(tookUs(run, now))}
        note={`since ${time(wallTime(run.startedAt))}`}
      />
      <Kpi
        label="Running"
        value={number(counts.running)}
        href={`${href("tasks")}?run=${run.run}&status=running`}
        note="tasks now"
      />
      <Kpi
        label="Failed"
        value={number(counts.failed)}
        tone={counts.failed > 0 ? "bad" : "neutral"}
        href={`${href("tasks")}?run=${run.run}&status=failed`}
        note={counts.cancelled > 0 ? `${number(counts.cancelled)} cancelled` : "tasks"}
      />
    </div>
  );
}

function Remarks({ run }: { readonly run: number }) {
  const remarks = details.value.items.flatMap(({ seq, at, run: of, entry }) =>
    of === run && entry.e === "remark" ? [{ seq, at, ...entry }] : [],
  );
  if (remarks.length === 0) return null;
  return (
    <Section title="Remarks">
      <dl class="facts">
        {remarks.slice(-50).flatMap(({ seq, at, trial, text }) => [
          <dt key={`${seq} at`} title={dateTime(wallTime(at))}>
            {time(wallTime(at))}
          </dt>,
          <dd key={seq}>{trial >= 0 ? `Candidate ${trial}: ${text}` : text}</dd>,
        ])}
      </dl>
    </Section>
  );
}

/** Nodes that the answer may have: with more tasks those of one function are together, which is what is asked for. */
const NODES = 500;
const FUNCTIONS_MS = 3000;

function Functions({ run: { run, status, counts } }: { readonly run: PageRun }) {
  const everyMs = status === "open" ? Math.max(FUNCTIONS_MS, againMs(counts.total)) : 0;
  const { value, error, reload } = useAnswer<PageGraph>(query("graph", { run, limit: NODES }), everyMs);
  if (value === null) return error === null ? <Loading /> : <ErrorNote error={error} onRetry={reload} />;
  return (
    <>
      {!value.isWhole && <p class="soft">Of {count(value.total, "task")} not all were looked at.</p>}
      <Table
        label="Progress per function"
        columns={columns}
        rows={functionTable(drawGraph(value, null))}
        rowKey={({ fn }) => fn}
        empty={<Empty>Its tasks are forgotten: nobody refers to their results any more.</Empty>}
      />
    </>
  );
}

const columns: readonly Column<FunctionCounts>[] = [
  {
    id: "fn",
    title: "Function",
    isName: true,
    cell: ({ fn }) => <FunctionName name={fn === "data" ? "" : fn} />,
    sort: ({ fn }) => fn,
  },
  {
    id: "progress",
    title: "Progress",
    cell: ({ fn, total, done, failed, cancelled }) => (
      <Progress
        value={done + failed + cancelled}
        max={total}
        label={`${fn}: ${done + failed + cancelled} of ${total}`}
      />
    ),
  },
  { id: "total", title: "Tasks", isNumeric: true, cell: ({ total }) => number(total), sort: ({ total }) => total },
  {
    id: "running",
    title: "Running",
    isNumeric: true,
    cell: ({ running }) => number(running),
    sort: ({ running }) => running,
  },
  { id: "done", title: "Done", isNumeric: true, cell: ({ done }) => number(done), sort: ({ done }) => done },
  {
    id: "failed",
    title: "Failed",
    isNumeric: true,
    cell: ({ failed }) => (failed > 0 ? number(failed) : UNKNOWN),
    sort: ({ failed }) => failed,
  },
];
