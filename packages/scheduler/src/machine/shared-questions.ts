// All that is asked of shared objects, and what becomes of them when a client is gone.

import type { SharedKind, SharedQuestion } from "@taskflock/protocol/words";
import { answer, freeQuestion } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { drop, refused } from "./shared-items.ts";
import { endLease, leaseHandlers } from "./shared-leases.ts";
import { keyOf, type SharedObject, sizeOf } from "./shared-objects.ts";
import { giveBack, queueHandlers } from "./shared-queue.ts";
import { setEvent, valueHandlers } from "./shared-values.ts";
import { endWait, heard, refuseWait, reply, sayKept } from "./shared-waits.ts";

type Handle = (core: Core, session: Session, id: number, question: never) => void;
type Acting = Exclude<SharedQuestion["q"], "sharedInfo" | "giveUp" | "answerAgain" | "heard">;

/** A client that uses the number of an open question again is told so: what is kept under that number would be lost. */
function onceOnly(handlers: Handlers<Acting>): Handlers<Acting> {
  const guarded = (Object.entries(handlers) as [string, Handle][]).map(([q, handle]): [string, Handle] => [
    q,
    (core, session, id, question) => {
      const share = core.shared.shares.get(session.id);
      const isOpen = share !== undefined && (share.waits.has(id) || share.kept.has(id) || share.leases.has(id));
      if (!isOpen) return handle(core, session, id, question);
      freeQuestion(core, question);
      answer(core, session, id, () => refused("FLOCK_PROTOCOL", `Question ${id} is open already.`));
    },
  ]);
  return Object.fromEntries(guarded) as Handlers<Acting>;
}

export const sharedHandlers: Handlers<SharedQuestion["q"]> = {
  ...onceOnly({ ...queueHandlers, ...leaseHandlers, ...valueHandlers, sharedDelete }),
  sharedInfo: (core, session, id, { kind, name }) => answer(core, session, id, () => infoOf(core, kind, name)),
  giveUp: (core, session, _id, { of }) => {
    const waiter = core.shared.shares.get(session.id)?.waits.get(of);
    if (waiter === undefined) return;
    const { kind, name } = waiter.object;
    refuseWait(core, waiter, refused("FLOCK_CANCELLED", `The wait for the ${kind} "${name}" was given up.`));
  },
  answerAgain: (core, session, id) => sayKept(core, session, id),
  heard: (core, session, _id, { ids }) => heard(core, session, ids),
};

/** The client is gone for good: it waits for nothing, holds nothing, and what it was not told of it has not taken. */
export function sharedSessionGone(core: Core, session: Session): void {
  const share = core.shared.shares.get(session.id);
  if (share === undefined) return;
  for (const waiter of share.waits.values()) {
    endWait(core, waiter);
    if (waiter.want.what === "put") drop(core, waiter.want.item);
    core.shared.letGo(waiter.object);
  }
  for (const lease of share.leases.values()) {
    const { kind, name } = lease.object;
    const next = lease.object.waiting.size > 0 ? "the next one has it" : "it is free";
    core.happened("leaseFreed", session.name, `${kind} "${name}": its client is gone, ${next}`);
    endLease(core, lease);
  }
  // The last one taken goes back first, so that the first one is in front again.
  for (const { item, from, said } of [...share.kept.values()].reverse()) {
    if (item === null) continue;
    if (from !== null && !said) giveBack(core, from, item);
    else drop(core, item);
  }
  core.shared.shares.delete(session.id);
}

function sharedDelete(
  core: Core,
  session: Session,
  id: number,
  { kind, name }: Extract<SharedQuestion, { q: "sharedDelete" }>,
): void {
  const object = core.shared.objects.get(keyOf(kind, name));
  if (object !== undefined) remove(core, object);
  reply(core, session, id);
}

function remove(core: Core, object: SharedObject): void {
  empty(core, object);
  const text = `The ${object.kind} "${object.name}" was deleted while it was waited for.`;
  for (const waiter of object.waiting) refuseWait(core, waiter, refused("FLOCK_SHARED_DELETED", text));
  core.shared.letGo(object);
}

function empty(core: Core, object: SharedObject): void {
  switch (object.kind) {
    case "queue":
      for (const item of object.items.slice(object.head)) drop(core, item);
      object.items = [];
      object.head = 0;
      return;
    case "variable":
      if (object.item !== null) drop(core, object.item);
      object.item = null;
      return;
    case "event":
      setEvent(core, object, false);
      return;
    default:
      for (const lease of object.held) core.shared.shares.get(lease.session.id)?.leases.delete(lease.id);
      object.held.clear();
  }
}

function infoOf(core: Core, kind: SharedKind, name: string): QuestionAnswer {
  const object = core.shared.objects.get(keyOf(kind, name));
  if (object === undefined) return { value: { size: 0, waiting: 0, holders: [] }, error: null };
  const holders = "held" in object ? [...object.held].slice(0, 1000).map(({ session }) => session.name) : [];
  return { value: { size: sizeOf(object), waiting: object.waiting.size, holders }, error: null };
}
