// Feed messages as a cluster of some workers would send them: the same seed makes the same messages.

import type {
  ClusterEvent,
  FeedMessage,
  FeedWorker,
  LogEntry,
  PageOverview,
  PageRun,
  PageSpans,
  TaskId,
} from "@taskflock/protocol/words";

export const START_WALL = 1_800_000_000_000;
const functionNames = ["load", "clean", "train", "score", "mergeAll"];

/** Mulberry32: from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function overviewOf(change: Partial<PageOverview> = {}): PageOverview {
  return {
    scheduler: {
      id: "5b8d1f3e77aa4c10",
      version: "0.1.0",
      pid: 4242,
      startedAtMs: START_WALL - 600_000,
      dashboard: null,
    },
    sessions: 1,
    datasets: 0,
    tasks: { waiting: 12, queued: 38, assigned: 2, running: 6, done: 4100, failed: 3, cancelled: 1 },
    now: 600_000_000,
    workers: { running: 4, paused: 0, retiring: 0, cut: 0 },
    slots: 8,
    busy: 6,
    storedBytes: 80_000_000,
    spilledBytes: 0,
    movedBytes: 0,
    memoryLimitBytes: 16_000_000_000,
    rssBytes: 900_000_000,
    ended: 4104,
    transitions: 20_000,
    runs: [runOf({})],
    runCount: 1,
    functions: functionNames.map((name, index) => ({
      fn: index + 1,
      name,
      waiting: index,
      queued: 3 * index,
      active: 1,
      done: 1000 - index,
      failed: index === 2 ? 3 : 0,
      cancelled: 0,
      spentUs: 1_000_000 * (index + 1),
      medianUs: 1000 * (index + 1),
    })),
    functionCount: functionNames.length,
    queues: [{ asks: "", queued: 38, places: 8, running: 6 }],
    lastEvent: 0,
    lastLine: 0,
    lastSpan: 0,
    lastDetail: 0,
    ...change,
  };
}

export function runOf(change: Partial<PageRun>): PageRun {
  return {
    run: 1,
    session: 1,
    name: "digits",
    weight: 1,
    status: "open",
    steps: 0,
    stepsDone: 0,
    spentUs: 0,
    detached: false,
    counts: { total: 200, done: 120, failed: 3, cancelled: 1, running: 6 },
    client: "notebook",
    startedAt: 540_000_000,
    endedAt: null,
    kind: "",
    ...change,
  };
}

export function messageOf(change: Partial<FeedMessage> = {}): FeedMessage {
  return {
    seq: 1,
    fresh: false,
    wall: START_WALL,
    now: 600_000_000,
    connected: true,
    limit: "All 8 slots of 4 workers busy; 50 tasks to come. More workers would help.",
    overview: overviewOf(),
    rates: [{ run: 1, perSecond: 12.5, secondsLeft: 6.1 }],
    points: [],
    ...change,
  };
}

export function workerOf(worker: number, slots: number = 2): FeedWorker {
  return {
    worker,
    name: `worker-${worker}`,
    address: `tcp://10.0.0.${worker % 250}:4000`,
    slots,
    pid: 1000 + worker,
    memoryLimitBytes: 4_000_000_000,
    resources: {},
    joinedAt: 1_000_000,
  };
}

/** A row of `workerColumns`. */
export function workerRowOf(worker: number, random: () => number): (number | null)[] {
  const tells = random() > 0.1;
  const figure = (scale: number): number | null => (tells ? Math.round(random() * scale) : null);
  return [
    ...[
      worker,
      Math.floor(random() * 4),
      Math.round(random() * 4),
      Math.round(random() * 2),
      Math.round(random() * 900),
    ],
    ...[Math.round(random() * 50), Math.round(random() * 2e9), figure(200), figure(3e9), figure(1e9), figure(50)],
    ...[Math.round(random() * 5e6), Math.round(random() * 2e6), null, null],
  ];
}

