// System: is the cluster well, what runs where, and what the scheduler's process takes.

import type { ClusterInfo, PageOverview } from "@taskflock/protocol/words";
import { useMemo } from "preact/hooks";
import { session } from "../../feed/session.ts";
import { connection, hasScheduler, model, overview, schedulerNow, workers } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import { Badge, Empty, ErrorNote, Loading, Section } from "../../ui/basics.tsx";
import { ago, bytes, count, dateTime, number } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { Facts } from "./facts.tsx";
import { SchedulerProcess } from "./scheduler-process.tsx";
import { SignOut } from "./sign-out.tsx";
import { type BackendRow, backendsOf, type ClientRow, clientsOf, findings } from "./system-model.ts";
import "./system.css";

export function SystemPage() {
  const known = overview.value;
  if (known === null) return <Loading what="the system's facts" />;
  return (
    <>
      <Health overview={known} />
      <div class="columns">
        <SchedulerFacts overview={known} />
        <SchedulerProcess />
        <LinkFacts />
        <MoreFacts overview={known} />
      </div>
      <Clients overview={known} />
      <Backends />
    </>
  );
}

function Health({ overview }: { readonly overview: PageOverview }) {
  const found = findings(overview, [...workers.value.values()]);
  return (
    <Section title="Health">
      <ul class="findings">
        {found.map(({ tone, what, advice }) => (
          <li key={what}>
            <Badge status={tone === "good" ? "ok" : tone === "warning" ? "look" : "wrong"} tone={tone} />
            <span>
              {what} {advice !== "" && <span class="soft">{advice}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function SchedulerFacts({ overview: { scheduler, sessions, datasets, functionCount, runCount } }: Props) {
  const serverNow = model.value.now / 1000 + model.value.offsetMs;
  return (
    <Section title="Scheduler">
      <Facts
        facts={[
          ["Version", scheduler.version],
          ["Id", <code>{scheduler.id}</code>],
          ["Process", String(scheduler.pid)],
          ["Started", `${dateTime(scheduler.startedAtMs)} (${ago(scheduler.startedAtMs, serverNow)})`],
          ["Clients", number(sessions)],
          ["Runs", number(runCount)],
          ["Functions", number(functionCount)],
          ["Published data sets", number(datasets)],
        ]}
      />
    </Section>
  );
}

interface Props {
  readonly overview: PageOverview;
}

function LinkFacts() {
  const { seq, offsetMs } = model.value;
  const link = connection.value.is === "open" ? "connected" : "lost";
  const skew = Math.round((Date.now() - offsetMs - schedulerNow() / 1000) / 1000);
  return (
    <Section title="This page">
      <Facts
        facts={[
          ["Page to dashboard", <Badge status={link} tone={link === "lost" ? "bad" : "good"} />],
          [
            "Dashboard to scheduler",
            hasScheduler.value ? <Badge status="connected" tone="good" /> : <Badge status="lost" tone="bad" />,
          ],
          ["Messages of the feed", number(seq)],
          [
            "Your clock",
            Math.abs(skew) < 3
              ? "agrees with the server's"
              : `${count(Math.abs(skew), "second")} ${skew > 0 ? "ahead of" : "behind"} the server's`,
          ],
          ["You", session.value === null ? "not known" : nameOf(session.value)],
          ["Your time zone", Intl.DateTimeFormat().resolvedOptions().timeZone],
        ]}
      />
      {session.value?.signedIn === true && <SignOut />}
    </Section>
  );
}

function MoreFacts({ overview: { tasks, ended, transitions, storedBytes, spilledBytes } }: Props) {
  const unfinished = tasks.waiting + tasks.queued + tasks.assigned + tasks.running;
  return (
    <Section title="Since its start">
      <Facts
        facts={[
          ["Tasks that ended", number(ended)],
          ["Tasks that it knows", number(Object.values(tasks).reduce((sum, one) => sum + one, 0))],
          ["Of these unfinished", number(unfinished)],
          ["Transitions", number(transitions)],
          ["Results held by workers", bytes(storedBytes)],
          ["Of these in files", bytes(spilledBytes)],
        ]}
      />
      <p class="soft more">
        Machines read <a href="/metrics">/metrics</a> (Prometheus) and <a href="/api/v1/docs">the HTTP API</a>.
      </p>
    </Section>
  );
}

const clientColumns: readonly Column<ClientRow>[] = [
  {
    id: "client",
    title: "Client",
    cell: ({ client }) => client,
    sort: ({ client }) => client,
    isName: true,
    isWide: true,
  },
  {
    id: "open",
    title: "Open runs",
    cell: ({ openRuns }) => number(openRuns),
    sort: ({ openRuns }) => openRuns,
    isNumeric: true,
  },
  { id: "runs", title: "Runs", cell: ({ runs }) => number(runs), sort: ({ runs }) => runs, isNumeric: true },
  { id: "tasks", title: "Tasks", cell: ({ tasks }) => number(tasks), sort: ({ tasks }) => tasks, isNumeric: true },
  {
    id: "left",
    title: "Unfinished",
    cell: (row) => number(row.unfinished),
    sort: (row) => row.unfinished,
    isNumeric: true,
  },
  {
    id: "failed",
    title: "Failed",
    cell: ({ failed }) => number(failed),
    sort: ({ failed }) => failed,
    isNumeric: true,
  },
];

function Clients({ overview: { runs } }: Props) {
  const rows = useMemo(() => clientsOf(runs), [runs]);
  return (
    <Section title="Clients">
      <Table
        label="Clients"
        columns={clientColumns}
        rows={rows}
        rowKey={({ client }) => client}
        initialOrder={{ column: "left", descending: true }}
        empty={<Empty>No client has submitted anything yet.</Empty>}
      />
    </Section>
  );
}

const backendColumns: readonly Column<BackendRow>[] = [
  { id: "backend", title: "Backend", cell: ({ backend }) => backend, sort: ({ backend }) => backend, isName: true },
  { id: "where", title: "In", cell: ({ where }) => where, sort: ({ where }) => where },
  { id: "device", title: "Computes on", cell: ({ device }) => device, sort: ({ device }) => device },
  { id: "versions", title: "Versions", cell: ({ versions }) => versions },
  { id: "workers", title: "Workers", cell: (row) => row.workers.join(", "), isWide: true },
  {
    id: "passed",
    title: "Passed over",
    cell: ({ passedOver }) => <span title={passedOver}>{passedOver}</span>,
    isWide: true,
  },
];

function Backends() {
  const { value, error, isLoading, reload } = useAnswer<ClusterInfo>("cluster", 30_000);
  const rows = useMemo(() => backendsOf(value?.workers ?? []), [value]);
  return (
    <Section title="TensorFlow.js">
      {error !== null && <ErrorNote error={error} onRetry={reload} />}
      {isLoading ? (
        <Loading />
      ) : (
        <Table
          label="TensorFlow.js backends"
          columns={backendColumns}
          rows={rows}
          rowKey={({ id }) => id}
          empty={<Empty>No task has loaded TensorFlow.js on a worker yet.</Empty>}
        />
      )}
    </Section>
  );
}

function nameOf({ user, role }: { readonly user: string; readonly role: string }): string {
  return user === "" ? `${role} (the cluster's token)` : `${user} (${role})`;
}
