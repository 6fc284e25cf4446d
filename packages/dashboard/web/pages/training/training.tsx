// One training: whether it over-fits, its curves by epoch, checkpoints and remarks; other runs, or the trials of a search, laid over it.

import { useMemo, useState } from "preact/hooks";
import { type Training, trainingCsv, trainings } from "../../../server/details/training-table.ts";
import { overview } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Empty, ErrorNote, Kpi, Loading } from "../../ui/basics.tsx";
import { download } from "../../ui/download.ts";
import { count, digits, number, seconds, short } from "../../ui/format.ts";
import type { PageProps } from "../index.ts";
import { figure } from "../searches/leader.ts";
import { useDetails } from "../searches/use-details.ts";
import { Chooser } from "./chooser.tsx";
import { TrainingCharts } from "./curves.tsx";
import { fitVerdict } from "./overfit.ts";
import { epochText, figureName, firstTrials, lastValue, MOST_SHOWN, type Shown } from "./training-model.ts";
import { Checkpoints, Remarks } from "./training-parts.tsx";
import "../searches/lead.css";
import "./training.css";

export function TrainingPage({ params }: PageProps) {
  const run = Number(params["run"]);
  const own = useDetails(run);
  const all = useMemo(() => trainings(own.items), [own.items]);
  const [others, setOthers] = useState<readonly Shown[]>([]);
  const [wanted, setWanted] = useState<readonly number[] | null>(null);
  if (all.length === 0) {
    if (own.isLoading) return <Loading what="the training" />;
    if (own.error !== null) return <ErrorNote error={own.error} onRetry={own.reload} />;
    return (
      <Empty>
        Run {run} tells of no training, or what it told is forgotten. See <a href={href("runs", run)}>its tasks</a>, or{" "}
        <a href={href("training")}>all trainings</a>.
      </Empty>
    );
  }
  const trials = wanted ?? firstTrials(all, all.some(({ names }) => names.includes("valLoss")) ? "valLoss" : "loss", 6);
  const shown = [...ownShown(run, all, trials), ...others].slice(0, MOST_SHOWN);
  const single = all.length === 1 ? all[0] : undefined;
  return (
    <>
      {shown.map((one) => (
        <Verdict key={`${one.run}/${one.training.trial}`} one={one} isOnly={shown.length === 1} />
      ))}
      {single === undefined ? <TrialsHead run={run} all={all} /> : <Head training={single} />}
      <Chooser run={run} trainings={all} trials={trials} onTrials={setWanted} onOthers={setOthers} />
      <TrainingCharts shown={shown} tools={<Csv run={run} all={all} />} />
      <div class="columns">
        <Checkpoints trainings={all} />
        <Remarks trainings={all} />
      </div>
    </>
  );
}

function ownShown(run: number, all: readonly Training[], trials: readonly number[]): Shown[] {
  const name = overview.value?.runs.find((one) => one.run === run)?.name ?? `run ${run}`;
  if (all.length === 1) return all.map((training) => ({ run, name, training }));
  const chosen = all.filter(({ trial }) => trials.includes(trial));
  return chosen.map((training) => ({ run, name: `trial ${training.trial}`, training }));
}

function Verdict({ one, isOnly }: { readonly one: Shown; readonly isOnly: boolean }) {
  const { fit, sentence } = fitVerdict(one.training.history);
  const isBad = fit === "over-fits" || fit === "diverges" || fit === "diverged";
  return (
    <p class={isBad ? "lead verdict bad" : "lead verdict"}>
      {!isOnly && <strong>{one.name}: </strong>}
      {sentence}
    </p>
  );
}

function Head({ training }: { readonly training: Training }) {
  const last = training.history.at(-1);
  const { bestEpoch } = training;
  const isOver = training.epochs > 0 && (last?.epoch ?? 0) >= training.epochs;
  return (
    <div class="kpis">
      <Kpi
        label="Epoch"
        value={epochText(training).replace("epoch ", "")}
        note={isOver ? "" : training.secondsLeft === null ? "" : `${seconds(training.secondsLeft)} left`}
      />
      {training.names.map((name) => (
        <Kpi
          key={name}
          label={figureName(name)}
          value={figure(lastValue(training, name))}
          note={bestEpoch === null ? "" : `${figure(bestValue(training, name))} in epoch ${bestEpoch}`}
        />
      ))}
      <Kpi
        label="Learning rate"
        value={last?.learningRate == null ? "–" : digits(last.learningRate)}
        note={last === undefined ? "" : `step ${number(last.step)}`}
      />
      <Kpi label="Time per epoch" value={seconds(last?.seconds)} note={count(training.workers, "worker")} />
      <Kpi
        label={training.model === "" ? "Model" : training.model}
        value={short(training.parameters)}
        note={`weights, ${count(training.samples, "sample")}`}
      />
    </div>
  );
}

function bestValue({ history, bestEpoch }: Training, name: string): number | null {
  return history.find(({ epoch }) => epoch === bestEpoch)?.values[name] ?? null;
}

function TrialsHead({ run, all }: { readonly run: number; readonly all: readonly Training[] }) {
  const epochs = all.reduce((sum, { history }) => sum + history.length, 0);
  return (
    <div class="kpis">
      <Kpi label="Trials" value={number(all.length)} note={count(epochs, "epoch")} />
      <Kpi label="Search" value="Leaderboard" note="who leads" href={href("searches", run)} />
    </div>
  );
}

function Csv({ run, all }: { readonly run: number; readonly all: readonly Training[] }) {
  return (
    <button type="button" onClick={() => download(`training-${run}.csv`, trainingCsv(all), "text/csv")}>
      CSV
    </button>
  );
}
