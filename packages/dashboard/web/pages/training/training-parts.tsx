// Checkpoints and remarks of trainings.

import type { Training, TrainingCheckpoint } from "../../../server/details/training-table.ts";
import { wallTime } from "../../feed/store.ts";
import { Empty, Section } from "../../ui/basics.tsx";
import { bytes, number, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";

/** The newest are those that one goes on from. */
const SHOWN = 10;

type CheckpointLine = TrainingCheckpoint & { readonly trial: number };

export function Checkpoints({ trainings }: { readonly trainings: readonly Training[] }) {
  const lines = trainings.flatMap(({ trial, checkpoints }) => checkpoints.map((one) => ({ ...one, trial })));
  lines.sort((a, b) => b.at - a.at);
  const more = lines.length - SHOWN;
  return (
    <Section title={more > 0 ? `Checkpoints, the last ${SHOWN} of ${lines.length}` : "Checkpoints"}>
      <Table
        label="Checkpoints"
        columns={trainings.length > 1 ? [trialColumn, ...columns] : columns}
        rows={lines.slice(0, SHOWN)}
        rowKey={({ trial, epoch, at }) => `${trial}/${epoch}/${at}`}
        empty={<Empty>None yet.</Empty>}
      />
    </Section>
  );
}

const trialColumn: Column<CheckpointLine> = {
  id: "trial",
  title: "Trial",
  isNumeric: true,
  sort: ({ trial }) => trial,
  cell: ({ trial }) => trial,
};

const columns: readonly Column<CheckpointLine>[] = [
  { id: "epoch", title: "Epoch", isNumeric: true, sort: ({ epoch }) => epoch, cell: ({ epoch }) => number(epoch) },
  {
    id: "size",
    title: "Size",
    isNumeric: true,
    sort: (line) => line.bytes,
    cell: (line) => (line.bytes > 0 ? bytes(line.bytes) : "–"),
  },
  { id: "at", title: "Written", isNumeric: true, sort: ({ at }) => at, cell: ({ at }) => time(wallTime(at)) },
  { id: "where", title: "Where", isWide: true, cell: ({ where }) => <span title={where}>{where}</span> },
];

export function Remarks({ trainings }: { readonly trainings: readonly Training[] }) {
  const lines = trainings.flatMap(({ trial, remarks }) => remarks.map((remark) => ({ ...remark, trial })));
  lines.sort((a, b) => a.at - b.at);
  return (
    <Section title="What happened">
      {lines.length === 0 ? (
        <Empty>Nothing to remark.</Empty>
      ) : (
        <ol class="remarks">
          {lines.map(({ at, trial, text }) => (
            <li key={`${at}/${trial}/${text}`}>
              <time class="soft">{time(wallTime(at))}</time>{" "}
              {trial >= 0 && trainings.length > 1 ? `trial ${trial}: ` : ""}
              {text}
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}
