// What the feed knows of the cluster, and what it says to pages: differences to those that follow, all of it to those that begin. Pure:
// what the scheduler answered goes in, with the time; text comes out. Every part is encoded once in a round, however many pages there are.

import type {
  ClusterEvent,
  FeedPoint,
  FeedTopic,
  FeedWish,
  LogEntry,
  PageDetails,
  PageOverview,
  PageTransfers,
  RunRate,
} from "@taskflock/protocol/words";
import { budget, bytesOf, fitting, listOfLast } from "./budget.ts";
import { emptyOverview } from "./empty-overview.ts";
import { LimitWatch } from "./limit/limit-watch.ts";
import { Points } from "./points.ts";
import { ALL_RUNS, RunRates } from "./rates.ts";
import { Recent } from "./recent.ts";
import { SpanLog } from "./span-log.ts";
import { WorkerTable } from "./worker-table.ts";

type Detail = PageDetails["items"][number];
/** Of one line, UTF-16 units: what is longer is cut, and whole over REST. */
const TEXT_UNITS = 4096;

export class FeedState {
  readonly spans: SpanLog = new SpanLog();
  readonly workers: WorkerTable = new WorkerTable();
  readonly events: Recent<ClusterEvent> = new Recent(budget.events, shortened);
  readonly logs: Recent<LogEntry> = new Recent(budget.logs, shortened);
  readonly details: Recent<Detail> = new Recent(
    budget.details,
    (detail) => JSON.stringify(detail),
    ({ run }) => run,
  );
  readonly #points: Points = new Points();
  readonly #rates: RunRates = new RunRates();
  readonly #limits: LimitWatch = new LimitWatch();
  readonly #encoded: Map<string, string | null> = new Map();
  #overview: PageOverview = emptyOverview;
  #rateList: readonly RunRate[] = [];
  #newPoints: string[] = [];
  #transfers: PageTransfers | null = null;
  #newTransfers = false;
  #connected = false;
  #wall = 0;
  #changed = false;
  #limit = "";
  #seq = 0;

  get points(): readonly FeedPoint[] {
    return this.#points.all;
  }

  get overview(): PageOverview {
    return this.#overview;
  }

  /** Whether there is more to say than that the time has gone on. */
  get hasNews(): boolean {
    const parts = [this.spans, this.workers, this.events, this.logs, this.details];
    return this.#changed || this.#newTransfers || this.#newPoints.length > 0 || parts.some((part) => part.hasNews);
  }

  /** Whether tasks moved, or something happened, since the last round. */
  get isBusy(): boolean {
    return this.#changed;
  }

  /** `wall`: ms since 1970; `answerMs`: how long the scheduler took. Another scheduler than before: all else is forgotten. */
  overviewCame(overview: PageOverview, wall: number, answerMs: number): { readonly isOther: boolean } {
    const before = this.#overview;
    const isOther = before.scheduler.id !== "" && before.scheduler.id !== overview.scheduler.id;
    if (isOther) this.#forget();
    this.#changed ||= !this.#connected || isOther || differs(before, overview);
    this.#connected = true;
    this.#overview = overview;
    this.#wall = wall;
    this.#rateList = this.#rates.update(overview);
    const point = this.#points.add(overview, wall);
    if (point !== null) this.#newPoints.push(JSON.stringify(point));
    this.#limits.overviewCame(overview, answerMs);
    return { isOther };
  }

  /** There is no link to the scheduler; what was known stays. */
  linkLost(wall: number): void {
    this.#changed ||= this.#connected;
    this.#connected = false;
    this.#overview = { ...this.#overview, now: this.#overview.now + Math.max(0, wall - this.#wall) * 1000 };
    this.#wall = wall;
  }

  transfersCame(transfers: PageTransfers): void {
    this.#newTransfers = true;
    this.#transfers = transfers;
  }

