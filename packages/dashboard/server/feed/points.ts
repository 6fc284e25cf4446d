// The last minutes, a point a second, for charts of pages that open later.

import type { FeedPoint, PageOverview } from "@taskflock/protocol/words";

const KEPT_MS = 600_000;
const KEPT = 600;
const EVERY_MS = 1_000;
/** A timer may come a little early or late. */
const SLACK_MS = 50;

export class Points {
  #points: FeedPoint[] = [];

  get all(): readonly FeedPoint[] {
    return this.#points;
  }

  /** The point, if it is time for one. */
  add(overview: PageOverview, at: number): FeedPoint | null {
    const last = this.#points.at(-1);
    if (last !== undefined && at >= last.at && at - last.at < EVERY_MS - SLACK_MS) return null;
    const point = pointOf(overview, at);
    // A clock that was set back: what was before cannot be drawn with what comes.
    if (last !== undefined && at < last.at) this.#points = [];
    this.#points.push(point);
    const old = this.#points.findIndex((one) => at - one.at <= KEPT_MS);
    this.#points.splice(0, Math.max(old, this.#points.length - KEPT));
    return point;
  }

  clear(): void {
    this.#points = [];
  }
}

export function pointOf(overview: PageOverview, at: number): FeedPoint {
  const { ended, tasks, busy, slots, storedBytes, rssBytes, spilledBytes, movedBytes } = overview;
  const { queued, running } = tasks;
  return { at, ended, queued, running, busy, slots, storedBytes, rssBytes, spilledBytes, movedBytes };
}
