// Objects that clients share by name: queues, locks, semaphores, events and variables. The records; each kind has a file of its
// own. An object is there while something is in it or somebody waits for it.

import type { Micros, PayloadRef, SessionId, SharedKind, TaskNumber } from "@taskflock/protocol/words";
import type { QuestionAnswer, Session } from "./records.ts";
import { Timers } from "./timers.ts";

/** A value in a queue or a variable, or on its way there or from there. */
export interface Item {
  /** Encoded bytes, or none. */
  readonly data: PayloadRef;
  readonly bytes: number;
  /** The cluster's own number (kept.ts) of the task whose result it is, or 0. */
  readonly n: TaskNumber;
  /** Who has it: at zero its bytes are freed, its task is released. */
  uses: number;
}

/** A question that waits. */
export interface Wait {
  readonly session: Session;
  readonly id: number;
  readonly object: SharedObject;
  readonly want: Want;
  /** µs; infinite for one that waits for ever. */
  readonly deadline: number;
}
export type Want =
  | { readonly what: "put"; readonly item: Item }
  | { readonly what: "take"; readonly as: TaskNumber }
  | { readonly what: "lease" }
  | { readonly what: "set" };

/** Held by the client whose question `id` acquired it. */
export interface Lease {
  readonly session: Session;
  readonly id: number;
  readonly object: SharedLeases;
}

interface Shared {
  readonly name: string;
  /** First come, first served. In a queue either all put or all take. */
  readonly waiting: Set<Wait>;
}
export interface SharedQueue extends Shared {
  readonly kind: "queue";
  /** Null while nobody has said one: any number. */
  maxSize: number | null;
  /** From `head`. */
  items: Item[];
  head: number;
}
export interface SharedLeases extends Shared {
  readonly kind: "lock" | "semaphore";
  readonly leases: number;
  readonly held: Set<Lease>;
}
export interface SharedEvent extends Shared {
  readonly kind: "event";
  isSet: boolean;
}
export interface SharedVariable extends Shared {
  readonly kind: "variable";
  item: Item | null;
}
export type SharedObject = SharedQueue | SharedLeases | SharedEvent | SharedVariable;

/** An answer that the client may not have: it is said again when the client asks for it. */
export interface Kept {
  readonly answer: QuestionAnswer;
  /** What was taken; null when nothing was. */
  readonly item: Item | null;
  /** The queue that it was taken from: it goes back there when the client is gone before it was said. */
  readonly from: string | null;
  said: boolean;
}

/** What one session has to do with shared objects. */
export interface Share {
  readonly waits: Map<number, Wait>;
  readonly kept: Map<number, Kept>;
  readonly leases: Map<number, Lease>;
}

/** What an item costs beside its bytes, and an event that is set. */
export const ITEM_BYTES = 256;

export class SharedTable {
  readonly objects: Map<string, SharedObject> = new Map();
  readonly shares: Map<SessionId, Share> = new Map();
  /** Of all items, and of events that are set. */
  bytes = 0;
  /** Times by which waits are to be over. Those of waits that are over leave it now and then. */
  deadlines: Timers = new Timers();
  /** Waits that have one. */
  timed = 0;
  /** The alarm that is set for them. */
  alarm: Micros | null = null;

  find<K extends SharedKind>(kind: K, name: string): Extract<SharedObject, { kind: K }> | undefined {
    return this.objects.get(keyOf(kind, name)) as Extract<SharedObject, { kind: K }> | undefined;
  }

  add<O extends SharedObject>(object: O): O {
    this.objects.set(keyOf(object.kind, object.name), object);
    return object;
  }

  /** Nothing is in it, and nobody waits. */
  letGo(object: SharedObject): void {
    if (object.waiting.size === 0 && sizeOf(object) === 0) this.objects.delete(keyOf(object.kind, object.name));
  }

  share(session: Session): Share {
    let share = this.shares.get(session.id);
    if (share === undefined) {
      share = { waits: new Map(), kept: new Map(), leases: new Map() };
      this.shares.set(session.id, share);
    }
    return share;
  }
}

export function keyOf(kind: SharedKind, name: string): string {
  return `${kind} ${name}`;
}

/** Elements, leases that are held, 1 for an event that is set or a variable that has a value. */
export function sizeOf(object: SharedObject): number {
  switch (object.kind) {
    case "queue":
      return object.items.length - object.head;
    case "lock":
    case "semaphore":
      return object.held.size;
    case "event":
      return object.isSet ? 1 : 0;
    case "variable":
      return object.item === null ? 0 : 1;
  }
}
