// What the dashboard's server sends to a page over /api/v1/stream, as JSON text, and what a page says there. The page's own model is
// made from these alone. Bounded: a message is under 2 MiB, and a page that does not read gets a fresh snapshot later, never a queue.

import type { ClusterEvent } from "./events.ts";
import type { PageOverview, PageSpans, PageTransfers } from "./page-questions.ts";
import type { DetailEntry } from "./run-details.ts";
import type { LogEntry } from "./watch-questions.ts";

/** What a page shows decides what it is sent. */
export const feedTopics = ["spans", "workers", "transfers", "events", "logs", "details"] as const;
export type FeedTopic = (typeof feedTopics)[number];

/** Page to server: replaces what it said before. `run`: whose details (0: all). */
export interface FeedWish {
  readonly topics: readonly FeedTopic[];
  readonly run: number;
  /** No messages at all, e.g. while the page is hidden; the next wish begins with a snapshot. */
  readonly paused: boolean;
}

/**
 * Columns of workers in `FeedWorkers`, in this order. A row is an array of them. Names and addresses do not change while a worker lives,
 * and come with its first row only.
 */
export const workerColumns = [
  "worker",
  "status",
  "assigned",
  "running",
  "finished",
  "stored",
  "storedBytes",
  "cpuPercent",
  "rssBytes",
  "spilledBytes",
  "eventLoopDelayMs",
  "occupancyUs",
  "silentUs",
  "gpuPercent",
  "gpuMemoryBytes",
] as const;
/** Index in a row's `status` column. */
export const workerStatuses = ["running", "paused", "retiring", "cut"] as const;

export interface FeedWorker {
  readonly worker: number;
  readonly name: string;
  readonly address: string;
  readonly slots: number;
  readonly pid: number;
  readonly memoryLimitBytes: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly joinedAt: number;
}

/** What is worth a chart over time, as the server saw it once a second: so that a page that opens shows the last minutes at once. */
export interface FeedPoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ended: number;
  readonly queued: number;
  readonly running: number;
  readonly busy: number;
  readonly slots: number;
  readonly storedBytes: number;
  readonly rssBytes: number;
  readonly spilledBytes: number;
  readonly movedBytes: number;
}

export interface RunRate {
  /** 0: the whole cluster, all its tasks. */
  readonly run: number;
  /** Ended tasks (or steps) per second lately; null before there is a rate, and while there is nothing to do. */
  readonly perSecond: number | null;
  /** Seconds until it is done, at that rate; null when that is not known. */
  readonly secondsLeft: number | null;
}

/** Server to page. The first after connecting, and after the page fell behind, has `fresh: true`: forget what was before. */
export interface FeedMessage {
  readonly seq: number;
  readonly fresh: boolean;
  /** The server's clock, milliseconds since 1970, and the scheduler's at the same moment, µs: turns one into the other. */
  readonly wall: number;
  readonly now: number;
  /** False while the dashboard has no link to the scheduler: what follows is the last that was known. */
  readonly connected: boolean;
  /** What limits the cluster now, in plain words. */
  readonly limit: string;
  readonly overview: PageOverview;
  readonly rates: readonly RunRate[];
  /** Those not sent before; with `fresh` all of the last minutes. */
  readonly points: readonly FeedPoint[];
  /** `skipped`: sums that changed since the last message; with `fresh` all. `running` replaces what ran before. */
  readonly spans?: PageSpans;
  readonly workers?: {
    /** New since the last message. */
    readonly added: readonly FeedWorker[];
    readonly gone: readonly number[];
    /** Rows of `workerColumns` that changed. */
    readonly rows: readonly (readonly (number | null)[])[];
  };
  readonly transfers?: PageTransfers;
  readonly events?: { readonly items: readonly ClusterEvent[]; readonly missed: number };
  readonly logs?: { readonly items: readonly LogEntry[]; readonly missed: number };
  readonly details?: {
    readonly items: readonly {
      readonly seq: number;
      readonly at: number;
      readonly run: number;
      readonly entry: DetailEntry;
    }[];
    readonly missed: number;
  };
}
