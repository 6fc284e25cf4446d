// A worker's page: what it is and does; and, when it is gone, how it went and what it did last.

import "../status/level.css";
import "./workers.css";
import type { GoneWorker, PageWorkerLife, WorkerSpan } from "@taskflock/protocol/words";
import { useMemo, useRef } from "preact/hooks";
import { model, workers } from "../../feed/store.ts";
import { useAnswer } from "../../feed/use-answer.ts";
import type { WorkerRow } from "../../feed/worker-rows.ts";
import { href } from "../../frame/routes.ts";
import { ErrorNote, Loading, Section } from "../../ui/basics.tsx";
import type { PageProps } from "../index.ts";
import { LiveProfile } from "../profile/live-profile.tsx";
import { WorkerActions } from "./actions.tsx";
import { Departure } from "./departure.tsx";
import { Facts } from "./facts.tsx";
import { Figures } from "./figures.tsx";
import { WorkerEvents, WorkerLog } from "./worker-log.tsx";
import { LastTasks, RunsNow, WorkerTasks } from "./worker-tasks.tsx";
import { WorkerTransfers } from "./worker-transfers.tsx";
import { type HistoryPoint, nextHistory } from "./workers-model.ts";

const ASKED_MS = 2000;

export function WorkerPage({ params }: PageProps) {
  const name = params["name"] ?? "";
  const { value: life, error, reload } = useAnswer<PageWorkerLife>(`workers/${encodeURIComponent(name)}`, ASKED_MS);
  const row = useMemo(() => [...workers.value.values()].find((worker) => worker.name === name), [workers.value, name]);
  const history = useHistory(row);
  if (life === null && row === undefined)
    return error === null ? <Loading what={name} /> : <Unknown error={error} reload={reload} />;
  const gone = life?.gone[0];
  // The feed says it at once, the answer within seconds: the later one counts.
  const isThere = row !== undefined || (life?.worker ?? null) !== null;
  return (
    <>
      {!isThere && gone !== undefined && <Departure gone={gone} />}
      {isThere && (
        <div class="tools">
          <WorkerActions names={[name]} />
        </div>
      )}
      {row !== undefined && <Figures row={row} history={history} />}
      {row !== undefined && <RunsNow worker={row.worker} slots={row.slots} />}
      {isThere && gone !== undefined && !gone.planned && <Before gone={gone} spans={life?.goneSpans ?? []} />}
      <WorkerTasks spans={life?.spans ?? []} isThere={isThere} name={name} />
      <WorkerLog name={name} />
      <div class="columns">
        <WorkerEvents name={name} />
        <WorkerTransfers name={name} />
      </div>
      {isThere && <LiveProfile workers={[name]} />}
      <Facts worker={life?.worker ?? null} gone={life?.gone ?? []} />
    </>
  );
}

/** A nanny starts a worker that died again, under its name: whoever comes to see what it did last finds that one's page. */
function Before({ gone, spans }: { readonly gone: GoneWorker; readonly spans: readonly WorkerSpan[] }) {
  return (
    <Section title="The worker of this name that was lost">
      <Departure gone={gone} />
      <details>
        <summary>What it did last</summary>
        <LastTasks label="The last tasks that ended at the one that was lost" spans={spans} />
      </details>
    </Section>
  );
}

function useHistory(row: WorkerRow | undefined): readonly HistoryPoint[] {
  const kept = useRef<{ of: number; points: readonly HistoryPoint[] }>({ of: -1, points: [] });
  if (row === undefined) return kept.current.points;
  const before = kept.current.of === row.worker ? kept.current.points : [];
  kept.current = { of: row.worker, points: nextHistory(before, row, model.peek().now) };
  return kept.current.points;
}

function Unknown({ error, reload }: { readonly error: unknown; readonly reload: () => void }) {
  return (
    <>
      <ErrorNote error={error} onRetry={reload} />
      <p>
        <a href={href("workers")}>All workers</a>
      </p>
    </>
  );
}
