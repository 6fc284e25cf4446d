// How a member's code reaches its worker's main thread, which carries what members say to each other.

import { FlockError, type FromMember, type ToMember } from "@taskflock/protocol/words";

/** What a slot leaves (the worker's slot/group-port.ts). */
interface GroupProvider {
  open(member: string, hear: (say: ToMember) => void): (say: FromMember) => void;
}

/** All copies of the packages agree on it. */
const PROVIDER = Symbol.for("taskflock.taskGroups");
const shared: typeof globalThis & { [PROVIDER]?: GroupProvider } = globalThis;

/** Throws FLOCK_NOT_IN_TASK. */
export function openMember(member: string, hear: (say: ToMember) => void): (say: FromMember) => void {
  const provider = shared[PROVIDER];
  if (provider !== undefined) return provider.open(member, hear);
  const text = "joinGroup() was called outside a task; call it from functions that were submitted, while they run.";
  throw new FlockError("FLOCK_NOT_IN_TASK", text);
}
