// The feed's hub: asks the scheduler for all pages together, and sends each what it wishes. Nothing is asked before the first page, and
// no round begins before the last one is answered.

import type { FeedPoint, FeedWish } from "@taskflock/protocol/words";
import type { Asks } from "./asks.ts";
import { FeedState } from "./feed-state.ts";
import { BACKGROUND_FOR_MS, BACKGROUND_MS, Pace, SLOWEST_MS } from "./pace.ts";
import { type Outlet, type Page, PageBook } from "./page-book.ts";
import { Topics } from "./topics.ts";

/** Time and timers. */
export interface FeedClock {
  /** Monotonic, ms. */
  now(): number;
  /** Since 1970, ms. */
  wall(): number;
  /** Calls it once; what is returned stops it. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: FeedClock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export class Hub {
  readonly #asks: Asks;
  readonly #clock: FeedClock;
  readonly #state: FeedState = new FeedState();
  readonly #pages: PageBook = new PageBook();
  readonly #topics: Topics;
  readonly #pace: Pace = new Pace();
  readonly #stopListening: () => void;
  #stopTimer: (() => void) | null = null;
  #isAsking = false;
  /** Somebody wished something while a round was under way. */
  #again = false;
  /** When somebody last looked, ms; null: nobody ever did. */
  #lookedAt: number | null = null;
  #isClosed = false;

  constructor(asks: Asks, clock: FeedClock = systemClock) {
    this.#asks = asks;
    this.#clock = clock;
    this.#topics = new Topics(asks, this.#state);
    this.#stopListening = asks.onChange(() => {
      if (this.#lookedAt !== null) this.#hurry();
    });
  }

  get pages(): number {
    return this.#pages.size;
  }

  get points(): readonly FeedPoint[] {
    return this.#state.points;
  }

  /** Somebody signed in: from now on there is something to draw charts of. */
  opened(): void {
    this.#lookedAt = this.#clock.now();
    if (this.#stopTimer === null && !this.#isAsking) this.#hurry();
  }

  /** It gets messages once it has said what it wishes. */
  join(outlet: Outlet): Page {
    return this.#pages.add(outlet);
  }

  wish(page: Page, wish: FeedWish): void {
    this.#pages.wish(page, wish);
    this.#lookedAt = this.#clock.now();
    if (!wish.paused) this.#hurry();
  }

  leave(page: Page): void {
    this.#pages.remove(page);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#stopTimer?.();
  }

  /** A round begins at once, or after the one that is under way. */
  #hurry(): void {
    if (this.#isClosed) return;
    this.#pace.hurry();
    if (this.#isAsking) this.#again = true;
    else this.#schedule(0);
  }

  #schedule(ms: number): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#clock.after(ms, () => void this.#round().catch((error: unknown) => this.#failed(error)));
  }

  /** The feed lives in the scheduler's process: whatever is wrong with it, the cluster goes on, and the next round is tried. */
  #failed(error: unknown): void {
    process.emitWarning(
      `The status page's feed failed, and goes on: ${error instanceof Error ? error.stack : String(error)}`,
    );
    this.#isAsking = false;
    if (!this.#isClosed) this.#schedule(SLOWEST_MS);
  }

  async #round(): Promise<void> {
    this.#stopTimer = null;
    const began = this.#clock.now();
    this.#isAsking = true;
    this.#again = false;
    const answered = await this.#ask(began);
    this.#isAsking = false;
    if (this.#isClosed) return;
    const now = this.#clock.now();
    const isBusy = this.#state.isBusy;
    if (this.#pages.needsRound(this.#state.hasNews, now)) {
      this.#state.begin();
      this.#pages.send((wish, isFresh) => this.#state.message(wish, isFresh), now);
      this.#state.settle();
    } else if (!this.#pages.watching) this.#state.settle();
    this.#next(began, now, isBusy, answered);
  }

  #next(began: number, now: number, isBusy: boolean, answered: boolean): void {
    if (this.#again) {
      this.#schedule(0);
    } else if (this.#pages.watching) {
      this.#lookedAt = now;
      const wait = answered ? this.#pace.after(now - began, isBusy) : SLOWEST_MS;
      this.#schedule(Math.max(0, began + wait - now));
    } else if (now - (this.#lookedAt ?? Number.NEGATIVE_INFINITY) < BACKGROUND_FOR_MS) {
      this.#schedule(BACKGROUND_MS);
    }
  }

  /** Whether the scheduler answered. Why it does not, the pages' other requests are told. */
  async #ask(began: number): Promise<boolean> {
    try {
      const { value } = await this.#asks.ask({ q: "pageOverview" });
      const { isOther } = this.#state.overviewCame(value, this.#clock.wall(), this.#clock.now() - began);
      if (isOther) {
        this.#topics.clear();
        this.#pages.restart();
      }
    } catch {
      this.#state.linkLost(this.#clock.wall());
      return false;
    }
    // One topic that cannot be answered is asked for again; it does not take the others along.
    await this.#topics.ask(this.#pages.wished, began);
    return true;
  }
}
