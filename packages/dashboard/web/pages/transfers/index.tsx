// What moved between workers, and how fast.

import type { PageTransfers } from "@taskflock/protocol/words";
import { useMemo } from "preact/hooks";
import { hasScheduler, points, schedulerNow, transfers } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Empty, Kpi, Loading, Section } from "../../ui/basics.tsx";
import { byteRate, bytes, count, duration, number } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { Ago, WorkerLink } from "../tasks/rows.tsx";
import { TransferMatrix } from "./matrix.tsx";
import "./transfers.css";
import { MATRIX_WORKERS, matrixOf, meanRate, rateNow, transferSentences } from "./transfers-model.ts";

type Pair = PageTransfers["pairs"][number];
type Recent = PageTransfers["recent"][number];

export function TransfersPage() {
  const known = transfers.value;
  const matrix = useMemo(() => (known === null ? null : matrixOf(known.pairs)), [known]);
  if (known === null || matrix === null) return <Loading what="transfers" />;
  const { pairs, recent } = known;
  return (
    <>
      <div class="transfer-notes">
        {transferSentences(known).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      <Figures known={known} />
      <Section title="From worker to worker">
        {matrix.names.length === 0 ? (
          <Empty>No worker has fetched anything from another.</Empty>
        ) : (
          <TransferMatrix matrix={matrix} />
        )}
        {matrix.folded > 0 && (
          <p class="soft">
            The {MATRIX_WORKERS} workers that moved most; {number(matrix.folded)} others are together.
          </p>
        )}
      </Section>
      <Section title="Pairs">
        <Table
          label="Bytes by pair of workers"
          columns={pairColumns}
          rows={pairs}
          rowKey={({ from, to }) => `${from}\n${to}`}
          initialOrder={{ column: "bytes", descending: true }}
          empty={<Empty>There is none.</Empty>}
        />
      </Section>
      <Section title="The last large ones">
        <Table
          label="The last large transfers, the newest first"
          columns={recentColumns}
          rows={recent}
          rowKey={({ endedAt, from, to, key }) => `${endedAt} ${from} ${to} ${key}`}
          empty={<Empty>No large result has moved. Small ones travel with the messages.</Empty>}
        />
      </Section>
    </>
  );
}

function Figures({ known }: { readonly known: PageTransfers }) {
  const fetches = known.pairs.reduce((sum, pair) => sum + pair.count, 0);
  const failures = known.pairs.reduce((sum, pair) => sum + pair.failures, 0);
  return (
    <div class="kpis">
      <Kpi label="Moved in all" value={bytes(known.totalBytes)} note={count(fetches, "fetch", "fetches")} />
      <Kpi
        label="Moving now"
        value={hasScheduler.value ? byteRate(rateNow(points.value)) : byteRate(null)}
        note="of the last 5 s"
      />
      <Kpi label="Pairs" value={number(known.pairs.length)} note="of workers" />
      <Kpi label="Failed" value={number(failures)} note="fetches" tone={failures > 0 ? "warning" : "neutral"} />
    </div>
  );
}

const pairColumns: readonly Column<Pair>[] = [
  { id: "from", title: "From", isName: true, cell: ({ from }) => <WorkerLink name={from} />, sort: ({ from }) => from },
  { id: "to", title: "To", cell: ({ to }) => <WorkerLink name={to} />, sort: ({ to }) => to },
  { id: "bytes", title: "Bytes", isNumeric: true, cell: (pair) => bytes(pair.bytes), sort: (pair) => pair.bytes },
  { id: "count", title: "Fetches", isNumeric: true, cell: (pair) => number(pair.count), sort: (pair) => pair.count },
  { id: "rate", title: "Mean rate", isNumeric: true, cell: (pair) => byteRate(meanRate(pair)), sort: meanRate },
  { id: "us", title: "Time", isNumeric: true, cell: ({ us }) => duration(us), sort: ({ us }) => us },
  {
    id: "failures",
    title: "Failed",
    isNumeric: true,
    cell: (pair) => number(pair.failures),
    sort: (pair) => pair.failures,
  },
];

const recentColumns: readonly Column<Recent>[] = [
  {
    id: "at",
    title: "When",
    cell: ({ endedAt }) => <Ago us={endedAt} now={schedulerNow()} />,
    sort: ({ endedAt }) => endedAt,
  },
  {
    id: "key",
    title: "Result of",
    isName: true,
    cell: ({ key }) =>
      key === "" ? (
        "a task that is gone"
      ) : (
        <a class="mono" href={href("tasks", key)}>
          {key}
        </a>
      ),
  },
  { id: "from", title: "From", cell: ({ from }) => <WorkerLink name={from} />, sort: ({ from }) => from },
  { id: "to", title: "To", cell: ({ to }) => <WorkerLink name={to} />, sort: ({ to }) => to },
  { id: "bytes", title: "Bytes", isNumeric: true, cell: (one) => bytes(one.bytes), sort: (one) => one.bytes },
  { id: "took", title: "Took", isNumeric: true, cell: ({ us }) => duration(us), sort: ({ us }) => us },
  { id: "rate", title: "Rate", isNumeric: true, cell: (one) => byteRate(meanRate(one)), sort: meanRate },
];
