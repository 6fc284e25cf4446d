// The futures that stand in what a method was given.

import { FlockError } from "@taskflock/protocol/words";
import { releasedError } from "./endings.ts";
import { type Future, type FutureOwner, isFuture, isReleased, noFuture, ownerOf } from "./future.ts";
import { delayedGiven, isDelayed } from "./graph/delayed.ts";
import { objectsIn } from "./structure.ts";

/** Each once. Throws FLOCK_ARGUMENT_INVALID (no future, one of another client, a delayed call) and FLOCK_RELEASED. */
export function ownFutures(where: string, owner: FutureOwner, structure: unknown): Future<unknown>[] {
  const objects = [...objectsIn(structure)];
  const node = objects.find(isDelayed);
  if (node !== undefined) throw delayedGiven(`${where}: what it was given`, node);
  const futures = objects.filter(isFuture);
  if (futures.length === 0 && !isEmpty(structure)) throw noFuture(where, structure);
  for (const future of futures) ensureOwn(where, owner, future);
  return futures;
}

export function ensureOwn(where: string, owner: FutureOwner, future: Future<unknown>): void {
  if (ownerOf(future) !== owner) {
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `${where}: ${future.key} is a future of another client. Use the client that made it.`,
    );
  }
  if (isReleased(future)) throw releasedError(future.key);
}

function isEmpty(structure: unknown): boolean {
  return Array.isArray(structure) && structure.length === 0;
}