  /** Begins what is said in this round. */
  begin(): void {
    this.#seq++;
    this.#encoded.clear();
    this.#limit = this.#limits.sentence({
      connected: this.#connected,
      secondsLeft: this.#rateList.find(({ run }) => run === ALL_RUNS)?.secondsLeft ?? null,
      running: this.spans.longest(this.#overview.now, (worker) => this.workers.nameOf(worker)),
    });
  }

  /** What a page with this wish is sent: `isFresh`: from the beginning, else since the round before. JSON. */
  message(wish: FeedWish, isFresh: boolean): string {
    const parts = [
      `"seq":${this.#seq},"fresh":${isFresh},"wall":${this.#wall},"now":${this.#overview.now},"connected":${this.#connected}`,
      `"limit":${this.#once("limit", () => JSON.stringify(this.#limit))}`,
      `"overview":${this.#once("overview", () => encodeOverview(this.#overview))}`,
      `"rates":${this.#once("rates", () => encodeRates(this.#rateList))}`,
      `"points":${this.#once(`points:${isFresh}`, () => this.#encodePoints(isFresh))}`,
    ];
    for (const topic of wish.topics) {
      const run = topic === "details" ? wish.run : 0;
      const part = this.#once(`${topic}:${run}:${isFresh}`, () => this.#topic(topic, run, isFresh));
      if (part !== null) parts.push(`"${topic}":${part}`);
    }
    return `{${parts.join()}}`;
  }

  /** All pages that follow have what was new. */
  settle(): void {
    this.#changed = false;
    this.#newTransfers = false;
    this.#newPoints = [];
    for (const part of [this.spans, this.workers, this.events, this.logs, this.details]) part.settle();
  }

  /** What nobody wishes any more is not kept up to date: whoever wishes it next begins anew. */
  drop(topic: FeedTopic): void {
    if (topic === "transfers") this.#transfers = null;
    else this[topic].clear();
  }

  #once<T extends string | null>(key: string, encode: () => T): T {
    const known = this.#encoded.get(key);
    if (known !== undefined) return known as T;
    const text = encode();
    this.#encoded.set(key, text);
    return text;
  }

  #topic(topic: FeedTopic, run: number, isFresh: boolean): string | null {
    if (topic === "transfers") return isFresh || this.#newTransfers ? encodeTransfers(this.#transfers) : null;
    return topic === "details" ? this.details.part(isFresh, run) : this[topic].part(isFresh);
  }

  #encodePoints(isFresh: boolean): string {
    const texts = isFresh ? this.#points.all.map((point) => JSON.stringify(point)) : this.#newPoints;
    return listOfLast(texts, budget.points).text;
  }

  #forget(): void {
    this.#points.clear();
    this.#newPoints = [];
    this.#rates.clear();
    this.#limits.clear();
    this.#transfers = null;
    for (const part of [this.spans, this.workers, this.events, this.logs, this.details]) part.clear();
  }
}

/** Beside the figures that come with heartbeats: those travel with the next point. */
function differs(before: PageOverview, after: PageOverview): boolean {
  if (before.transitions !== after.transitions || before.lastEvent !== after.lastEvent) return true;
  if (before.lastDetail !== after.lastDetail || before.lastLine !== after.lastLine) return true;
  if (before.sessions !== after.sessions || before.runs.length !== after.runs.length) return true;
  return before.runs.some((run, index) => {
    const now = after.runs[index];
    return now?.status !== run.status || now.stepsDone !== run.stepsDone || now.name !== run.name;
  });
}

/** Where names are so long that it takes too much, fewer are listed. */
function encodeOverview(overview: PageOverview): string {
  const { runs, functions, queues } = overview;
  const most = Math.max(runs.length, functions.length, queues.length);
  return fitting(most, budget.overview, (rows) => ({
    ...overview,
    runs: runs.slice(0, rows),
    functions: functions.slice(0, rows),
    queues: queues.slice(0, rows),
  }));
}

function encodeRates(rates: readonly RunRate[]): string {
  return fitting(rates.length, budget.rates, (rows) => rates.slice(0, rows));
}

function encodeTransfers(transfers: PageTransfers | null): string | null {
  if (transfers === null) return null;
  const { pairs, recent } = transfers;
  return fitting(Math.max(pairs.length, recent.length), budget.transfers, (rows) => ({
    ...transfers,
    pairs: pairs.slice(0, rows),
    recent: recent.slice(0, rows),
  }));
}

function shortened(item: ClusterEvent | LogEntry): string {
  const text = JSON.stringify(
    item.text.length > TEXT_UNITS ? { ...item, text: `${item.text.slice(0, TEXT_UNITS)}…` } : item,
  );
  // Names without end: what it was is still told.
  return bytesOf(text) <= 8 * TEXT_UNITS ? text : JSON.stringify({ ...item, key: "", text: item.text.slice(0, 200) });
}
