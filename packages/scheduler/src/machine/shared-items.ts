// Values on their way through queues and variables: bytes that are freed once, or a reference of the cluster's own to a task.

import { NO_PAYLOAD, type PayloadRef, SHARED_VALUE_BYTES, type TaskNumber } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { QuestionAnswer, Session } from "./records.ts";
import { addRef, keyOf, removeRef } from "./references.ts";
import { ITEM_BYTES, type Item } from "./shared-objects.ts";
import { refer } from "./submit.ts";

interface Given {
  readonly n: number;
  readonly data: PayloadRef;
  readonly dataBytes: number;
}

/** Takes what a client gives; or says why not, and has freed it. */
export function receive(core: Core, session: Session, given: Given): Item | QuestionAnswer {
  const { shared, kept } = core;
  const task = given.n === 0 ? undefined : session.tasks.get(given.n as TaskNumber);
  const refusal = refusalOf(core, given, task !== undefined);
  if (refusal !== null || task !== undefined) {
    if (given.data !== NO_PAYLOAD) core.port.free(given.data);
    if (refusal !== null) return refusal;
  }
  const n = task === undefined ? (0 as TaskNumber) : kept.newNumber();
  if (task !== undefined) addRef(kept.session, n, task);
  const item: Item = { data: task === undefined ? given.data : NO_PAYLOAD, bytes: given.dataBytes, n, uses: 1 };
  shared.bytes += item.bytes + ITEM_BYTES;
  return item;
}

export function isItem(received: Item | QuestionAnswer): received is Item {
  return "uses" in received;
}

/** One who had it has it no more. */
export function drop(core: Core, item: Item): void {
  if (--item.uses > 0) return;
  const { session } = core.kept;
  core.shared.bytes -= item.bytes + ITEM_BYTES;
  if (item.data !== NO_PAYLOAD) core.port.free(item.data);
  const task = item.n === 0 ? undefined : session.tasks.get(item.n);
  if (task !== undefined) removeRef(core, session, item.n, task);
}

/** The answer for one who takes it: a future gets the number `as` there. Bytes are lent. */
export function handOver(core: Core, session: Session, item: Item, as: TaskNumber, left: number): QuestionAnswer {
  if (item.n === 0) return { value: { key: null, left }, error: null, data: item.data, dataBytes: item.bytes };
  const task = core.kept.session.tasks.get(item.n)!;
  if (!session.tasks.has(as)) refer(core, session, as, task);
  return { value: { key: keyOf(task), left }, error: null };
}

function refusalOf(core: Core, { n, data, dataBytes }: Given, isKnown: boolean): QuestionAnswer | null {
  if (n !== 0 && !isKnown) {
    return refused("FLOCK_TASK_UNKNOWN", `Task ${n} is not known: it was released or never submitted.`);
  }
  if (n === 0 && data === NO_PAYLOAD) return refused("FLOCK_PROTOCOL", "Neither a future nor a value was given.");
  if (dataBytes > SHARED_VALUE_BYTES) {
    const limit = `Queues and variables take up to ${SHARED_VALUE_BYTES} bytes, the value has ${dataBytes}.`;
    return refused("FLOCK_TOO_LARGE", `${limit} Scatter it, and give its future.`);
  }
  return whyFull(core, dataBytes);
}

/** Null when there is room for so many bytes more: names are the clients' to choose, so what stands under them has a bound. */
export function whyFull(core: Core, dataBytes: number): QuestionAnswer | null {
  const { sharedBudgetBytes } = core.config;
  if (core.shared.bytes + dataBytes + ITEM_BYTES <= sharedBudgetBytes) return null;
  const text = `Queues, variables and events hold ${core.shared.bytes} of ${sharedBudgetBytes} bytes. Take elements out or delete() some first, or scatter the data and give its future.`;
  return refused("FLOCK_SHARED_FULL", text);
}

export function refused(code: string, message: string): QuestionAnswer {
  return { value: null, error: { code, message } };
}
