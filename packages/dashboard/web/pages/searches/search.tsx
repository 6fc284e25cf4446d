// One search: who leads, the leaderboard, and its parameters in pictures; all of it fills in while the search runs.

import { useMemo, useState } from "preact/hooks";
import { searchCsv } from "../../../server/details/search-csv.ts";
import { type DetailItem, type SearchTable, searchTable } from "../../../server/details/search-table.ts";
import { overview, rates } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Badge, Empty, ErrorNote, Kpi, Loading, Section } from "../../ui/basics.tsx";
import { download } from "../../ui/download.ts";
import { count, number, seconds } from "../../ui/format.ts";
import type { PageProps } from "../index.ts";
import { HeatMapView } from "./heat-map-view.tsx";
import { figure, leaderSentence } from "./leader.ts";
import { Leaderboard } from "./leaderboard.tsx";
import { ParallelView } from "./parallel-view.tsx";
import "./lead.css";
import "./searches.css";
import { BestSoFarView, CandidateTimes, FoldErrors, RoundsView } from "./search-parts.tsx";
import { foldErrors, progressSentence, rounds, varied } from "./searches-model.ts";
import { useDetails } from "./use-details.ts";

export function SearchPage({ params }: PageProps) {
  const run = Number(params["run"]);
  const { items, isLoading, error, reload } = useDetails(run);
  const table = useMemo(() => searchTable(items), [items]);
  if (table !== null) return <Search run={run} table={table} items={items} />;
  if (isLoading) return <Loading what="the search" />;
  if (error !== null) return <ErrorNote error={error} onRetry={reload} />;
  return (
    <Empty>
      Run {run} tells of no search, or what it told is forgotten. See <a href={href("runs", run)}>its tasks</a>, or{" "}
      <a href={href("searches")}>all searches</a>.
    </Empty>
  );
}

interface SearchProps {
  readonly run: number;
  readonly table: SearchTable;
  readonly items: readonly DetailItem[];
}

function Search({ run, table, items }: SearchProps) {
  const [chosen, choose] = useState(0);
  const scoring = Math.min(chosen, table.scorings.length - 1);
  const parameters = varied(table);
  const errors = foldErrors(table);
  return (
    <>
      <p class="lead">{leaderSentence(table, scoring)}</p>
      <Head run={run} table={table} />
      <Section title="Leaderboard" tools={<Tools {...{ run, table, scoring, choose }} />}>
        <Leaderboard table={table} scoring={scoring} />
      </Section>
      {errors.length > 0 && <FoldErrors errors={errors} />}
      {rounds(table, scoring).length > 0 && <RoundsView table={table} scoring={scoring} />}
      {parameters.length >= 2 && <HeatMapView table={table} scoring={scoring} varied={parameters} />}
      {parameters.length >= 2 && <ParallelView table={table} scoring={scoring} />}
      <div class="columns">
        <BestSoFarView table={table} items={items} />
        <CandidateTimes table={table} />
      </div>
    </>
  );
}

function Head({ run, table }: { readonly run: number; readonly table: SearchTable }) {
  const facts = overview.value?.runs.find((one) => one.run === run);
  const left = rates.value.get(run)?.secondsLeft ?? null;
  const isOpen = facts?.status === "open";
  const hasTrainings = facts?.kind === "search of trainings";
  const best = table.bestSoFar.at(-1)?.score ?? null;
  return (
    <div class="kpis">
      <Kpi
        label="Status"
        value={facts === undefined ? "–" : <Badge status={facts.status} />}
        note={isOpen ? `${seconds(left)} left` : ""}
      />
      <Kpi label="Progress" value={`${number(table.foldsDone)} scores`} note={progressSentence(table)} />
      <Kpi
        label={`Best ${table.scorings[0] ?? "score"}`}
        value={figure(best)}
        note={`${table.mode === "min" ? "lower" : "higher"} is better`}
      />
      <Kpi
        label="Estimator"
        value={table.estimator === "" ? "–" : table.estimator}
        note={`${table.kind}, ${count(table.folds, "fold")}`}
      />
      {table.chosen?.refitSeconds != null && (
        <Kpi label="Refit" value={seconds(table.chosen.refitSeconds)} note="on all data" />
      )}
      {hasTrainings ? (
        <Kpi label="Trials" value="Curves" note="losses by epoch" href={href("training", run)} />
      ) : (
        <Kpi label="Run" value={`${run}`} note={facts?.name ?? "its tasks"} href={href("runs", run)} />
      )}
    </div>
  );
}

interface ToolsProps {
  readonly run: number;
  readonly table: SearchTable;
  readonly scoring: number;
  readonly choose: (scoring: number) => void;
}

function Tools({ run, table, scoring, choose }: ToolsProps) {
  return (
    <>
      {table.scorings.length > 1 && (
        <label>
          Metric{" "}
          <select value={scoring} onChange={({ currentTarget }) => choose(Number(currentTarget.value))}>
            {table.scorings.map((name, at) => (
              <option key={name} value={at}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="button" onClick={() => download(`search-${run}.csv`, searchCsv(table), "text/csv")}>
        CSV
      </button>
      <button
        type="button"
        onClick={() => download(`search-${run}.json`, JSON.stringify(table, null, 2), "application/json")}
      >
        JSON
      </button>
    </>
  );
}
