// The views that a report has: those that need nothing but a feed message. The report's build takes this list in place of the page's.

import { EventsPage } from "../pages/events/index.tsx";
import type { Page } from "../pages/index.ts";
import { SearchesPage, SearchPage } from "../pages/searches/index.tsx";
import { StatusPage } from "../pages/status/index.tsx";
import { TrainingPage, TrainingsPage } from "../pages/training/index.tsx";
import { TransfersPage } from "../pages/transfers/index.tsx";
import { WorkersPage } from "../pages/workers/index.tsx";
import { WorkerPage } from "../pages/workers/worker.tsx";
import { SummaryPage } from "./summary.tsx";

export type { Page, PageProps } from "../pages/index.ts";

export const pages: readonly Page[] = [
  {
    path: "/summary",
    title: "Summary",
    menu: "Summary",
    topics: [],
    load: async () => SummaryPage,
  },
  {
    path: "/",
    title: "Status",
    menu: "Status",
    topics: [],
    load: async () => StatusPage,
  },
  {
    path: "/workers",
    title: "Workers",
    menu: "Workers",
    topics: [],
    load: async () => WorkersPage,
  },
  {
    path: "/workers/:name",
    title: "Worker {name}",
    topics: [],
    load: async () => WorkerPage,
  },
  {
    path: "/transfers",
    title: "Transfers",
    menu: "Transfers",
    topics: [],
    load: async () => TransfersPage,
  },
  {
    path: "/searches",
    title: "Searches",
    menu: "Searches",
    topics: [],
    load: async () => SearchesPage,
  },
  {
    path: "/searches/:run",
    title: "Search {run}",
    topics: [],
    load: async () => SearchPage,
  },
  {
    path: "/training",
    title: "Training",
    menu: "Training",
    topics: [],
    load: async () => TrainingsPage,
  },
  {
    path: "/training/:run",
    title: "Training {run}",
    topics: [],
    load: async () => TrainingPage,
  },
  {
    path: "/events",
    title: "Events and logs",
    menu: "Events and logs",
    topics: [],
    load: async () => EventsPage,
  },
];
