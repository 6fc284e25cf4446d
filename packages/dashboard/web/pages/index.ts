// All pages: their addresses, titles, what they wish of the feed, and where their code is. Code is loaded when a page is first shown.

import type { FeedTopic } from "@taskflock/protocol/words";
import type { ComponentType } from "preact";

export interface PageProps {
  /** Of the address: for "/workers/:name" `params.name`. */
  readonly params: Readonly<Record<string, string>>;
}

export interface Page {
  /** Under /status; parts that begin with ":" are parameters. */
  readonly path: string;
  /** Of the window; `{name}` stands for a parameter. */
  readonly title: string;
  /** In the navigation; pages without it are reached through others. */
  readonly menu?: string;
  /** Parts of the feed that it needs; all pages have `overview`, `limit`, `rates` and `points`. */
  readonly topics: readonly FeedTopic[];
  /** The parameter that is the number of the run whose details it wishes. */
  readonly runParam?: string;
  readonly load: () => Promise<ComponentType<PageProps>>;
}

export const pages: readonly Page[] = [
  {
    path: "/",
    title: "Status",
    menu: "Status",
    topics: ["spans", "workers"],
    load: () => import("./status/index.tsx").then(({ StatusPage }) => StatusPage),
  },
  {
    path: "/workers",
    title: "Workers",
    menu: "Workers",
    topics: ["workers"],
    load: () => import("./workers/index.tsx").then(({ WorkersPage }) => WorkersPage),
  },
  {
    path: "/workers/:name",
    title: "Worker {name}",
    topics: ["workers", "spans", "events"],
    load: () => import("./workers/worker.tsx").then(({ WorkerPage }) => WorkerPage),
  },
  {
    path: "/tasks",
    title: "Tasks",
    menu: "Tasks",
    topics: [],
    load: () => import("./tasks/index.tsx").then(({ TasksPage }) => TasksPage),
  },
  {
    path: "/tasks/:id",
    title: "Task {id}",
    topics: [],
    load: () => import("./tasks/task.tsx").then(({ TaskPage }) => TaskPage),
  },
  {
    path: "/runs",
    title: "Runs",
    menu: "Runs",
    topics: [],
    load: () => import("./runs/index.tsx").then(({ RunsPage }) => RunsPage),
  },
  {
    path: "/runs/:id",
    title: "Run {id}",
    topics: ["details"],
    runParam: "id",
    load: () => import("./runs/run.tsx").then(({ RunPage }) => RunPage),
  },
  {
    path: "/searches",
    title: "Searches",
    menu: "Searches",
    topics: ["details"],
    load: () => import("./searches/index.tsx").then(({ SearchesPage }) => SearchesPage),
  },
  {
    path: "/searches/:run",
    title: "Search {run}",
    topics: ["details"],
    runParam: "run",
    load: () => import("./searches/index.tsx").then(({ SearchPage }) => SearchPage),
  },
  {
    path: "/training",
    title: "Training",
    menu: "Training",
    topics: ["details"],
    load: () => import("./training/index.tsx").then(({ TrainingsPage }) => TrainingsPage),
  },
  {
    path: "/training/:run",
    title: "Training {run}",
    topics: ["details"],
    load: () => import("./training/index.tsx").then(({ TrainingPage }) => TrainingPage),
  },
  {
    path: "/graph",
    title: "Graph",
    menu: "Graph",
    topics: [],
    load: () => import("./graph/index.tsx").then(({ GraphPage }) => GraphPage),
  },
  {
    path: "/profile",
    title: "Profile",
    menu: "Profile",
    topics: ["workers"],
    load: () => import("./profile/index.tsx").then(({ ProfilePage }) => ProfilePage),
  },
  {
    path: "/transfers",
    title: "Transfers",
    menu: "Transfers",
    topics: ["transfers"],
    load: () => import("./transfers/index.tsx").then(({ TransfersPage }) => TransfersPage),
  },
  {
    path: "/events",
    title: "Events and logs",
    menu: "Events and logs",
    topics: ["events", "logs"],
    load: () => import("./events/index.tsx").then(({ EventsPage }) => EventsPage),
  },
  {
    path: "/system",
    title: "System",
    menu: "System",
    topics: ["workers"],
    load: () => import("./system/index.tsx").then(({ SystemPage }) => SystemPage),
  },
];
