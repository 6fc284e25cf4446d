// How large a message to a page can become, whatever the cluster does: each part of it has its share.

import type { FeedTopic } from "@taskflock/protocol/words";

/** Bytes of JSON that each part may take. What is more is left out, and counted in `missed` where there is one. */
export const budget: Readonly<
  Record<FeedTopic | "overview" | "rates" | "points" | "running" | "skipped" | "names" | "envelope", number>
> = {
  overview: 160 * 1024,
  rates: 24 * 1024,
  points: 128 * 1024,
  spans: 384 * 1024,
  running: 160 * 1024,
  skipped: 64 * 1024,
  names: 64 * 1024,
  workers: 480 * 1024,
  transfers: 128 * 1024,
  events: 48 * 1024,
  logs: 96 * 1024,
  details: 192 * 1024,
  /** All that surrounds them. */
  envelope: 4 * 1024,
};

/** No message is larger: it is under 2 MiB. */
export const MAX_MESSAGE_BYTES: number = Object.values(budget).reduce((sum, part) => sum + part, 0);

export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** The last of these texts that fit, with commas between them, in `[…]`. */
export function listOfLast(texts: readonly string[], bytes: number): { readonly text: string; readonly left: number } {
  let first = texts.length;
  let sum = 2;
  while (first > 0) {
    sum += bytesOf(texts[first - 1]!) + 1;
    if (sum > bytes) break;
    first--;
  }
  return { text: `[${texts.slice(first).join()}]`, left: first };
}

/** Encodes so much of it as fits: `take` gives what has at most so many rows. */
export function fitting<T>(rows: number, bytes: number, take: (rows: number) => T): string {
  for (let count = rows; ; count = Math.floor(count / 2)) {
    const text = JSON.stringify(take(count));
    if (count === 0 || bytesOf(text) <= bytes) return text;
  }
}
