// Which trainings are laid over each other: trials of this run, and other runs.

import type { PageRun } from "@taskflock/protocol/words";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Training, trainings } from "../../../server/details/training-table.ts";
import { overview } from "../../feed/store.ts";
import { useDetails } from "../searches/use-details.ts";
import { trainingRuns } from "./runs.ts";
import { firstTrials, MOST_SHOWN, type Shown } from "./training-model.ts";

export interface ChooserProps {
  readonly run: number;
  readonly trainings: readonly Training[];
  readonly trials: readonly number[];
  readonly onTrials: (trials: readonly number[]) => void;
  readonly onOthers: (others: readonly Shown[]) => void;
}

/** Trials that can be chosen one by one. */
const MOST_TRIALS = 100;

export function Chooser({ run, trainings: own, trials, onTrials, onOthers }: ChooserProps) {
  const [runs, setRuns] = useState<readonly number[]>([]);
  const [found, setFound] = useState<ReadonlyMap<number, readonly Shown[]>>(new Map());
  const others = trainingRuns(overview.value?.runs ?? []).filter((one) => one.run !== run);
  useEffect(() => onOthers(runs.flatMap((one) => found.get(one) ?? [])), [runs, found]);
  if (own.length < 2 && others.length === 0) return null;
  const toggle = <T,>(list: readonly T[], one: T): T[] =>
    list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
  return (
    <details class="chooser" open={own.length > 1}>
      <summary>Compare</summary>
      {own.length > 1 && (
        <fieldset>
          <legend>Trials, the best {MOST_SHOWN} of which can be shown at once</legend>
          {own.slice(0, MOST_TRIALS).map(({ trial }) => (
            <Check key={trial} isOn={trials.includes(trial)} onToggle={() => onTrials(toggle(trials, trial))}>
              trial {trial}
            </Check>
          ))}
        </fieldset>
      )}
      {others.length > 0 && (
        <fieldset>
          <legend>Other runs</legend>
          {others.map((one) => (
            <Check key={one.run} isOn={runs.includes(one.run)} onToggle={() => setRuns(toggle(runs, one.run))}>
              {one.name} ({one.run})
            </Check>
          ))}
        </fieldset>
      )}
      {runs.map((one) => (
        <OtherRun
          key={one}
          run={others.find((other) => other.run === one)}
          onFound={(shown) => setFound((old) => new Map([...old, [one, shown]]))}
        />
      ))}
    </details>
  );
}

function Check(props: {
  readonly isOn: boolean;
  readonly onToggle: () => void;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.isOn} onChange={props.onToggle} /> {props.children}
    </label>
  );
}

/** Reads another run's curves; shows nothing itself. */
function OtherRun(props: { readonly run: PageRun | undefined; readonly onFound: (shown: readonly Shown[]) => void }) {
  const run = props.run?.run ?? -1;
  const name = `${props.run?.name ?? "run"} (${run})`;
  const { items } = useDetails(run);
  const all = useMemo(() => trainings(items), [items]);
  useEffect(() => {
    const best = firstTrials(all, "valLoss", 1);
    const chosen = all.length === 1 ? all : all.filter(({ trial }) => best.includes(trial));
    props.onFound(chosen.map((training) => ({ run, name, training })));
  }, [all, name]);
  return null;
}
