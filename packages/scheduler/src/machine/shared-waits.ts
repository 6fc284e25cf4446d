// Questions that wait for a shared object, and answers that the client may not have: each question is answered once, and its answer
// is kept until the client says that it has it.

import type { Micros } from "@taskflock/protocol/words";
import { sayAnswer } from "./announce.ts";
import type { Core } from "./core.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { drop, refused } from "./shared-items.ts";
import type { Item, SharedObject, Wait, Want } from "./shared-objects.ts";
import { Timers } from "./timers.ts";

/** Deadlines of waits that are over, before they are cleared away. */
const STALE_DEADLINES = 64;
const NOTHING: QuestionAnswer = { value: null, error: null };

/** It is carried out: what the client is told, now or when it reads again, and also again after a cut. */
export function reply(
  core: Core,
  session: Session,
  id: number,
  answer: QuestionAnswer = NOTHING,
  item: Item | null = null,
  from: string | null = null,
): void {
  core.shared.share(session).kept.set(id, { answer, item, from, said: false });
  sayKept(core, session, id);
}

/** Nothing when it still waits. */
export function sayKept(core: Core, session: Session, id: number): void {
  const kept = core.shared.shares.get(session.id)?.kept.get(id);
  if (kept === undefined) return;
  // What was taken may have been said twice, and freed after the first time.
  if (!core.canTell(session)) session.asks.push({ id, answer: () => keptAnswer(core, session, id) });
  else sayAnswer(core, session, id, keptAnswer(core, session, id));
}

function keptAnswer(core: Core, session: Session, id: number): QuestionAnswer {
  const kept = core.shared.shares.get(session.id)?.kept.get(id);
  if (kept === undefined) return NOTHING;
  kept.said = true;
  return kept.answer;
}

/** The client has the answers. */
export function heard(core: Core, session: Session, ids: readonly number[]): void {
  const share = core.shared.shares.get(session.id);
  if (share === undefined) return;
  for (const id of ids) {
    const kept = share.kept.get(id);
    share.kept.delete(id);
    if (kept !== undefined && kept.item !== null) drop(core, kept.item);
  }
  letShareGo(core, session);
}

export function letShareGo(core: Core, session: Session): void {
  const share = core.shared.shares.get(session.id);
  if (share !== undefined && share.waits.size + share.kept.size + share.leases.size === 0) {
    core.shared.shares.delete(session.id);
  }
}

/** Waits, or is told at once that the time is over. */
export function wait(
  core: Core,
  session: Session,
  id: number,
  object: SharedObject,
  want: Want,
  timeoutMs: number | null,
): void {
  if (timeoutMs === 0) {
    if (want.what === "put") drop(core, want.item);
    core.shared.letGo(object);
    reply(core, session, id, tooLate(object, want));
    return;
  }
  const deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : core.now + timeoutMs * 1000;
  const waiter: Wait = { session, id, object, want, deadline };
  object.waiting.add(waiter);
  core.shared.share(session).waits.set(id, waiter);
  if (timeoutMs !== null) setDeadline(core, waiter);
}

/** It waits no more. What it wanted to put is the caller's. */
export function endWait(core: Core, waiter: Wait): void {
  const { shared } = core;
  waiter.object.waiting.delete(waiter);
  shared.shares.get(waiter.session.id)?.waits.delete(waiter.id);
  if (waiter.deadline === Number.POSITIVE_INFINITY) return;
  shared.timed--;
  if (shared.deadlines.size > 2 * shared.timed + STALE_DEADLINES) clearStale(core);
}

/** It gets nothing. */
export function refuseWait(core: Core, waiter: Wait, answer: QuestionAnswer): void {
  const { session, id, want, object } = waiter;
  endWait(core, waiter);
  if (want.what === "put") drop(core, want.item);
  reply(core, session, id, answer);
  core.shared.letGo(object);
}

/** The alarm for waits: those whose time is over are told. */
export function waitsDue(core: Core): void {
  const { shared } = core;
  if (shared.alarm !== null && shared.alarm <= core.now) shared.alarm = null;
  for (let due = shared.deadlines.take(core.now); due !== null; due = shared.deadlines.take(core.now)) {
    if (due.what !== "wait" || !isWaiting(core, due.wait)) continue;
    refuseWait(core, due.wait, tooLate(due.wait.object, due.wait.want));
  }
  arm(core);
}

function isWaiting(core: Core, waiter: Wait): boolean {
  return core.shared.shares.get(waiter.session.id)?.waits.get(waiter.id) === waiter;
}

function setDeadline(core: Core, waiter: Wait): void {
  core.shared.timed++;
  core.shared.deadlines.set(waiter.deadline as Micros, { what: "wait", wait: waiter });
  arm(core);
}

function arm(core: Core): void {
  const { shared } = core;
  const next = shared.deadlines.next();
  if (next === null || (shared.alarm !== null && shared.alarm <= next)) return;
  shared.alarm = next;
  core.timers.set(next, { what: "waits" });
}

function clearStale(core: Core): void {
  const { shared } = core;
  shared.deadlines = new Timers();
  for (const share of shared.shares.values()) {
    for (const waiter of share.waits.values()) {
      if (waiter.deadline < Number.POSITIVE_INFINITY) {
        shared.deadlines.set(waiter.deadline as Micros, { what: "wait", wait: waiter });
      }
    }
  }
}

const wanted = {
  put: "had no room",
  take: "had nothing to take",
  lease: "was held by others",
  set: "was not set",
} as const;

function tooLate({ kind, name }: SharedObject, { what }: Want): QuestionAnswer {
  return refused(
    "FLOCK_WAIT_TIMEOUT",
    `The ${kind} "${name}" ${wanted[what]} in the given time. Wait longer, or do without.`,
  );
}
