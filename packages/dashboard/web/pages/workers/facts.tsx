// What a worker is: what does not change while it lives.

import { type GoneWorker, type PageWorker, RESOURCE_UNIT } from "@taskflock/protocol/words";
import { wallTime } from "../../feed/store.ts";
import { Section } from "../../ui/basics.tsx";
import { ago, bytes, count, dateTime, number } from "../../ui/format.ts";

export function Facts({ worker, gone }: { readonly worker: PageWorker | null; readonly gone: readonly GoneWorker[] }) {
  const shown = worker ?? gone[0];
  if (shown === undefined) return null;
  const { address, pid, slots, memoryLimitBytes, resources, joinedAt, metrics } = shown;
  const before = worker === null ? gone.slice(1) : gone;
  return (
    <Section title="Facts">
      <dl class="facts">
        <dt>Address</dt>
        <dd>{address}</dd>
        <dt>Process</dt>
        <dd>
          {pid}
          {worker?.hasNanny === true && ", with a nanny that starts it again"}
        </dd>
        <dt>Slots</dt>
        <dd>{number(slots)}</dd>
        <dt>Memory limit</dt>
        <dd>{memoryLimitBytes > 0 ? bytes(memoryLimitBytes) : "none"}</dd>
        <dt>Resources</dt>
        <dd>{resourceWords(resources)}</dd>
        <dt>Joined</dt>
        <dd>{dateTime(wallTime(joinedAt))}</dd>
        {metrics?.gpus.map(({ device, name, memoryUsedBytes, memoryTotalBytes }) => [
          <dt key={`${device} name`}>GPU {device}</dt>,
          <dd key={device}>
            {name}, {bytes(memoryUsedBytes)} of {bytes(memoryTotalBytes)}
          </dd>,
        ])}
        {worker?.tensors.map(({ where, backend, versions, device }) => [
          <dt key={`${where} name`}>Tensors in a {where}</dt>,
          <dd key={where}>
            {backend} ({versions.join(", ")}){device !== null && ` on ${device}`}
          </dd>,
        ])}
        {before.length > 0 && <dt>Before</dt>}
        {before.length > 0 && (
          <dd>
            {count(before.length, "worker")} of this name went, the last one{" "}
            {ago(wallTime(before[0]!.goneAt), Date.now())}: {before[0]!.how || "as planned"}
          </dd>
        )}
      </dl>
    </Section>
  );
}

function resourceWords(resources: Readonly<Record<string, number>>): string {
  const parts = Object.entries(resources).map(([name, amount]) => `${name} ${amount / RESOURCE_UNIT}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
