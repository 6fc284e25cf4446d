import type { ClusterInfo } from "@taskflock/protocol/words";
import { expect, test } from "vitest";
import { limitOf } from "../server/limit.ts";

const worker: ClusterInfo["workers"][number] = {
  name: "<b>one</b>",
  worker: 1,
  address: "127.0.0.1:1",
  status: "running",
  slots: 2,
  pid: 1,
  memoryLimitBytes: 2 ** 30,
  resources: { GPU: 10_000 },
  resourcesUsed: { GPU: 10_000 },
  assigned: 1,
  running: 1,
  stored: 3,
  actors: 0,
  storedBytes: 5000,
  finished: 12_345,
  tensors: [],
  metrics: {
    cpuPercent: 99.6,
    rssBytes: 2 ** 28,
    arenaBytes: 0,
    arenaUsedBytes: 0,
    spilledBytes: 0,
    spillCount: 0,
    resumedFetches: 0,
    damagedParts: 0,
    gpus: [],
    eventLoopDelayMs: 1,
  },
};
const tasks: ClusterInfo["tasks"] = {
  waiting: 0,
  queued: 0,
  assigned: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
};
const cluster: ClusterInfo = {
  scheduler: { id: "abcdefgh-1", version: "0.1.0", pid: 7, startedAtMs: 0 },
  sessions: 1,
  datasets: 0,
  functions: 1,
  tasks: { ...tasks, queued: 38, running: 1 },
  workers: [worker],
  runs: [
    {
      run: 1,
      session: 1,
      name: 'a "search"',
      weight: 1,
      status: "open",
      steps: 54,
      stepsDone: 7,
      detached: false,
      counts: { total: 60, done: 7, failed: 0, cancelled: 0, running: 2 },
    },
  ],
};

test("says in words what limits the cluster", () => {
  const say = (counts: Partial<ClusterInfo["tasks"]>, workers = cluster.workers) =>
    limitOf({ ...cluster, workers, tasks: { ...tasks, ...counts } });
  expect(say({ queued: 2 }, [])).toBe("2 tasks cannot run: no worker is connected.");
  expect(say({}, [])).toBe("No worker is connected.");
  expect(say({})).toBe("Idle: 1 worker with 2 slots and nothing to do.");
  expect(say({ queued: 38, running: 1 })).toBe(
    "38 tasks queued while slots are free: all GPU of the workers is in use.",
  );
  expect(say({ queued: 5, running: 2 }, [{ ...worker, assigned: 3, resources: {} }])).toMatch(
    /^All 2 slots of 1 worker busy; 5 tasks/,
  );
  expect(say({ waiting: 4, running: 1 })).toBe("1 of 2 slots busy; 4 tasks wait for the results of others.");
});
