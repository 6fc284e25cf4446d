// The first view: what the cluster is doing, and why it is not faster.

import "./level.css";
import "./status.css";
import type { PageOverview } from "@taskflock/protocol/words";
import { overview, points } from "../../feed/store.ts";
import { href } from "../../frame/routes.ts";
import { Kpi, Loading } from "../../ui/basics.tsx";
import { bytes, count, number, percent, rate, seconds } from "../../ui/format.ts";
import { Charts } from "./charts.tsx";
import { FunctionsSection } from "./functions.tsx";
import { NoWorker } from "./no-worker.tsx";
import { Queues } from "./queues.tsx";
import { RunsSection } from "./runs.tsx";
import { StackedBar } from "./stacked-bar.tsx";
import { progressOfTasks, rateOf } from "./status-model.ts";
import { StreamPanel } from "./stream.tsx";
import { useEvery } from "./use-every.ts";
import { MemorySection, OccupancySection } from "./workers-bars.tsx";

export function StatusPage() {
  if (overview.value === null) return <Loading what="the cluster" />;
  return (
    <>
      <Tiles />
      <StreamPanel />
      <FunctionsSection />
      <RunsSection />
      <div class="columns">
        <MemorySection />
        <OccupancySection />
      </div>
      <Queues />
      <Charts />
    </>
  );
}

function Tiles() {
  const now = useEvery(overview, 250);
  const history = useEvery(points, 1000);
  if (now === null) return null;
  const { workers, slots, busy } = now;
  const tasks = progressOfTasks(now.tasks);
  const perSecond = rateOf(history);
  const open = tasks.waiting + tasks.queued + tasks.active;
  const left = perSecond === null || perSecond === 0 || open === 0 ? null : open / perSecond;
  return (
    <>
      {workers.running + workers.paused + workers.retiring + workers.cut === 0 && <NoWorker />}
      <div class="kpis status-tiles">
        <Kpi
          label="Unfinished tasks"
          value={number(open)}
          note={`${number(tasks.active)} at work, ${number(tasks.queued)} queued, ${number(tasks.waiting)} waiting`}
          href={href("tasks")}
        />
        <Kpi
          label="Tasks per second"
          value={rate(perSecond)}
          note={left === null ? (open === 0 ? "nothing to do" : "no rate yet") : `${seconds(left)} left`}
        />
        <Kpi label="Done" value={number(tasks.done)} note={`${number(now.ended)} ended in all`} />
        <Kpi
          label="Failed"
          value={number(tasks.failed)}
          tone={tasks.failed > 0 ? "bad" : "neutral"}
          note={tasks.failed > 0 ? "what failed first" : `${number(tasks.cancelled)} cancelled`}
          href={`${href("tasks")}?view=failures`}
        />
        <Kpi
          label="Busy slots"
          value={number(busy)}
          note={`of ${count(slots, "slot")}${slots > 0 ? `, ${percent(busy / slots)}` : ""}`}
        />
        <MemoryTile now={now} />
        <WorkersTile now={now} />
      </div>
      <StackedBar progress={tasks} label="All tasks" />
    </>
  );
}

function MemoryTile({ now: { rssBytes, memoryLimitBytes, spilledBytes } }: { readonly now: PageOverview }) {
  const fill = memoryLimitBytes > 0 ? rssBytes / memoryLimitBytes : null;
  const ofLimit = fill === null ? "no limit" : `${percent(fill)} of ${bytes(memoryLimitBytes)}`;
  return (
    <Kpi
      label="Memory"
      value={bytes(rssBytes)}
      tone={fill !== null && fill > 0.85 ? "warning" : "neutral"}
      note={spilledBytes > 0 ? `${ofLimit}, ${bytes(spilledBytes)} spilled` : ofLimit}
    />
  );
}

function WorkersTile({ now: { workers, slots } }: { readonly now: PageOverview }) {
  const { running, paused, retiring, cut } = workers;
  const notes = [paused > 0 && `${paused} paused`, retiring > 0 && `${retiring} retiring`, cut > 0 && `${cut} cut off`];
  const unusual = notes.filter((note) => note !== false).join(", ");
  return (
    <Kpi
      label="Workers"
      value={number(running + paused + retiring)}
      tone={cut > 0 ? "warning" : "neutral"}
      note={unusual || count(slots, "slot")}
      href={href("workers")}
    />
  );
}
