// What is asked of the scheduler in a round beside the overview: what pages wish, when it is due, and only what is new.

import { type FeedTopic, feedTopics, PAGE_SPANS, type PageSpans } from "@taskflock/protocol/words";
import type { Asks } from "./asks.ts";
import type { FeedState } from "./feed-state.ts";

/** Between two questions of a kind, ms. Spans of many slots rather come in larger pieces. */
const EVERY_MS = { workers: 1_000, transfers: 1_000, spans: 250, manySpans: 500 } as const;
const MANY_RUNNING = 256;
/** What one answer may have. */
const LIMIT = { spans: 2_048, events: 500, logs: 500, details: 1_000 } as const;
/** How far back a page sees that opens. */
const BACK = { spans: PAGE_SPANS, events: 200, logs: 200 } as const;

export class Topics {
  readonly #asks: Asks;
  readonly #state: FeedState;
  /** Number of the last that is known, of those that are wished; and when what has no numbers was asked, ms. */
  readonly #since: Map<FeedTopic, number> = new Map();
  readonly #askedAt: Map<FeedTopic, number> = new Map();

  constructor(asks: Asks, state: FeedState) {
    this.#asks = asks;
    this.#state = state;
  }

  /** Asks for these topics, as far as there is something new; resolves when all is answered, or refused. */
  async ask(wished: ReadonlySet<FeedTopic>, now: number): Promise<void> {
    for (const topic of feedTopics) if (!wished.has(topic)) this.#drop(topic);
    const questions = feedTopics.filter((topic) => wished.has(topic)).map((topic) => this.#ask[topic](now));
    await Promise.allSettled(questions);
  }

  /** Everything is asked anew: the scheduler is another. */
  clear(): void {
    this.#since.clear();
    this.#askedAt.clear();
  }

  #drop(topic: FeedTopic): void {
    const known = this.#since.delete(topic);
    if (this.#askedAt.delete(topic) || known) this.#state.drop(topic);
  }

  readonly #ask: Readonly<Record<FeedTopic, (now: number) => Promise<void>>> = {
    spans: async (now) => {
      const running = this.#state.spans.runningCount;
      if (!this.#isDue("spans", now, running > MANY_RUNNING ? EVERY_MS.manySpans : EVERY_MS.spans)) return;
      await this.#askSpans();
    },
    workers: async (now) => {
      if (!this.#isDue("workers", now, EVERY_MS.workers)) return;
      this.#state.workers.update((await this.#asks.ask({ q: "pageWorkers", workers: [] })).value);
    },
    transfers: async (now) => {
      if (!this.#isDue("transfers", now, EVERY_MS.transfers)) return;
      this.#state.transfersCame((await this.#asks.ask({ q: "pageTransfers" })).value);
    },
    events: async () => {
      const { lastEvent } = this.#state.overview;
      const since = this.#from("events", lastEvent, BACK.events);
      if (lastEvent <= since) return;
      const question = { q: "events", since, limit: LIMIT.events, wait: false } as const;
      const { items, missed } = (await this.#asks.ask(question)).value;
      this.#state.events.add(items, missed);
      this.#since.set("events", items.at(-1)?.seq ?? lastEvent);
    },
    logs: async () => {
      const { lastLine } = this.#state.overview;
      const since = this.#from("logs", lastLine, BACK.logs);
      if (lastLine <= since) return;
      const filter = { worker: "", key: "", run: "" };
      const question = { q: "logs", filter, since, limit: LIMIT.logs, wait: false } as const;
      const { items, missed } = (await this.#asks.ask(question)).value;
      this.#state.logs.add(items, missed);
      this.#since.set("logs", items.at(-1)?.seq ?? lastLine);
    },
    details: async () => {
      const { lastDetail } = this.#state.overview;
      const since = this.#from("details", lastDetail, lastDetail);
      if (lastDetail <= since) return;
      const { items, last, missed } = (await this.#asks.ask({ q: "pageDetails", run: 0, since, limit: LIMIT.details }))
        .value;
      this.#state.details.add(items, since === 0 ? 0 : missed);
      this.#since.set("details", last);
    },
  };

  /** Where more end than a page can be told, it is told the last of them: it shows what is now. */
  async #askSpans(): Promise<void> {
    const { spans, overview } = this.#state;
    const ask = async (since: number, limit: number): Promise<PageSpans> =>
      (await this.#asks.ask({ q: "pageSpans", since, limit })).value;
    if (spans.last === null) return spans.add(await ask(Math.max(0, overview.lastSpan - BACK.spans), PAGE_SPANS));
    // Sums come with what is new since a number: those of the part that is left out, too.
    if (overview.lastSpan - spans.last > LIMIT.spans) spans.add(await ask(spans.last, 1));
    const known = spans.last;
    const since = Math.max(known, overview.lastSpan - LIMIT.spans);
    const value = await ask(since, LIMIT.spans);
    spans.add({ ...value, missed: value.missed + since - known });
  }

  /** Where to go on; at first a little back from the last. */
  #from(topic: FeedTopic, last: number, back: number): number {
    const known = this.#since.get(topic);
    if (known !== undefined) return known;
    const since = Math.max(0, last - back);
    this.#since.set(topic, since);
    return since;
  }

  #isDue(topic: FeedTopic, now: number, everyMs: number): boolean {
    const asked = this.#askedAt.get(topic);
    if (asked !== undefined && now - asked < everyMs - 10) return false;
    this.#askedAt.set(topic, now);
    return true;
  }
}
