// The views that a report has: those that need nothing but a feed message. The report's build takes this list in place of the page's.

import type { Page } from "../pages/index.ts";

export type { Page, PageProps } from "../pages/index.ts";

export const pages: readonly Page[] = [
  {
    path: "/summary",
    title: "Summary",
    menu: "Summary",
    topics: [],
    load: () => import("./summary.tsx").then(({ SummaryPage }) => SummaryPage),
  },
  {
    path: "/",
    title: "Status",
    menu: "Status",
    topics: [],
    load: () => import("../pages/status/index.tsx").then(({ StatusPage }) => StatusPage),
  },
  {
    path: "/workers",
    title: "Workers",
    menu: "Workers",
    topics: [],
    load: () => import("../pages/workers/index.tsx").then(({ WorkersPage }) => WorkersPage),
  },
  {
    path: "/workers/:name",
    title: "Worker {name}",
    topics: [],
    load: () => import("../pages/workers/worker.tsx").then(({ WorkerPage }) => WorkerPage),
  },
  {
    path: "/transfers",
    title: "Transfers",
    menu: "Transfers",
    topics: [],
    load: () => import("../pages/transfers/index.tsx").then(({ TransfersPage }) => TransfersPage),
  },
  {
    path: "/searches",
    title: "Searches",
    menu: "Searches",
    topics: [],
    load: () => import("../pages/searches/index.tsx").then(({ SearchesPage }) => SearchesPage),
  },
  {
    path: "/searches/:run",
    title: "Search {run}",
    topics: [],
    load: () => import("../pages/searches/index.tsx").then(({ SearchPage }) => SearchPage),
  },
  {
    path: "/training",
    title: "Training",
    menu: "Training",
    topics: [],
    load: () => import("../pages/training/index.tsx").then(({ TrainingsPage }) => TrainingsPage),
  },
  {
    path: "/training/:run",
    title: "Training {run}",
    topics: [],
    load: () => import("../pages/training/index.tsx").then(({ TrainingPage }) => TrainingPage),
  },
  {
    path: "/events",
    title: "Events and logs",
    menu: "Events and logs",
    topics: [],
    load: () => import("../pages/events/index.tsx").then(({ EventsPage }) => EventsPage),
  },
];
