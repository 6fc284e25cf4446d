// What moved between workers: a matrix from whom to whom, and what of it is slow or unbalanced, in words.

import type { FeedPoint, PageTransfers } from "@taskflock/protocol/words";
import { byteRate, bytes, count, percent } from "../../ui/format.ts";

type Pair = PageTransfers["pairs"][number];

/** Workers that have a row and a column of their own; the others are one. */
export const MATRIX_WORKERS = 40;
export const OTHERS = "others";

export interface Matrix {
  /** By bytes that they sent or got, the most first; the last is `OTHERS` when there are more. */
  readonly names: readonly string[];
  /** How many workers `OTHERS` stands for; 0 when there is none. */
  readonly folded: number;
  /** Row by row: `cells[from * names.length + to]`. Null: nothing moved. */
  readonly cells: readonly (MatrixCell | null)[];
  readonly mostBytes: number;
}
export interface MatrixCell {
  readonly bytes: number;
  readonly count: number;
  readonly us: number;
  readonly failures: number;
}

export function matrixOf(pairs: readonly Pair[], limit: number = MATRIX_WORKERS): Matrix {
  const moved = new Map<string, number>();
  for (const pair of pairs) {
    for (const name of new Set([pair.from, pair.to])) moved.set(name, (moved.get(name) ?? 0) + pair.bytes);
  }
  const ordered = [...moved.keys()].sort((a, b) => moved.get(b)! - moved.get(a)! || byName(a, b));
  const names = ordered.slice(0, limit);
  const folded = ordered.length - names.length;
  if (folded > 0) names.push(OTHERS);
  const index = new Map(names.slice(0, limit).map((name, at) => [name, at]));
  const cells = Array<MatrixCell | null>(names.length * names.length).fill(null);
  for (const pair of pairs) {
    const at = (index.get(pair.from) ?? limit) * names.length + (index.get(pair.to) ?? limit);
    cells[at] = added(cells[at] ?? null, pair);
  }
  return { names, folded, cells, mostBytes: Math.max(0, ...cells.map((cell) => cell?.bytes ?? 0)) };
}

function added(cell: MatrixCell | null, pair: MatrixCell): MatrixCell {
  return {
    bytes: (cell?.bytes ?? 0) + pair.bytes,
    count: (cell?.count ?? 0) + pair.count,
    us: (cell?.us ?? 0) + pair.us,
    failures: (cell?.failures ?? 0) + pair.failures,
  };
}

const collator = new Intl.Collator("en", { numeric: true });
function byName(a: string, b: string): number {
  return collator.compare(a, b);
}

/** How dark a cell is, from 0 to 1. By the logarithm: one large pair must not make all others look like nothing. */
export function intensity(of: number, most: number): number {
  if (of <= 0 || most <= 0) return 0;
  return 0.12 + 0.88 * Math.max(0, 1 + Math.log10(of / most) / 4);
}

/** Bytes per second while it moved; null when no time is known. */
export function meanRate({ bytes: moved, us }: { readonly bytes: number; readonly us: number }): number | null {
  return us > 0 ? (moved / us) * 1e6 : null;
}

/** "worker-1 to worker-2: 1.5 MiB in 3 fetches, 120 MiB/s". */
export function describeCell(from: string, to: string, cell: MatrixCell | null): string {
  if (cell === null) return `${from} to ${to}: nothing`;
  const rate = meanRate(cell);
  const parts = [`${bytes(cell.bytes)} in ${count(cell.count, "fetch", "fetches")}`];
  if (rate !== null) parts.push(byteRate(rate));
  if (cell.failures > 0) parts.push(`${cell.failures} failed`);
  return `${from} to ${to}: ${parts.join(", ")}`;
}

/** Seconds over which the rate of the present is taken. */
const RATE_SECONDS = 5;

/** Bytes per second that move between workers now; null when too little is known. */
export function rateNow(points: readonly FeedPoint[]): number | null {
  const last = points.at(-1);
  const first = points.findLast(({ at }) => last !== undefined && last.at - at >= RATE_SECONDS * 1000) ?? points[0];
  if (last === undefined || first === undefined || last.at <= first.at) return null;
  return Math.max(0, ((last.movedBytes - first.movedBytes) / (last.at - first.at)) * 1000);
}

