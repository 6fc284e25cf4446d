// All workers, and those that went.

import "../status/level.css";
import "./workers.css";
import type { GoneWorker, PageGone } from "@taskflock/protocol/words";
import { useMemo, useState } from "preact/hooks";
import { mayAct } from "../../feed/session.ts";
import { overview, wallTime, workers } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import type { WorkerRow } from "../../feed/worker-rows.ts";
import { queryValue, setQuery } from "../../frame/router.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Loading, Section } from "../../ui/basics.tsx";
import { ago, bytes, count, dateTime, number, seconds } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { NoWorker } from "../status/no-worker.tsx";
import { useEvery } from "../status/use-every.ts";
import { WorkerActions } from "./actions.tsx";
import { MemoryCell } from "./memory-cell.tsx";
import { busyOf, departureWords, fillOf, foundWorkers, heartbeatWords, statusOrder } from "./workers-model.ts";

const columns: readonly Column<WorkerRow>[] = [
  {
    id: "name",
    title: "Worker",
    isName: true,
    sort: ({ name }) => name,
    cell: ({ name }) => <a href={href("workers", name)}>{name}</a>,
  },
  { id: "status", title: "Status", sort: statusOrder, cell: ({ status }) => <Badge status={status} /> },
  {
    id: "busy",
    title: "Busy slots",
    isNumeric: true,
    sort: (worker) => busyOf(worker) / Math.max(1, worker.slots),
    cell: (worker) => `${number(busyOf(worker))} of ${number(worker.slots)}`,
  },
  {
    id: "cpu",
    title: "CPU",
    isNumeric: true,
    sort: ({ cpuPercent }) => cpuPercent,
    cell: ({ cpuPercent }) => percentOfCore(cpuPercent),
  },
  {
    id: "memory",
    title: "Memory",
    isNumeric: true,
    sort: (worker) => fillOf(worker) ?? worker.rssBytes,
    cell: (worker) => <MemoryCell worker={worker} />,
  },
  { id: "stored", title: "Results", isNumeric: true, sort: (w) => w.storedBytes, cell: (w) => bytes(w.storedBytes) },
  { id: "spilled", title: "Spilled", isNumeric: true, sort: (w) => w.spilledBytes, cell: (w) => bytes(w.spilledBytes) },
  { id: "gpu", title: "GPU", isNumeric: true, sort: (w) => w.gpuPercent, cell: (w) => percentOfCore(w.gpuPercent) },
  {
    id: "delay",
    title: "Loop delay",
    isNumeric: true,
    sort: ({ eventLoopDelayMs }) => eventLoopDelayMs,
    cell: ({ eventLoopDelayMs }) => seconds(eventLoopDelayMs === null ? null : eventLoopDelayMs / 1000),
  },
  { id: "finished", title: "Finished", isNumeric: true, sort: (w) => w.finished, cell: (w) => number(w.finished) },
  {
    id: "silent",
    title: "Heartbeat",
    isNumeric: true,
    sort: ({ silentUs }) => silentUs,
    cell: ({ silentUs }) => heartbeatWords(silentUs),
  },
];

function percentOfCore(value: number | null): string {
  return value === null ? "–" : `${Math.round(value)} %`;
}

export function WorkersPage() {
  if (overview.value === null) return <Loading what="workers" />;
  return (
    <>
      <Live />
      <Gone />
    </>
  );
}

function Live() {
  const all = useEvery(workers, 1000);
  const text = queryValue("filter");
  const rows = useMemo(() => foundWorkers(all.values(), text), [all, text]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const hasGpus = rows.some(({ gpuPercent }) => gpuPercent !== null);
  const shown = useMemo(() => {
    const useful = hasGpus ? columns : columns.filter(({ id }) => id !== "gpu");
    return mayAct.value ? [chooser(chosen, setChosen), ...useful] : useful;
  }, [chosen, mayAct.value, hasGpus]);
  const names = [...all.values()].map(({ name }) => name).filter((name) => chosen.has(name));
  const expected = overview.value?.workers;
  const isComing = all.size === 0 && expected !== undefined && expected.running + expected.paused > 0;
  if (isComing) return <Loading what="workers" />;
  if (all.size === 0) return <NoWorker />;
  return (
    <>
      <div class="tools">
        <label>
          Filter
          <input
            type="search"
            placeholder="name, address or status"
            value={text}
            onInput={({ currentTarget }) => setQuery({ filter: currentTarget.value })}
          />
        </label>
        <span class="soft">
          {rows.length === all.size
            ? count(all.size, "worker")
            : `${number(rows.length)} of ${count(all.size, "worker")}`}
        </span>
        <WorkerActions names={names} />
      </div>
      <Table
        label="Workers"
        columns={shown}
        rows={rows}
        rowKey={({ worker }) => worker}
        initialOrder={{ column: "name", descending: false }}
        isMarked={({ name }) => chosen.has(name)}
        empty={<Empty>No worker has “{text}” in its name, address or status.</Empty>}
      />
    </>
  );
}

function chooser(chosen: ReadonlySet<string>, choose: (names: ReadonlySet<string>) => void): Column<WorkerRow> {
  return {
    id: "chosen",
    title: "Chosen",
    cell: ({ name }) => (
      <input
        type="checkbox"
        aria-label={`Choose ${name}`}
        checked={chosen.has(name)}
        onChange={() => {
          const next = new Set(chosen);
          if (!next.delete(name)) next.add(name);
          choose(next);
        }}
      />
    ),
  };
}

const goneColumns: readonly Column<GoneWorker>[] = [
  { id: "name", title: "Worker", isName: true, cell: ({ name }) => <a href={href("workers", name)}>{name}</a> },
  {
    id: "when",
    title: "When",
    sort: ({ goneAt }) => goneAt,
    cell: ({ goneAt }) => <span title={dateTime(wallTime(goneAt))}>{ago(wallTime(goneAt), Date.now())}</span>,
  },
  {
    id: "kind",
    title: "Went",
    cell: ({ planned }) => <Badge status={planned ? "left" : "lost"} tone={planned ? "neutral" : "bad"} />,
  },
  { id: "how", title: "How", isWide: true, cell: (gone) => departureWords(gone) },
  { id: "finished", title: "Finished", isNumeric: true, cell: ({ finished }) => number(finished) },
];

function Gone() {
  const { value } = useAnswer<PageGone>("gone-workers?limit=50", 3000);
  const items = value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Section title="Workers that went">
      <Table label="Workers that went" columns={goneColumns} rows={items} rowKey={({ worker }) => worker} />
    </Section>
  );
}