/** `count` attempts that ended before `now`, and two that run. */
export function spansOf(count: number, now: number, workers: number, random: () => number): PageSpans {
  const rows = Array.from({ length: count }, () => ({
    task: Math.floor(random() * 1e6) as TaskId,
    fn: 1 + Math.floor(random() * functionNames.length),
    worker: 1 + Math.floor(random() * workers),
    endedAt: now - Math.floor(random() * 100_000),
    durationUs: Math.floor(random() * 90_000),
    end: random() > 0.95 ? 1 : 0,
  }));
  const column = (name: keyof (typeof rows)[number]): number[] => rows.map((row) => row[name]);
  return {
    now,
    last: count,
    missed: 0,
    task: column("task"),
    fn: column("fn"),
    worker: column("worker"),
    endedAt: column("endedAt"),
    durationUs: column("durationUs"),
    end: column("end"),
    skipped: { worker: [1], fn: [1], count: [40], us: [1200] },
    running: { task: [7, 8], fn: [3, 4], worker: [1, 1], startedAt: [now - 2_000_000, now - 500_000] },
    names: Object.fromEntries(functionNames.map((name, index) => [index + 1, name])),
    runningKeys: ["train-7", "score-8"],
  };
}

export function eventOf(seq: number, change: Partial<ClusterEvent> = {}): ClusterEvent {
  return {
    seq,
    at: seq * 1000,
    cause: seq,
    kind: "workerJoined",
    who: `worker-${seq % 4}`,
    key: "",
    text: "joined",
    ...change,
  };
}

export function logOf(seq: number, text: string, change: Partial<LogEntry> = {}): LogEntry {
  return {
    seq,
    at: seq * 1000,
    worker: "worker-1",
    key: `train-${seq}`,
    run: "digits",
    stream: "stdout",
    text,
    ...change,
  };
}

/** A whole afternoon in short: `count` messages, a tenth of a second apart, about `workers` workers with two slots each. */
export function* messagesOf(seed: number, count: number, workers: number): Generator<FeedMessage> {
  const random = randomOf(seed);
  const numbers = { event: 0, line: 0, detail: 0 };
  for (let seq = 1; seq <= count; seq++) {
    const now = 600_000_000 + seq * 100_000;
    const fresh = seq === 1 || random() < 0.05;
    const known = Array.from({ length: workers }, (_, index) => index + 1);
    const some = fresh ? known : known.filter(() => random() < 0.3);
    yield messageOf({
      seq,
      fresh,
      now,
      wall: START_WALL + seq * 100 + Math.round(random() * 20),
      overview: overviewOf({ now, ended: 4104 + seq * 3 }),
      points: seq % 10 === 0 ? [pointOf(START_WALL + seq * 100, random)] : [],
      ...(random() < 0.8 && { spans: spansOf(Math.floor(random() * 40), now, workers, random) }),
      workers: {
        added: fresh ? known.map((worker) => workerOf(worker)) : [],
        gone: fresh || random() < 0.95 ? [] : [1 + Math.floor(random() * workers)],
        rows: some.map((worker) => workerRowOf(worker, random)),
      },
      ...(random() < 0.3 && { events: { items: [eventOf(++numbers.event)], missed: 0 } }),
      ...(random() < 0.5 && { logs: { items: [logOf(++numbers.line, `epoch ${seq}`)], missed: 0 } }),
      ...(random() < 0.3 && {
        details: {
          items: [
            { seq: ++numbers.detail, at: now, run: 1, entry: { e: "remark" as const, trial: -1, text: `${seq}` } },
          ],
          missed: 0,
        },
      }),
    });
  }
}

export function pointOf(at: number, random: () => number): FeedMessage["points"][number] {
  const amount = (scale: number): number => Math.round(random() * scale);
  return {
    at,
    ended: amount(1e5),
    queued: amount(500),
    running: amount(8),
    busy: amount(8),
    slots: 8,
    storedBytes: amount(1e9),
    rssBytes: amount(1e9),
    spilledBytes: 0,
    movedBytes: amount(1e8),
  };
}