/** Less than this says nothing of how fast somebody is. */
const ENOUGH_BYTES = 4 * 1024 * 1024;
/** Times slower than the middle of the others: people are told. */
const SLOW = 3;
/** Share of all bytes that one worker sends, with three or more, that people are told. */
const MUCH = 0.5;
/** What programs go by among those that send. */
const CLIENT = "client";

/** What a person should know of all that, the most important first. */
export function transferSentences({ pairs, totalBytes }: Pick<PageTransfers, "pairs" | "totalBytes">): string[] {
  if (pairs.length === 0)
    return ["Nothing has moved between workers: every task ran where its data was, or took none."];
  const all = pairs.reduce<MatrixCell>(added, { bytes: 0, count: 0, us: 0, failures: 0 });
  const rate = meanRate(all);
  const pace = rate === null ? "" : `, at ${byteRate(rate)} on average`;
  const total = `${bytes(Math.max(totalBytes, all.bytes))} moved in ${count(all.count, "fetch", "fetches")}${pace}.`;
  const remarks = [failing(pairs, all), slow(pairs, "from"), slow(pairs, "to"), unbalanced(pairs, all.bytes)];
  const said = remarks.filter((remark) => remark !== "");
  return [total, ...(said.length > 0 ? said : evenly(pairs))];
}

function evenly(pairs: readonly Pair[]): string[] {
  return pairs.length < 2 ? [] : ["No worker stands out as slow, and none sends most of it."];
}

function failing(pairs: readonly Pair[], all: MatrixCell): string {
  if (all.failures === 0) return "";
  const worst = pairs.reduce((a, b) => (b.failures > a.failures ? b : a));
  const failed = `${count(all.failures, "fetch", "fetches")} failed and went on from elsewhere or again`;
  return `${failed}; ${worst.failures === all.failures ? "all" : `${worst.failures}`} from ${worst.from} to ${worst.to}.`;
}

interface Side {
  readonly name: string;
  readonly bytes: number;
  readonly us: number;
}
function sides(pairs: readonly Pair[], side: "from" | "to"): Side[] {
  const all = new Map<string, { name: string; bytes: number; us: number }>();
  for (const pair of pairs) {
    const one = all.get(pair[side]) ?? { name: pair[side], bytes: 0, us: 0 };
    one.bytes += pair.bytes;
    one.us += pair.us;
    all.set(pair[side], one);
  }
  return [...all.values()];
}

/** One end that is much slower than the middle of the others. */
function slow(pairs: readonly Pair[], side: "from" | "to"): string {
  const known = sides(pairs, side)
    .filter(({ bytes: moved, us }) => moved >= ENOUGH_BYTES && us > 0)
    .map((one) => ({ name: one.name, rate: meanRate(one)! }))
    .sort((a, b) => a.rate - b.rate);
  const [slowest, ...others] = known;
  const middle = others[others.length >> 1];
  if (slowest === undefined || middle === undefined || slowest.rate * SLOW > middle.rate) return "";
  const what = side === "from" ? `What ${slowest.name} sends is slow` : `What ${slowest.name} fetches is slow`;
  return `${what}: ${byteRate(slowest.rate)}, where others have ${byteRate(middle.rate)}. Look at its network, and at how busy it is.`;
}

function unbalanced(pairs: readonly Pair[], all: number): string {
  const senders = sides(pairs, "from").sort((a, b) => b.bytes - a.bytes);
  const [first] = senders;
  // Programs send arguments, too. Of two workers one always sends most of it; and to one other it is no bottleneck.
  const workers = new Set(pairs.flatMap(({ from, to }) => [from, to]).filter((name) => name !== CLIENT)).size;
  if (workers < 3 || first === undefined || all < ENOUGH_BYTES || first.bytes < MUCH * all) return "";
  const to = pairs.filter(({ from, bytes: sent }) => from === first.name && sent > 0).length;
  if (to < 2) return "";
  const share = `${first.name} sent ${percent(first.bytes / all)} of it to ${count(to, "worker")}`;
  return `${share}: data that many tasks need is there. Give it to more workers with client.replicate(), or split it.`;
}
