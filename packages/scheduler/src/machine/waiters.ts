// Clients that wait until so many workers are there.

import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import { workerInfos } from "./info.ts";
import { takesTasks } from "./lanes.ts";

/** Enough workers are there for some who wait for that. */
export function answerWaiters(core: Core): void {
  if (core.waiters.length === 0) return;
  let there = 0;
  for (const worker of core.workers.values()) if (takesTasks(worker)) there++;
  const waiting = core.waiters.splice(0);
  for (const waiter of waiting) {
    const session = core.sessions.get(waiter.session);
    if (session === undefined) continue;
    if (there < waiter.count) core.waiters.push(waiter);
    else answer(core, session, waiter.id, () => ({ value: workerInfos(core), error: null }));
  }
}
