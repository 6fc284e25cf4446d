// Collects what happens in a period, bounded, and makes a report's data of it. It asks what a page asks, once a second.

import {
  type ClusterEvent,
  type FeedMessage,
  type FeedPoint,
  type LogEntry,
  PAGE_SPANS,
  type PageDetails,
  type PageOverview,
  type PageTransfers,
  type PageWorker,
  type RunRate,
} from "@taskflock/protocol/words";
import type { Asks } from "../feed/asks.ts";
import { LimitWatch } from "../feed/limit/limit-watch.ts";
import { pointOf } from "../feed/points.ts";
import { RunRates } from "../feed/rates.ts";
import { WorkerTable } from "../feed/worker-table.ts";
import { KeptLines } from "./kept-lines.ts";
import { leftOut } from "./left-out.ts";
import { LimitTimes } from "./limit-times.ts";
import type { ReportData } from "./report-data.ts";
import { SpanColumns } from "./span-columns.ts";

export type ReportAsks = Pick<Asks, "ask">;
type Detail = PageDetails["items"][number];

/** What a report may have: together some tens of MB in memory, some MB as a file. */
export const REPORT_LIMITS = {
  spans: 100_000,
  points: 3_600,
  events: 10_000,
  eventUnits: 2_000_000,
  logs: 20_000,
  logUnits: 4_000_000,
  details: 50_000,
  detailUnits: 8_000_000,
  workers: 2_000,
} as const;

/** Questions of one kind that a round asks at most: what is behind then comes with the next. */
const QUESTIONS = 4;
const QUESTIONS_AT_END = 32;
const LINES = 500;
const DETAILS = 1_000;

/** The period begins with the first round, or (`back`) as far back as is remembered. */
export interface CollectionOptions {
  readonly asks: ReportAsks;
  readonly back: boolean;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  /** What was seen before, with `back`. */
  readonly points: readonly FeedPoint[];
}

interface Marks {
  span: number;
  event: number;
  line: number;
  detail: number;
}

export class Collection {
  readonly #options: CollectionOptions;
  readonly #rates: RunRates = new RunRates();
  readonly #limitWatch: LimitWatch = new LimitWatch();
  readonly #limits: LimitTimes = new LimitTimes();
  readonly #spans: SpanColumns = new SpanColumns(REPORT_LIMITS.spans);
  readonly #events: KeptLines<ClusterEvent>;
  readonly #logs: KeptLines<LogEntry>;
  readonly #details: KeptLines<Detail>;
  readonly #workers: Map<number, PageWorker> = new Map();
  #points: FeedPoint[];
  #marks: Marks | null = null;
  #first: PageOverview | null = null;
  #overview: PageOverview | null = null;
  #rateList: readonly RunRate[] = [];
  #transfers: PageTransfers | null = null;
  #from: number;
  #limit = "";
  #failedRounds = 0;
  #failure: unknown = null;
  #isIdle = true;

  constructor(options: CollectionOptions) {
    this.#options = options;
    this.#from = options.points[0]?.at ?? options.wall();
    this.#points = [...options.points];
    const { events, eventUnits, logs, logUnits, details, detailUnits } = REPORT_LIMITS;
    this.#events = new KeptLines(events, eventUnits, ({ text }) => text.length + 100);
    this.#logs = new KeptLines(logs, logUnits, ({ text }) => text.length + 100);
    this.#details = new KeptLines(details, detailUnits, (detail) => JSON.stringify(detail).length);
  }

  /** Whether no round is under way. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Asks for what is new; never rejects. One at a time. */
  async round(questions: number = QUESTIONS): Promise<void> {
    this.#isIdle = false;
    try {
      await this.#ask(questions);
    } catch (error) {
      this.#failedRounds++;
      this.#failure = error;
    }
    this.#isIdle = true;
  }

  /** The last round, and what came together. Rejects with why the scheduler did not answer, when it never did. */
  async end(title: string): Promise<ReportData> {
    await this.round(QUESTIONS_AT_END);
    const overview = this.#overview;
    if (overview === null) throw this.#failure;
    const { id, version } = overview.scheduler;
    return {
      version: 1,
      title,
      from: this.#options.back ? Math.min(this.#from, this.#oldest(overview)) : this.#from,
      to: this.#options.wall(),
      scheduler: `taskflock ${version}, scheduler ${id}`,
      message: this.#message(overview),
      limits: this.#limits.longest(),
      leftOut: leftOut({
        spans: this.#spans.left,
        events: this.#events.left,
        logs: this.#logs.left,
        details: this.#details.left,
        failedRounds: this.#failedRounds,
      }),
    };
  }

