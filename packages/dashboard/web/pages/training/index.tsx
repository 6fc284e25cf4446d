// Trainings of all clients: how far each is, and whether it over-fits. And one, laid over others.

import type { PageRun } from "@taskflock/protocol/words";
import { type Training, trainings } from "../../../server/details/training-table.ts";
import { details, overview, wallTime } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty } from "../../ui/basics.tsx";
import { dateTime, time } from "../../ui/format.ts";
import { type Column, Table } from "../../ui/table.tsx";
import { figure } from "../searches/leader.ts";
import { useCalm } from "../searches/use-calm.ts";
import { fitVerdict } from "./overfit.ts";
import { trainingRuns } from "./runs.ts";
import { epochText, lastValue } from "./training-model.ts";

export { TrainingPage } from "./training.tsx";

interface Line {
  readonly run: PageRun;
  readonly trainings: readonly Training[];
}

export function TrainingsPage() {
  const items = useCalm(details.value.items);
  const lines = trainingRuns(overview.value?.runs ?? []).map((run): Line => {
    return { run, trainings: trainings(items.filter((item) => item.run === run.run)) };
  });
  return (
    <Table
      label="Trainings"
      columns={columns}
      rows={lines}
      rowKey={({ run }) => run.run}
      empty={
        <Empty>
          No training has run lately. <code>client.train</code> and searches over trainings appear here as soon as they
          begin.
        </Empty>
      }
    />
  );
}

function only({ trainings }: Line): Training | null {
  return trainings.length === 1 ? (trainings[0] ?? null) : null;
}

function howFar(line: Line): string {
  const training = only(line);
  if (training !== null) return epochText(training);
  return line.trainings.length === 0 ? "" : `${line.trainings.length} trials`;
}

const figureColumn = (id: string, title: string, name: string): Column<Line> => ({
  id,
  title,
  isNumeric: true,
  sort: (line) => {
    const training = only(line);
    return training === null ? null : lastValue(training, name);
  },
  cell: (line) => {
    const training = only(line);
    return training === null ? "" : figure(lastValue(training, name));
  },
});

const columns: readonly Column<Line>[] = [
  {
    id: "name",
    title: "Training",
    isName: true,
    sort: ({ run }) => run.name,
    cell: ({ run }) => <a href={href("training", run.run)}>{run.name === "" ? `run ${run.run}` : run.name}</a>,
  },
  { id: "status", title: "Status", sort: ({ run }) => run.status, cell: ({ run }) => <Badge status={run.status} /> },
  { id: "epoch", title: "Progress", cell: howFar },
  figureColumn("loss", "Loss", "loss"),
  figureColumn("valLoss", "Validation loss", "valLoss"),
  {
    id: "fit",
    title: "Does it over-fit?",
    isWide: true,
    cell: (line) => {
      const training = only(line);
      const sentence = training === null ? "" : fitVerdict(training.history).sentence;
      return <span title={sentence}>{sentence}</span>;
    },
  },
  { id: "client", title: "Client", sort: ({ run }) => run.client, cell: ({ run }) => run.client },
  {
    id: "started",
    title: "Began",
    isNumeric: true,
    sort: ({ run }) => run.startedAt,
    cell: ({ run }) => {
      const at = wallTime(run.startedAt);
      return <time title={dateTime(at)}>{time(at)}</time>;
    },
  },
];
