// The reports that are being collected: few, each bounded, forgotten when nobody fetches them.

import { randomBytes } from "node:crypto";
import { type FeedPoint, FlockError } from "@taskflock/protocol/words";
import { Collection, type ReportAsks } from "./collection.ts";
import type { ReportData } from "./report-data.ts";

/** At a time: each may take some tens of MB. */
export const MOST_REPORTS = 8;
/** How long one that has come to its end waits to be fetched, ms. */
export const KEPT_MS: number = 15 * 60_000;
const EVERY_MS = 1_000;

export interface ReportsOptions {
  readonly asks: ReportAsks;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  /** The charts' last minutes, as far as somebody looked. */
  readonly points: () => readonly FeedPoint[];
  readonly everyMs?: number;
}

interface Open {
  readonly title: string;
  readonly collection: Collection;
  /** Milliseconds since 1970: when it collects no more, and when it is forgotten. */
  readonly endsAt: number;
  readonly forgottenAt: number;
  round: Promise<void>;
}

export class Reports {
  readonly #options: ReportsOptions;
  readonly #open: Map<string, Open> = new Map();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Begins to collect, for so many seconds at most. Resolves once what comes from now on will be in it. */
  async start(title: string, seconds: number): Promise<{ readonly id: string; readonly endsAt: number }> {
    this.#forget();
    if (this.#open.size >= MOST_REPORTS) {
      throw new FlockError("FLOCK_REPORTS_FULL", `${MOST_REPORTS} reports are being collected already.`);
    }
    const { asks, wall, everyMs = EVERY_MS } = this.#options;
    const collection = new Collection({ asks, wall, back: false, points: [] });
    const endsAt = wall() + seconds * 1000;
    const id = randomBytes(18).toString("base64url");
    const round = collection.round();
    this.#open.set(id, { title, collection, endsAt, forgottenAt: endsAt + KEPT_MS, round });
    this.#timer ??= setInterval(() => this.#tick(), everyMs).unref();
    await round;
    return { id, endsAt };
  }

  /** Ends it. Rejects with FLOCK_REPORT_UNKNOWN, and with why the scheduler did not answer. */
  async end(id: string): Promise<ReportData> {
    this.#forget();
    const open = this.#open.get(id);
    if (open === undefined) {
      throw new FlockError("FLOCK_REPORT_UNKNOWN", `No report is being collected under the id ${id.slice(0, 64)}.`);
    }
    this.#open.delete(id);
    this.#rest();
    await open.round;
    return open.collection.end(open.title);
  }

  /** What is remembered now. */
  async now(title: string): Promise<ReportData> {
    const { asks, wall, points } = this.#options;
    return new Collection({ asks, wall, back: true, points: points() }).end(title);
  }

  close(): void {
    this.#open.clear();
    this.#rest();
  }

  #tick(): void {
    this.#forget();
    const now = this.#options.wall();
    for (const open of this.#open.values()) {
      // One round after the other: a scheduler that is slow is asked less often.
      if (open.endsAt > now && open.collection.isIdle) open.round = open.collection.round();
    }
  }

  #forget(): void {
    const now = this.#options.wall();
    for (const [id, { forgottenAt }] of this.#open) if (forgottenAt <= now) this.#open.delete(id);
    this.#rest();
  }

  #rest(): void {
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
