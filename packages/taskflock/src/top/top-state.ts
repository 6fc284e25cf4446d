// What `taskflock top` knows and how it is looked at. Pure: answers and keys go in.

import { LimitWatch, RunRates } from "@taskflock/dashboard/watch";
import type { PageOverview, PageWorker, RunRate } from "@taskflock/protocol/words";

export const sortColumns = ["name", "tasks", "cpu", "memory", "stored"] as const;
export type SortColumn = (typeof sortColumns)[number];

export interface View {
  readonly sort: SortColumn;
  /** Workers above the first that is shown. */
  readonly scroll: number;
  readonly isPaused: boolean;
}
export const firstView: View = { sort: "cpu", scroll: 0, isPaused: false };

/** What a key makes of the view; "quit" for those that end it. */
export function pressed(view: View, key: string, workers: number): View | "quit" {
  switch (key) {
    case "q":
    case "Q":
    case "\u0003": // Ctrl-C
      return "quit";
    case "s":
    case "\u001b[C": // right
      return { ...view, sort: besides(view.sort, 1), scroll: 0 };
    case "S":
    case "\u001b[D": // left
      return { ...view, sort: besides(view.sort, -1), scroll: 0 };
    case "p":
    case " ":
      return { ...view, isPaused: !view.isPaused };
    case "\u001b[B": // down
      return { ...view, scroll: Math.min(Math.max(0, workers - 1), view.scroll + 1) };
    case "\u001b[A": // up
      return { ...view, scroll: Math.max(0, view.scroll - 1) };
    default:
      return view;
  }
}

function besides(sort: SortColumn, step: number): SortColumn {
  const count = sortColumns.length;
  return sortColumns[(sortColumns.indexOf(sort) + step + count) % count]!;
}

/** What is shown at one moment. */
export interface Shown {
  readonly address: string;
  readonly overview: PageOverview;
  readonly workers: readonly PageWorker[];
  readonly rates: ReadonlyMap<number, RunRate>;
  readonly limit: string;
  readonly connected: boolean;
  /** Milliseconds since 1970. */
  readonly wall: number;
}

/** Makes what is shown of one answer after another. */
export class TopWatch {
  readonly #address: string;
  readonly #rates: RunRates = new RunRates();
  readonly #limits: LimitWatch = new LimitWatch();
  #scheduler = "";
  #shown: Shown | null = null;

  constructor(address: string) {
    this.#address = address;
  }

  /** Null before the first answer. */
  get shown(): Shown | null {
    return this.#shown;
  }

  answered(overview: PageOverview, workers: readonly PageWorker[], wall: number, answerMs: number): Shown {
    if (overview.scheduler.id !== this.#scheduler) this.#forget(overview.scheduler.id);
    const rates = new Map(this.#rates.update(overview).map((rate) => [rate.run, rate]));
    this.#limits.overviewCame(overview, answerMs);
    const secondsLeft = rates.get(0)?.secondsLeft ?? null;
    const limit = this.#limits.sentence({ connected: true, secondsLeft, running: [] });
    this.#shown = { address: this.#address, overview, workers, rates, limit, connected: true, wall };
    return this.#shown;
  }

  /** The scheduler does not answer; the last that was known stays. */
  lost(wall: number): void {
    const limit = this.#limits.sentence({ connected: false, secondsLeft: null, running: [] });
    if (this.#shown !== null) this.#shown = { ...this.#shown, limit, connected: false, wall };
  }

  #forget(scheduler: string): void {
    this.#scheduler = scheduler;
    this.#rates.clear();
    this.#limits.clear();
  }
}

/** In the order of the column, the largest first; by name where it is the same. */
export function sorted(workers: readonly PageWorker[], sort: SortColumn): readonly PageWorker[] {
  const value: Readonly<Record<SortColumn, (worker: PageWorker) => number>> = {
    name: () => 0,
    tasks: ({ assigned }) => assigned,
    cpu: ({ metrics }) => metrics?.cpuPercent ?? -1,
    memory: ({ metrics }) => metrics?.rssBytes ?? -1,
    stored: ({ storedBytes }) => storedBytes,
  };
  const of = value[sort];
  return [...workers].sort((a, b) => of(b) - of(a) || a.name.localeCompare(b.name, "en", { numeric: true }));
}
