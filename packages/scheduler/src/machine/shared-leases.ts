// Locks and semaphores: so many clients at a time, in the order in which they came. A lease ends when its client gives it back or is gone.

import type { Question } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { Session } from "./records.ts";
import { refused } from "./shared-items.ts";
import type { Lease, SharedLeases } from "./shared-objects.ts";
import { endWait, letShareGo, reply, wait } from "./shared-waits.ts";

type Asked<Q extends Question["q"]> = Extract<Question, { q: Q }>;

export const leaseHandlers: Handlers<"acquire" | "releaseLease"> = {
  acquire,
  releaseLease: (core, session, id, { lease }) => {
    const held = core.shared.shares.get(session.id)?.leases.get(lease);
    if (held !== undefined) endLease(core, held);
    reply(core, session, id);
  },
};

function acquire(core: Core, session: Session, id: number, { kind, name, leases, timeoutMs }: Asked<"acquire">): void {
  const object = core.shared.find(kind, name) ?? core.shared.add(newLeases(kind, name, leases));
  if (object.leases !== leases) {
    const text = `The ${kind} "${name}" has ${object.leases === 1 ? "1 lease" : `${object.leases} leases`} while it is in use; here it has ${leases}. Use the same number everywhere.`;
    reply(core, session, id, refused("FLOCK_SHARED_CONFLICT", text));
    core.shared.letGo(object); // a lock has one lease, whoever asks for more
  } else if (object.held.size < leases) grant(core, object, session, id);
  else wait(core, session, id, object, { what: "lease" }, timeoutMs);
}

/** Also when its client is gone: the next one gets it. */
export function endLease(core: Core, lease: Lease): void {
  const { object, session, id } = lease;
  object.held.delete(lease);
  core.shared.shares.get(session.id)?.leases.delete(id);
  letShareGo(core, session);
  for (const waiter of object.waiting) {
    if (object.held.size >= object.leases) break;
    endWait(core, waiter);
    grant(core, object, waiter.session, waiter.id);
  }
  core.shared.letGo(object);
}

function grant(core: Core, object: SharedLeases, session: Session, id: number): void {
  const lease: Lease = { session, id, object };
  object.held.add(lease);
  core.shared.share(session).leases.set(id, lease);
  reply(core, session, id);
}

function newLeases(kind: SharedLeases["kind"], name: string, leases: number): SharedLeases {
  return { kind, name, waiting: new Set(), leases: kind === "lock" ? 1 : leases, held: new Set() };
}