  /** When the first attempt that is remembered began, ms since 1970. */
  #oldest({ now }: PageOverview): number {
    const { endedAt = [], durationUs = [] } = this.#spans.spans() ?? {};
    const first = endedAt.reduce((least, at, row) => Math.min(least, at - (durationUs[row] ?? 0)), now);
    return this.#options.wall() - (now - first) / 1000;
  }

  async #ask(questions: number): Promise<void> {
    const { asks, wall } = this.#options;
    const began = wall();
    const overview = (await asks.ask({ q: "pageOverview" })).value;
    this.#limitWatch.overviewCame(overview, wall() - began);
    this.#overview = overview;
    this.#first ??= overview;
    this.#addPoint(pointOf(overview, wall()));
    this.#rateList = this.#rates.update(overview);
    this.#marks ??= await this.#begin(overview);
    this.#limit = this.#limitWatch.sentence({ connected: true, secondsLeft: null, running: [] });
    this.#limits.add(this.#limit, overview.now);
    await this.#askWorkers();
    await this.#askSpans(overview, this.#marks, questions);
    await this.#askLines(overview, this.#marks, questions);
    this.#transfers = (await asks.ask({ q: "pageTransfers" })).value;
  }

  async #begin({ lastSpan, lastEvent, lastLine, lastDetail }: PageOverview): Promise<Marks> {
    if (this.#options.back) {
      const span = Math.max(0, lastSpan - REPORT_LIMITS.spans);
      const event = Math.max(0, lastEvent - REPORT_LIMITS.events);
      return { span, event, line: Math.max(0, lastLine - REPORT_LIMITS.logs), detail: 0 };
    }
    this.#from = this.#options.wall();
    // From the first span on: only then all sums are said.
    const { value } = await this.#options.asks.ask({ q: "pageSpans", since: 0, limit: 1 });
    this.#spans.begin(value);
    return { span: lastSpan, event: lastEvent, line: lastLine, detail: lastDetail };
  }

  /** Those that leave in the period stay in the report, as they were last. */
  async #askWorkers(): Promise<void> {
    const { workers } = (await this.#options.asks.ask({ q: "pageWorkers", workers: [] })).value;
    const there = new Set(workers.map(({ worker }) => worker));
    for (const [number, known] of this.#workers) {
      if (!there.has(number)) this.#workers.set(number, { ...known, status: "cut", assigned: 0, running: 0 });
    }
    for (const worker of workers) {
      if (this.#workers.has(worker.worker) || this.#workers.size < REPORT_LIMITS.workers) {
        this.#workers.set(worker.worker, worker);
      }
    }
  }

  async #askSpans({ lastSpan }: PageOverview, marks: Marks, questions: number): Promise<void> {
    for (let asked = 0; asked < questions; asked++) {
      const { value } = await this.#options.asks.ask({ q: "pageSpans", since: marks.span, limit: PAGE_SPANS });
      this.#spans.add(this.#options.back && marks.span === 0 ? { ...value, missed: 0 } : value);
      marks.span = value.last;
      if (value.last >= lastSpan || value.task.length === 0) return;
    }
  }

  async #askLines(overview: PageOverview, marks: Marks, questions: number): Promise<void> {
    const { asks, back } = this.#options;
    const missedOf = (missed: number): number => (back ? 0 : missed);
    for (let asked = 0; asked < questions && marks.event < overview.lastEvent; asked++) {
      const { value } = await asks.ask({ q: "events", since: marks.event, limit: LINES, wait: false });
      this.#events.add(value.items, missedOf(value.missed));
      marks.event = value.items.at(-1)?.seq ?? overview.lastEvent;
    }
    const filter = { worker: "", key: "", run: "" };
    for (let asked = 0; asked < questions && marks.line < overview.lastLine; asked++) {
      const { value } = await asks.ask({ q: "logs", filter, since: marks.line, limit: LINES, wait: false });
      this.#logs.add(value.items, missedOf(value.missed));
      marks.line = value.items.at(-1)?.seq ?? overview.lastLine;
    }
    for (let asked = 0; asked < questions && marks.detail < overview.lastDetail; asked++) {
      const { value } = await asks.ask({ q: "pageDetails", run: 0, since: marks.detail, limit: DETAILS });
      this.#details.add(value.items, missedOf(value.missed));
      marks.detail = Math.max(value.last, marks.detail + 1);
    }
  }

  /** Over a long time every second point goes, again and again. */
  #addPoint(point: FeedPoint): void {
    const last = this.#points.at(-1);
    if (last !== undefined && this.#points.length > 1 && point.at - last.at < 500) this.#points.pop();
    this.#points.push(point);
    if (this.#points.length > REPORT_LIMITS.points) this.#points = this.#points.filter((_, at) => at % 2 === 0);
  }

  #message(overview: PageOverview): FeedMessage {
    const table = new WorkerTable();
    table.update({ now: overview.now, workers: [...this.#workers.values()] });
    const spans = this.#spans.spans();
    return {
      ...{ seq: 1, fresh: true, wall: this.#options.wall(), now: overview.now, connected: true, limit: this.#limit },
      overview: this.#options.back ? overview : inPeriod(overview, this.#first),
      rates: this.#rateList,
      points: this.#points,
      ...(spans === null ? {} : { spans }),
      workers: JSON.parse(table.part(true) ?? '{"added":[],"gone":[],"rows":[]}'),
      ...(this.#transfers === null ? {} : { transfers: this.#transfers }),
      events: { items: this.#events.items, missed: this.#events.left },
      logs: { items: this.#logs.items, missed: this.#logs.left },
      details: { items: this.#details.items, missed: this.#details.left },
    };
  }
}

/** Functions with what they did since `first`. */
function inPeriod(overview: PageOverview, first: PageOverview | null): PageOverview {
  const before = new Map(first?.functions.map((one) => [one.fn, one]));
  const functions = overview.functions.map((one) => {
    const { done = 0, failed = 0, cancelled = 0, spentUs = 0 } = before.get(one.fn) ?? {};
    return {
      ...one,
      done: one.done - done,
      failed: one.failed - failed,
      cancelled: one.cancelled - cancelled,
      spentUs: one.spentUs - spentUs,
    };
  });
  return { ...overview, functions };
}
