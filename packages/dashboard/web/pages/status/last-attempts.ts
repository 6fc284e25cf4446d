// The last attempts that ended, of all workers or of one. No DOM.

import { spanEnds } from "@taskflock/protocol/words";
import type { SpanRing } from "../../feed/span-ring.ts";

export interface LastAttempt {
  /** Which of the feed's. */
  readonly number: number;
  readonly task: number;
  readonly fn: number;
  readonly worker: number;
  readonly endedAt: number;
  readonly durationUs: number;
  readonly outcome: (typeof spanEnds)[number];
}

/** The newest first, at most so many. */
export function lastAttempts(ring: SpanRing, most: number, worker?: number): LastAttempt[] {
  const found: LastAttempt[] = [];
  for (let number = ring.next - 1; number >= ring.first && found.length < most; number--) {
    const at = ring.at(number);
    if (worker !== undefined && ring.worker[at] !== worker) continue;
    found.push({
      number,
      task: ring.task[at]!,
      fn: ring.fn[at]!,
      worker: ring.worker[at]!,
      endedAt: ring.endedAt[at]!,
      durationUs: ring.durationUs[at]!,
      outcome: spanEnds[ring.end[at]!] ?? "stopped",
    });
  }
  return found;
}
