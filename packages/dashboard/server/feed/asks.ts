// What the feed asks the scheduler. The dashboard's observer answers; in unit tests a fake does.

import type { PageAnswers, PageQuestion, WatchAnswers, WatchQuestion } from "@taskflock/protocol/words";

export type FeedQuestion =
  | Extract<PageQuestion, { q: "pageOverview" | "pageWorkers" | "pageSpans" | "pageTransfers" | "pageDetails" }>
  | Extract<WatchQuestion, { q: "events" | "logs" }>;

interface Answers extends PageAnswers, WatchAnswers {}
export type FeedAnswer<Q extends FeedQuestion> = Answers[Q["q"]];

export interface Asks {
  /** Whether there is a link to the scheduler now. */
  readonly connected: boolean;
  /** Called after each change of `connected`, until what is returned is called. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Rejects at once while there is no link. */
  ask<Q extends FeedQuestion>(question: Q): Promise<{ readonly value: FeedAnswer<Q> }>;
}
