// How far the runs are, and how long they will take.

import type { PageRun } from "@taskflock/protocol/words";
import { overview, rates } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Section } from "../../ui/basics.tsx";
import { duration, number, rate, seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { StackedBar } from "./stacked-bar.tsx";
import { progressOfRun, shownRuns } from "./status-model.ts";
import { useEvery } from "./use-every.ts";

const columns: readonly Column<PageRun>[] = [
  {
    id: "name",
    title: "Run",
    isName: true,
    cell: ({ run, name }) => <a href={href("runs", run)}>{name || `run ${run}`}</a>,
  },
  { id: "status", title: "Status", cell: ({ status }) => <Badge status={status} /> },
  {
    id: "bar",
    title: "Progress",
    isWide: true,
    cell: (run) => <StackedBar progress={progressOfRun(run)} label={run.name} />,
  },
  {
    id: "done",
    title: "Tasks",
    isNumeric: true,
    cell: ({ counts }) => `${number(counts.done + counts.failed + counts.cancelled)} of ${number(counts.total)}`,
  },
  {
    id: "steps",
    title: "Steps",
    isNumeric: true,
    cell: ({ steps, stepsDone }) => (steps > 0 ? `${number(stepsDone)} of ${number(steps)}` : ""),
  },
  { id: "rate", title: "Rate", isNumeric: true, cell: ({ run }) => rate(rates.value.get(run)?.perSecond) },
  { id: "left", title: "Time left", isNumeric: true, cell: (run) => <TimeLeft run={run} /> },
];

/** Of one that ended: how long it took. */
function TimeLeft({ run }: { readonly run: PageRun }) {
  if (run.endedAt !== null) return <span class="soft">took {duration(run.endedAt - run.startedAt)}</span>;
  const left = rates.value.get(run.run)?.secondsLeft;
  return <>{run.status === "open" && left !== 0 ? seconds(left) : ""}</>;
}

export function RunsSection() {
  const now = useEvery(overview, 500);
  const runs = shownRuns(now?.runs ?? []);
  const all = now?.runCount ?? 0;
  return (
    <Section title="Runs" tools={all > runs.length && <a href={href("runs")}>all {number(all)}</a>}>
      <Table
        label="Runs and how far they are"
        columns={columns}
        rows={runs}
        rowKey={({ run }) => run}
        empty={<Empty>No run yet.</Empty>}
      />
    </Section>
  );
}
