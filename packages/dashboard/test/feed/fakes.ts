// A scheduler that answers what the test says, and a clock that the test moves.

import type { PageOverview, PageRun, PageSpans, PageWorker, PageWorkers } from "@taskflock/protocol/words";
import type { Asks, FeedQuestion } from "../../server/feed/asks.ts";
import { emptyOverview } from "../../server/feed/empty-overview.ts";
import type { FeedClock } from "../../server/feed/hub.ts";
import type { Outlet } from "../../server/feed/page-book.ts";

type Overview = Partial<Omit<PageOverview, "tasks" | "workers">> & {
  readonly tasks?: Partial<PageOverview["tasks"]>;
  readonly workers?: Partial<PageOverview["workers"]>;
};

export function overviewOf({ tasks, workers, ...rest }: Overview = {}): PageOverview {
  const scheduler = { ...emptyOverview.scheduler, id: "one" };
  return {
    ...emptyOverview,
    scheduler,
    ...rest,
    tasks: { ...emptyOverview.tasks, ...tasks },
    workers: { ...emptyOverview.workers, ...workers },
  };
}

export function runOf(run: Partial<PageRun> = {}): PageRun {
  const counts = { total: 0, done: 0, failed: 0, cancelled: 0, running: 0 };
  return {
    ...{
      run: 1,
      session: 1,
      name: "grid search",
      weight: 1,
      status: "open",
      steps: 0,
      stepsDone: 0,
      spentUs: 0,
      detached: false,
    },
    ...{ counts, client: "client-1", startedAt: 0, endedAt: null, kind: "" },
    ...run,
  };
}

export function workerOf(worker: number, some: Partial<PageWorker> = {}): PageWorker {
  return {
    ...{ name: `worker-${worker}`, worker, address: `10.0.0.${worker % 250}:40000`, status: "running", slots: 4 },
    ...{ pid: 1000 + worker, memoryLimitBytes: 2 ** 33, resources: {}, resourcesUsed: {}, assigned: 2, running: 1 },
    ...{ stored: 3, actors: 0, storedBytes: 4096, finished: 10, metrics: null, tensors: [], joinedAt: 5 },
    ...{ silentUs: 100_000, occupancyUs: 1_500, hasNanny: true },
    ...some,
  };
}

export function spansOf(some: Partial<PageSpans> = {}): PageSpans {
  return {
    ...{ now: 0, last: 0, missed: 0, task: [], fn: [], worker: [], endedAt: [], durationUs: [], end: [] },
    skipped: { worker: [], fn: [], count: [], us: [] },
    running: { task: [], fn: [], worker: [], startedAt: [] },
    ...{ names: {}, runningKeys: [] },
    ...some,
  };
}

/** `count` spans that end one µs after another, the first with number `from`. */
export function manySpans(from: number, count: number): PageSpans {
  const of = (value: (index: number) => number): number[] => Array.from({ length: count }, (_, index) => value(index));
  return spansOf({
    last: from + count - 1,
    task: of((index) => from + index),
    fn: of(() => 7),
    worker: of((index) => 1 + (index % 1000)),
    endedAt: of((index) => 1e12 + from + index),
    durationUs: of((index) => 100_000 + index),
    end: of(() => 0),
    names: { 7: "fit" },
  });
}

type Answer = (question: FeedQuestion) => unknown;

export class FakeScheduler implements Asks {
  readonly asked: FeedQuestion[] = [];
  connected = true;
  overview: PageOverview = overviewOf();
  workers: PageWorkers = { now: 0, workers: [] };
  /** Answers beside those; `undefined`: the default. */
  answer: Answer = () => undefined;
  /** What is asked waits until it is let go. */
  #held: (() => void)[] | null = null;
  readonly #listeners: Set<(connected: boolean) => void> = new Set();

  onChange(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setConnected(connected: boolean): void {
    this.connected = connected;
    for (const listener of this.#listeners) listener(connected);
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    for (const go of this.#held ?? []) go();
    this.#held = null;
  }

  kinds(): string[] {
    return this.asked.splice(0).map(({ q }) => q);
  }

  async ask<Q extends FeedQuestion>(question: Q): Promise<{ readonly value: never }> {
    this.asked.push(question);
    if (this.#held !== null) await new Promise<void>((resolve) => this.#held?.push(resolve));
    if (!this.connected) throw new Error("there is no link");
    return { value: (this.answer(question) ?? this.#usual(question)) as never };
  }

  #usual(question: FeedQuestion): unknown {
    if (question.q === "pageOverview") return this.overview;
    if (question.q === "pageWorkers") return this.workers;
    if (question.q === "pageSpans") return spansOf({ last: question.since });
    if (question.q === "pageTransfers") return { now: 0, pairs: [], recent: [], totalBytes: 0 };
    return { now: 0, items: [], missed: 0, last: 0 };
  }
}

export class FakeClock implements FeedClock {
  #now = 0;
  #timers: { readonly at: number; readonly call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, and lets all that is due then happen, with what it promises. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers = this.#timers.filter((other) => other !== next);
      next.call();
      await settled();
    }
    this.#now = until;
    await settled();
  }
}

/** Promises that are kept by now have been heard. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export class FakePage implements Outlet {
  bufferedAmount = 0;
  isTerminated = false;
  readonly sent: Buffer[] = [];

  send(bytes: Buffer): void {
    this.sent.push(bytes);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  /** What came since the last look. */
  // biome-ignore lint/suspicious/noExplicitAny: as the page gets it
  messages(): any[] {
    return this.sent.splice(0).map((bytes) => JSON.parse(String(bytes)));
  }
}
