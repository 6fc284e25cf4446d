// Who watches, and what each is sent. Pure: what is sent to goes in as an `Outlet`, time is given. A page that does not read gets nothing
// until it has read all, then everything anew: nothing piles up for it.

import { type FeedTopic, type FeedWish, feedTopics } from "@taskflock/protocol/words";
import { kindOf, wants } from "./wish.ts";

/** What a page may have left unread and still be sent more, bytes. */
export const BEHIND_BYTES: number = 1024 * 1024;
/** How long it may take to read that, ms; then it is closed. */
export const BEHIND_MS = 30_000;
/** A page hears something at least so often, ms. */
const SILENT_MS = 1_000;

export interface Outlet {
  /** What was sent and has not left this process, bytes. */
  readonly bufferedAmount: number;
  send(bytes: Buffer): void;
  /** At once: who does not read does not read a goodbye either. */
  terminate(): void;
}

export interface Page {
  readonly outlet: Outlet;
  wish: FeedWish | null;
  /** It has had every message since a fresh one. */
  follows: boolean;
  behindSince: number | null;
  sentAt: number;
}

export class PageBook {
  readonly #pages: Set<Page> = new Set();

  get size(): number {
    return this.#pages.size;
  }

  /** Pages that want messages. */
  get watching(): boolean {
    for (const { wish } of this.#pages) if (wish !== null && !wish.paused) return true;
    return false;
  }

  get wished(): ReadonlySet<FeedTopic> {
    const pages = [...this.#pages];
    return new Set(feedTopics.filter((topic) => pages.some(({ wish }) => wants(wish, topic))));
  }

  add(outlet: Outlet): Page {
    const page: Page = { outlet, wish: null, follows: false, behindSince: null, sentAt: Number.NEGATIVE_INFINITY };
    this.#pages.add(page);
    return page;
  }

  remove(page: Page): void {
    this.#pages.delete(page);
  }

  /** It begins with a fresh message. */
  wish(page: Page, wish: FeedWish): void {
    page.wish = wish;
    page.follows = false;
  }

  /** All begin anew. */
  restart(): void {
    for (const page of this.#pages) page.follows = false;
  }

  /** Whether somebody is to be sent something in this round. */
  needsRound(hasNews: boolean, now: number): boolean {
    for (const page of this.#pages) {
      if (page.wish === null || page.wish.paused) continue;
      if (hasNews || !page.follows || now - page.sentAt >= SILENT_MS - 50) return true;
    }
    return false;
  }

  /** Sends one message to each, and the same bytes to all who wish the same. */
  send(encode: (wish: FeedWish, isFresh: boolean) => string, now: number): void {
    const encoded = new Map<string, Buffer>();
    for (const page of this.#pages) {
      const { wish } = page;
      if (wish === null || wish.paused) {
        page.follows = false;
        continue;
      }
      if (this.#isBehind(page, now)) continue;
      const kind = `${kindOf(wish)} ${page.follows}`;
      let bytes = encoded.get(kind);
      if (bytes === undefined) {
        bytes = Buffer.from(encode(wish, !page.follows));
        encoded.set(kind, bytes);
      }
      page.outlet.send(bytes);
      page.follows = true;
      page.sentAt = now;
    }
  }

  /** One that is behind stays so until it has read everything. */
  #isBehind(page: Page, now: number): boolean {
    const unread = page.outlet.bufferedAmount;
    if (page.behindSince === null ? unread <= BEHIND_BYTES : unread === 0) {
      page.behindSince = null;
      return false;
    }
    page.behindSince ??= now;
    page.follows = false;
    if (now - page.behindSince >= BEHIND_MS) {
      this.#pages.delete(page);
      page.outlet.terminate();
    }
    return true;
  }
}
