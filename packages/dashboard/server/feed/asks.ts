// What the feed asks the scheduler. The dashboard's observer answers; in unit tests a fake does.

import type { AnswerOf, Question } from "@taskflock/protocol/words";

type Kind = "pageOverview" | "pageWorkers" | "pageSpans" | "pageTransfers" | "pageDetails" | "events" | "logs";
export type FeedQuestion = Extract<Question, { q: Kind }>;

export interface Asks {
  /** Whether there is a link to the scheduler now. */
  readonly connected: boolean;
  /** Called after each change of `connected`, until what is returned is called. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Rejects at once while there is no link. */
  ask<Q extends FeedQuestion>(question: Q): Promise<{ readonly value: AnswerOf<Q> }>;
}
