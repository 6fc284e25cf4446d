// Memory and expected work per worker: each one, or, of very many, how they are spread and the worst.

import { useMemo } from "preact/hooks";
import { workers } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, Section } from "../../ui/basics.tsx";
import { bytes, count, number, percent, seconds } from "../../ui/format.ts";
import { Histogram } from "./histogram.tsx";
import {
  histogram,
  type MemoryRow,
  memoryRows,
  NAMED_WORKERS,
  type OccupancyRow,
  occupancyRows,
} from "./status-model.ts";
import { useEvery } from "./use-every.ts";

const BINS = 10;

export function MemorySection() {
  const all = useEvery(workers, 1000);
  const rows = useMemo(() => memoryRows(all.values()), [all]);
  const isMany = rows.length > NAMED_WORKERS;
  const bins = isMany
    ? histogram(
        rows.map(({ fill }) => fill),
        1,
        BINS,
      )
    : [];
  return (
    <Section title="Memory per worker" tools={<span class="soft">the fullest first</span>}>
      {rows.length === 0 && <Empty>No worker is there.</Empty>}
      {isMany && (
        <Histogram
          bins={bins}
          label="Workers by how full their memory is"
          binText={({ from, to }) => `${percent(from)} to ${percent(to)} of the limit`}
        />
      )}
      <ul class="bar-rows" aria-label="Memory per worker">
        {rows.slice(0, NAMED_WORKERS).map((row) => (
          <MemoryBar key={row.worker} row={row} />
        ))}
      </ul>
      {isMany && (
        <p class="soft">
          The fullest {NAMED_WORKERS} of {count(rows.length, "worker")}.
        </p>
      )}
    </Section>
  );
}

function MemoryBar({ row }: { readonly row: MemoryRow }) {
  const { name, status, rssBytes, limitBytes, storedBytes, spilledBytes, fill } = row;
  const stored = limitBytes > 0 ? Math.min(fill, storedBytes / limitBytes) : 0;
  const tone = status === "paused" || fill > 0.95 ? "bad" : fill > 0.8 ? "warning" : "";
  return (
    <li>
      <a href={href("workers", name)}>{name}</a>
      <span class="level" aria-hidden="true">
        <span class={`level-fill ${tone}`} style={{ width: `${Math.min(1, fill) * 100}%` }} />
        <span class="level-inner" style={{ width: `${Math.min(1, stored) * 100}%` }} />
      </span>
      <span class="bar-figure">
        {bytes(rssBytes)}
        {limitBytes > 0 && ` of ${bytes(limitBytes)}`}, results {bytes(storedBytes)}
        {spilledBytes > 0 && `, spilled ${bytes(spilledBytes)}`} {status !== "running" && <Badge status={status} />}
      </span>
    </li>
  );
}

export function OccupancySection() {
  const all = useEvery(workers, 1000);
  const rows = useMemo(() => occupancyRows(all.values()), [all]);
  const most = Math.max(1e-6, rows[0]?.seconds ?? 0);
  const isMany = rows.length > NAMED_WORKERS;
  return (
    <Section title="Occupancy" tools={<span class="soft">expected work per slot</span>}>
      {rows.length === 0 && <Empty>No worker is there.</Empty>}
      {isMany && (
        <Histogram
          bins={histogram(
            rows.map((row) => row.seconds),
            most,
            BINS,
          )}
          label="Workers by the work that they have been given"
          binText={({ from, to }) => `${seconds(from)} to ${seconds(to)}`}
        />
      )}
      <ul class="bar-rows" aria-label="Expected work per worker">
        {rows.slice(0, NAMED_WORKERS).map((row) => (
          <OccupancyBar key={row.worker} row={row} most={most} />
        ))}
      </ul>
      {isMany && (
        <p class="soft">
          Those with the most work, {NAMED_WORKERS} of {count(rows.length, "worker")}.
        </p>
      )}
    </Section>
  );
}

function OccupancyBar({ row, most }: { readonly row: OccupancyRow; readonly most: number }) {
  const { name, assigned, running, slots } = row;
  return (
    <li>
      <a href={href("workers", name)}>{name}</a>
      <span class="level" aria-hidden="true">
        <span class="level-fill" style={{ width: `${(row.seconds / most) * 100}%` }} />
      </span>
      <span class="bar-figure">
        {row.seconds > 0 ? seconds(row.seconds) : "nothing"}: {number(assigned)} given,{" "}
        {number(Math.min(running, slots))} of {count(slots, "slot")} busy
      </span>
    </li>
  );
}
