// What a page says: which topics it wants. Anything else closes it.

import { type FeedTopic, type FeedWish, feedTopics } from "@taskflock/protocol/words";

/** Null: it is none. */
export function parseWish(text: string): FeedWish | null {
  const said = parsed(text);
  if (typeof said !== "object" || said === null) return null;
  const { topics, run, paused } = said as Partial<Record<string, unknown>>;
  if (!Array.isArray(topics) || typeof paused !== "boolean") return null;
  if (!Number.isSafeInteger(run) || (run as number) < 0) return null;
  if (!topics.every((topic) => (feedTopics as readonly unknown[]).includes(topic))) return null;
  // In one order, each once: pages that want the same share what is sent.
  return { topics: feedTopics.filter((topic) => topics.includes(topic)), run: run as number, paused };
}

/** Pages with the same kind of wish get the same bytes. */
export function kindOf({ topics, run }: FeedWish): string {
  return topics.includes("details") ? `${topics.join()}:${run}` : topics.join();
}

export function wants(wish: FeedWish | null, topic: FeedTopic): boolean {
  return wish !== null && !wish.paused && wish.topics.includes(topic);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
