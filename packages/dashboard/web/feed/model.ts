// What the page knows, made from feed messages alone. No clock, no DOM: the same messages make the same model.

import type {
  ClusterEvent,
  FeedMessage,
  FeedPoint,
  LogEntry,
  PageOverview,
  PageSpans,
  PageTransfers,
  RunRate,
} from "@taskflock/protocol/words";
import { SpanRing } from "./span-ring.ts";
import { nextWorkers, type WorkerRow } from "./worker-rows.ts";

/** How much is kept, however long the page is open. */
export interface Limits {
  readonly spans: number;
  readonly points: number;
  readonly events: number;
  readonly logs: number;
  /** UTF-16 units of all lines that are kept, together. */
  readonly logUnits: number;
  readonly details: number;
}
export const defaultLimits: Limits = {
  spans: 131_072,
  points: 1800,
  events: 2000,
  logs: 5000,
  logUnits: 2_000_000,
  details: 50_000,
};

export type DetailItem = NonNullable<FeedMessage["details"]>["items"][number];

/** The newest, the oldest first; and how many before them are not there. */
export interface Kept<T> {
  readonly items: readonly T[];
  readonly missed: number;
}

export interface Spans {
  /** One ring for the life of the model: it changes in place, and `version` with it. */
  readonly ring: SpanRing;
  readonly version: number;
  readonly running: PageSpans["running"];
  readonly runningKeys: readonly string[];
  readonly skipped: PageSpans["skipped"];
  readonly missed: number;
}

export interface Model {
  readonly limits: Limits;
  /** Of the last message; 0 before the first. */
  readonly seq: number;
  /** Whether the dashboard has a link to the scheduler. */
  readonly connected: boolean;
  readonly limit: string;
  /** The scheduler's clock in the last message, µs. */
  readonly now: number;
  /** The server's clock, ms since 1970, less the scheduler's, ms. */
  readonly offsetMs: number;
  readonly overview: PageOverview | null;
  readonly rates: ReadonlyMap<number, RunRate>;
  readonly points: readonly FeedPoint[];
  readonly spans: Spans;
  /** Names of functions by number. */
  readonly names: ReadonlyMap<number, string>;
  readonly workers: ReadonlyMap<number, WorkerRow>;
  readonly transfers: PageTransfers | null;
  readonly events: Kept<ClusterEvent>;
  readonly logs: Kept<LogEntry>;
  readonly details: Kept<DetailItem>;
}

const nothing: Kept<never> = { items: [], missed: 0 };
const noSkipped: PageSpans["skipped"] = { worker: [], fn: [], count: [], us: [] };
const noRunning: PageSpans["running"] = { task: [], fn: [], worker: [], startedAt: [] };

/** What is known before the first message. */
export function emptyModel(limits: Limits = defaultLimits): Model {
  return {
    limits,
    seq: 0,
    connected: true,
    limit: "",
    now: 0,
    offsetMs: 0,
    overview: null,
    rates: new Map(),
    points: [],
    spans: {
      ring: new SpanRing(limits.spans),
      version: 0,
      running: noRunning,
      runningKeys: [],
      skipped: noSkipped,
      missed: 0,
    },
    names: new Map(),
    workers: new Map(),
    transfers: null,
    events: nothing,
    logs: nothing,
    details: nothing,
  };
}

/** The model after a message. Parts that the message says nothing of are the same objects as before. */
export function applyMessage(before: Model, message: FeedMessage): Model {
  const model = message.fresh ? emptyModel(before.limits) : before;
  const { limits } = model;
  return {
    limits,
    seq: message.seq,
    connected: message.connected,
    limit: message.limit,
    now: message.now,
    offsetMs: nextOffset(model, message),
    overview: message.overview,
    rates: new Map(message.rates.map((rate) => [rate.run, rate])),
    points: newest(model.points, message.points, limits.points),
    spans: message.spans === undefined ? model.spans : nextSpans(model.spans, message.spans),
    names: nextNames(model.names, message),
    workers: message.workers === undefined ? model.workers : nextWorkers(model.workers, message.workers),
    transfers: message.transfers ?? model.transfers,
    events: more(model.events, message.events, limits.events),
    logs: withinUnits(more(model.logs, message.logs, limits.logs), limits.logUnits),
    details: more(model.details, message.details, limits.details),
  };
}

/** The way of a message takes a different time each time; what is shown must not tremble with it. */
function nextOffset(model: Model, { wall, now }: FeedMessage): number {
  const offset = wall - now / 1000;
  return model.seq > 0 && Math.abs(offset - model.offsetMs) < 250 ? model.offsetMs : offset;
}

function newest<T>(before: readonly T[], added: readonly T[], limit: number): readonly T[] {
  if (added.length === 0) return before;
  const all = [...before, ...added];
  return all.length > limit ? all.slice(-limit) : all;
}

interface Numbered {
  readonly seq: number;
}

/** What is there already is not taken again. */
function more<T extends Numbered>(kept: Kept<T>, added: Kept<T> | undefined, limit: number): Kept<T> {
  if (added === undefined) return kept;
  const last = kept.items.at(-1)?.seq ?? 0;
  const items = newest(
    kept.items,
    added.items.filter((item) => item.seq > last),
    limit,
  );
  return items === kept.items && added.missed === 0 ? kept : { items, missed: kept.missed + added.missed };
}

function withinUnits(logs: Kept<LogEntry>, limit: number): Kept<LogEntry> {
  let units = 0;
  let from = logs.items.length;
  while (from > 0 && units + logs.items[from - 1]!.text.length <= limit) units += logs.items[--from]!.text.length;
  return from === 0 ? logs : { items: logs.items.slice(from), missed: logs.missed };
}

function nextSpans(before: Spans, spans: PageSpans): Spans {
  before.ring.push(spans);
  return {
    ring: before.ring,
    version: before.version + 1,
    running: spans.running,
    runningKeys: spans.runningKeys,
    skipped: nextSkipped(before.skipped, spans.skipped),
    missed: before.missed + spans.missed,
  };
}

/** Sums that did not change are not said again. */
function nextSkipped(before: PageSpans["skipped"], changed: PageSpans["skipped"]): PageSpans["skipped"] {
  if (changed.fn.length === 0) return before;
  const rows = new Map<string, readonly [number, number, number, number]>();
  for (const { worker, fn, count, us } of [before, changed]) {
    fn.forEach((one, row) => {
      rows.set(`${worker[row]}:${one}`, [worker[row]!, one, count[row]!, us[row]!]);
    });
  }
  const column = (index: 0 | 1 | 2 | 3): number[] => [...rows.values()].map((row) => row[index]);
  return { worker: column(0), fn: column(1), count: column(2), us: column(3) };
}

/** More names than this are not kept: those that are in use come again. */
const MAX_NAMES = 10_000;

function nextNames(before: ReadonlyMap<number, string>, { spans, overview }: FeedMessage): ReadonlyMap<number, string> {
  const named: (readonly [number, string])[] = overview.functions.map(({ fn, name }) => [fn, name]);
  for (const [fn, name] of Object.entries(spans?.names ?? {})) named.push([Number(fn), name]);
  const unknown = named.filter(([fn, name]) => before.get(fn) !== name);
  if (unknown.length === 0) return before;
  return new Map(before.size > MAX_NAMES ? named : [...before, ...unknown]);
}

/** Milliseconds since 1970 of a moment of the scheduler's clock, µs. */
export function wallOf(model: Pick<Model, "offsetMs">, us: number): number {
  return us / 1000 + model.offsetMs;
}
