// Queues: elements leave in the order in which they came, each to one client; clients that wait are served in their order.

import type { Question } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { handOver, isItem, receive, refused } from "./shared-items.ts";
import { type Item, type SharedQueue, sizeOf, type Wait } from "./shared-objects.ts";
import { endWait, reply, wait } from "./shared-waits.ts";

type Asked<Q extends Question["q"]> = Extract<Question, { q: Q }>;

/** Taken elements at the front of the list, before the rest is moved up. */
const MAX_TAKEN = 1024;

export const queueHandlers: Handlers<"queuePut" | "queueGet"> = { queuePut: put, queueGet: get };

function put(core: Core, session: Session, id: number, asked: Asked<"queuePut">): void {
  const received = receive(core, session, asked);
  if (!isItem(received)) {
    reply(core, session, id, received);
    return;
  }
  const queue = open(core, asked.name);
  const conflict = limit(queue, asked.maxSize);
  if (conflict !== null) {
    reply(core, session, id, conflict, received); // what was given goes when the answer is heard
    core.shared.letGo(queue);
    return;
  }
  if (isFull(queue)) wait(core, session, id, queue, { what: "put", item: received }, asked.timeoutMs);
  else {
    queue.items.push(received);
    reply(core, session, id);
    serveQueue(core, queue);
  }
}

function get(core: Core, session: Session, id: number, { name, maxSize, as, timeoutMs }: Asked<"queueGet">): void {
  const queue = open(core, name);
  const conflict = limit(queue, maxSize);
  if (conflict !== null) {
    reply(core, session, id, conflict);
    core.shared.letGo(queue);
    return;
  }
  if (sizeOf(queue) === 0) wait(core, session, id, queue, { what: "take", as }, timeoutMs);
  else {
    hand(core, queue, session, id, as);
    serveQueue(core, queue);
  }
}

/** Puts back what a client took that was gone before it was told so. */
export function giveBack(core: Core, name: string, item: Item): void {
  const queue = open(core, name);
  if (queue.head > 0) queue.items[--queue.head] = item;
  else queue.items.unshift(item);
  serveQueue(core, queue);
}

/** Those who wait and can go on. */
export function serveQueue(core: Core, queue: SharedQueue): void {
  for (const waiter of queue.waiting) {
    if (waiter.want.what === "put" ? isFull(queue) : sizeOf(queue) === 0) break;
    serve(core, queue, waiter);
  }
  core.shared.letGo(queue);
}

function serve(core: Core, queue: SharedQueue, waiter: Wait): void {
  const { session, id, want } = waiter;
  endWait(core, waiter);
  if (want.what === "take") hand(core, queue, session, id, want.as);
  else if (want.what === "put") {
    queue.items.push(want.item);
    reply(core, session, id);
  }
}

function hand(core: Core, queue: SharedQueue, session: Session, id: number, as: Parameters<typeof handOver>[3]): void {
  const item = queue.items[queue.head++]!;
  if (queue.head === queue.items.length || queue.head > MAX_TAKEN) {
    queue.items = queue.items.slice(queue.head);
    queue.head = 0;
  }
  reply(core, session, id, handOver(core, session, item, as, sizeOf(queue)), item, queue.name);
}

function open(core: Core, name: string): SharedQueue {
  const known = core.shared.find("queue", name);
  if (known !== undefined) return known;
  return core.shared.add({ kind: "queue", name, waiting: new Set(), maxSize: null, items: [], head: 0 });
}

function isFull(queue: SharedQueue): boolean {
  return queue.maxSize !== null && sizeOf(queue) >= queue.maxSize;
}

/** A queue has the limit that was said first. Zero says that there is none. */
function limit(queue: SharedQueue, maxSize: number | null): QuestionAnswer | null {
  const said = maxSize === 0 ? null : maxSize;
  if (said === null || said === queue.maxSize) return null;
  if (queue.maxSize === null) {
    queue.maxSize = said;
    return null;
  }
  const text = `The queue "${queue.name}" takes ${queue.maxSize} elements; here its maxSize is ${said}. Use the same everywhere, or delete() it first.`;
  return refused("FLOCK_SHARED_CONFLICT", text);
}
