// What must hold between shared objects, those who wait for them, and what they keep. Returns what does not, or null.

import type { Core } from "./core.ts";
import {
  ITEM_BYTES,
  type Item,
  keyOf,
  type SharedObject,
  type SharedTable,
  sizeOf,
  type Wait,
} from "./shared-objects.ts";

export function checkShared(core: Core): string | null {
  const { shared } = core;
  for (const [key, object] of shared.objects) {
    const problem = checkObject(object) ?? checkWaiting(shared, object);
    if (problem !== null || key !== keyOf(object.kind, object.name))
      return `${key}: ${problem ?? "it has another name"}`;
  }
  for (const [id, share] of shared.shares) {
    if (core.sessions.get(id) === undefined) return `session ${id}, which is gone, has a share in shared objects`;
    for (const waiter of share.waits.values()) {
      if (!waiter.object.waiting.has(waiter)) return `question ${waiter.id} of session ${id} waits for nothing`;
      if (share.kept.has(waiter.id)) return `question ${waiter.id} of session ${id} is answered, and waits`;
    }
    for (const lease of share.leases.values()) {
      if (!lease.object.held.has(lease)) return `session ${id} has a lease that ended`;
    }
  }
  return checkItems(core) ?? checkDeadlines(shared);
}

function checkObject(object: SharedObject): string | null {
  const size = sizeOf(object);
  const waiting = object.waiting.size;
  if (size === 0 && waiting === 0) return "it is kept for nobody";
  switch (object.kind) {
    case "queue": {
      const [first] = object.waiting;
      const what = first?.want.what;
      if ([...object.waiting].some(({ want }) => want.what !== what)) return "some wait to put, and others to take";
      if (what === "take" && size > 0) return "an element is there, and somebody waits for one";
      if (what === "put" && (object.maxSize === null || size < object.maxSize)) return "there is room, and a put waits";
      return null;
    }
    case "event":
      return object.isSet && waiting > 0 ? "it is set, and waited for" : null;
    case "variable":
      return object.item !== null && waiting > 0 ? "it has a value, and is waited for" : null;
    default:
      if (size > object.leases) return `${size} leases are held of ${object.leases}`;
      return waiting > 0 && size < object.leases ? "a lease is free, and somebody waits for one" : null;
  }
}

function checkWaiting(shared: SharedTable, object: SharedObject): string | null {
  for (const waiter of object.waiting) {
    const known = shared.shares.get(waiter.session.id)?.waits.get(waiter.id);
    if (known !== waiter || waiter.object !== object) return `session ${waiter.session.id} does not know that it waits`;
  }
  if (!("held" in object)) return null;
  for (const lease of object.held) {
    if (shared.shares.get(lease.session.id)?.leases.get(lease.id) !== lease) return "a lease is held by nobody";
  }
  return null;
}

/** What stands in queues and variables, or is on its way there or from there, and how many have it. */
export function itemsOf({ shared }: Core): Map<Item, number> {
  const uses = new Map<Item, number>();
  const use = (item: Item | null): unknown => item !== null && uses.set(item, (uses.get(item) ?? 0) + 1);
  for (const object of shared.objects.values()) {
    if (object.kind === "queue") for (const item of object.items.slice(object.head)) use(item);
    else if (object.kind === "variable") use(object.item);
    for (const { want } of object.waiting) if (want.what === "put") use(want.item);
  }
  for (const share of shared.shares.values()) for (const { item } of share.kept.values()) use(item);
  return uses;
}

/** Each item is counted by those who have it, and by its bytes; so is each event that is set. */
function checkItems(core: Core): string | null {
  const { shared } = core;
  let bytes = 0;
  for (const [item, count] of itemsOf(core)) {
    bytes += item.bytes + ITEM_BYTES;
    if (item.uses !== count) return `an item counts ${item.uses} uses, has ${count}`;
  }
  for (const object of shared.objects.values()) if (object.kind === "event" && object.isSet) bytes += ITEM_BYTES;
  return bytes === shared.bytes ? null : `items count ${shared.bytes} bytes, have ${bytes}`;
}

function checkDeadlines(shared: SharedTable): string | null {
  const timed: Wait[] = [];
  for (const share of shared.shares.values()) {
    for (const waiter of share.waits.values()) if (waiter.deadline < Number.POSITIVE_INFINITY) timed.push(waiter);
  }
  if (timed.length !== shared.timed) return `${shared.timed} waits have a deadline, not ${timed.length}`;
  const first = Math.min(...timed.map(({ deadline }) => deadline));
  return timed.length > 0 && (shared.alarm === null || shared.alarm > first) ? "no alarm is set for a wait" : null;
}
