// What there is to say of a cluster before the scheduler has answered for the first time.

import type { PageOverview } from "@taskflock/protocol/words";

export const emptyOverview: PageOverview = {
  scheduler: { id: "", version: "", pid: 0, startedAtMs: 0, dashboard: null },
  now: 0,
  sessions: 0,
  datasets: 0,
  tasks: { waiting: 0, queued: 0, assigned: 0, running: 0, done: 0, failed: 0, cancelled: 0 },
  workers: { running: 0, paused: 0, retiring: 0, cut: 0 },
  slots: 0,
  busy: 0,
  storedBytes: 0,
  spilledBytes: 0,
  memoryLimitBytes: 0,
  rssBytes: 0,
  movedBytes: 0,
  ended: 0,
  transitions: 0,
  runs: [],
  runCount: 0,
  functions: [],
  functionCount: 0,
  queues: [],
  lastEvent: 0,
  lastLine: 0,
  lastSpan: 0,
  lastDetail: 0,
};
