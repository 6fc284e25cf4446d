// The worker's records: attempts that were assigned here, and data that is here or on its way.

import type { Assign, Failure, Holder, PayloadRef, Stopped, TaskId } from "@taskflock/protocol/words";
import type { RunItem } from "./port.ts";
import { ReadyQueue } from "./ready-queue.ts";

/** States of an attempt. `GONE` is before its assignment and after its end. */
export const GONE = 0;
/** Inputs are missing: being fetched, uploaded, or made here. */
export const WAITING = 1;
/** In the queue for a slot. */
export const READY = 2;
/** In a slot's batch; not known to have begun. */
export const BATCHED = 3;
export const RUNNING = 4;
/** As `BATCHED`, and told to stop. */
export const DOOMED = 5;
/** Running, and told to stop; its slot is ended after the grace. */
export const STOPPING = 6;
/** Its slot was told to end. */
export const ENDING = 7;
export type TaskState = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
export const stateNames: readonly string[] = [
  "gone",
  "waiting",
  "ready",
  "batched",
  "running",
  "doomed",
  "stopping",
  "ending",
];

/**
 * Why an attempt is being stopped; an abandoned one says nothing when it ends (the scheduler knows it no more). One in a batch that
 * lost an input is not told: its slot returns it by itself.
 */
export type StopReason = "cancelled" | "timeout" | "abandoned" | LossReason;
/** The reason to tell when what an attempt waits for cannot come. */
export type LossReason = Extract<Stopped["why"], "predecessor" | "input">;

/** One attempt. One fixed shape, for speed; the shell gets it as it is, as the item of a batch. */
export interface TaskRecord extends RunItem {
  readonly assign: Assign;
  /** The assignment's: lower ones go first. */
  readonly order: number;
  /** Arrival number, to break ties of order. */
  readonly seq: number;
  state: TaskState;
  /** The data that each input stands for; null where it came inline. */
  inputs: readonly (Datum | null)[];
  inline: readonly PayloadRef[];
  links: readonly number[];
  running: boolean;
  /** How many of `inputs` are not here yet. In a batch they are results of items before it. */
  missing: number;
  /** How many of those are made by the batch that is being put together. */
  linked: number;
  /** Its place in the batch that it was given in last. */
  place: number;
  /** While in a batch: the slot, else -1; and the batch. */
  slot: number;
  batch: Batch | null;
  stop: StopReason | null;
  /** When something must be done about it (time-out, end of grace), µs; 0 is never. */
  deadline: number;
  /** Of `ReadyQueue`; -1: it is not in it. */
  readyPlace: number;
  timerPlace: number;
}

/** `promised`: an attempt that is here makes it. `wanted`: waits for its turn to be fetched. `inline`: a payload, kept for local readers. */
export type DatumState = "promised" | "wanted" | "fetching" | "expected" | "stored" | "inline";

/** Data of one task that is here, or that an attempt here needs. */
export interface Datum {
  readonly task: TaskId;
  state: DatumState;
  bytes: number;
  /** Of the holdings, when `stored` and told to the scheduler; else 0. */
  version: number;
  /** Attempts here that need it, from assignment to their end. */
  leases: number;
  /** Those of them that wait for it. */
  readonly waiters: Set<TaskRecord>;
  /** Holders not tried yet. */
  holders: Holder[];
  inline: PayloadRef;
  /** The scheduler wants a copy here, whether or not an attempt needs it. */
  acquire: boolean;
  /** The scheduler does not count on it any more; it goes when the last lease ends. */
  dropping: boolean;
  /** The most urgent attempt's order, for its turn to be fetched. */
  order: number;
  fetchPlace: number;
}

/** Items that a slot was given together, in order. */
export interface Batch {
  /** One that had its outcome, or went to the queue again, is not of this batch any more. */
  readonly items: readonly TaskRecord[];
  /** No item before this one is of the batch. */
  first: number;
  /** Items that are of the batch. */
  open: number;
  /** All of it is expected to end soon: the slot may be given another batch meanwhile. */
  readonly brief: boolean;
}

export interface Slot {
  readonly index: number;
  /** What it was given and has not been through, in order; none: it is free. */
  readonly batches: Batch[];
  /** `endSlot` was asked; waits for `slotReplaced`. */
  ending: boolean;
  /** What it has of which devices, while something of it is here; for good, once it is set. Empty: it sees none. */
  shares: readonly Share[];
}

/** So much of a device, in 1/10,000. */
export interface Share {
  readonly device: number;
  readonly units: number;
}

/** An object that lives here, in a slot of its own. */
export interface Actor {
  /** The task that made it. */
  readonly task: TaskId;
  readonly slot: Slot;
  /** Its calls that can run. */
  readonly ready: ReadyQueue;
}

export function newActor(task: TaskId, slot: number): Actor {
  return { task, slot: newSlot(slot), ready: new ReadyQueue() };
}

const NONE: readonly never[] = [];

export function newTask(assign: Assign, seq: number): TaskRecord {
  return {
    assign,
    order: assign.order,
    seq,
    state: GONE,
    inputs: NONE,
    inline: NONE,
    links: NONE,
    running: false,
    missing: 0,
    linked: 0,
    place: 0,
    slot: -1,
    batch: null,
    stop: null,
    deadline: 0,
    readyPlace: -1,
    timerPlace: -1,
  };
}

export function newSlot(index: number): Slot {
  return { index, batches: [], ending: false, shares: NONE };
}

export function isFree(slot: Slot): boolean {
  return slot.batches.length === 0 && !slot.ending;
}

/** The items that are in the slot, in order. */
export function itemsOf(slot: Slot): TaskRecord[] {
  return slot.batches.flatMap((batch) => batch.items.filter((item) => item.batch === batch));
}

/** The first item that is in the slot: the one that runs, since outcomes come in order. */
export function firstOf(slot: Slot): TaskRecord | undefined {
  for (let i = 0; i < slot.batches.length; i++) {
    const batch = slot.batches[i]!;
    if (batch.open === 0) continue;
    while (batch.items[batch.first]!.batch !== batch) batch.first++;
    return batch.items[batch.first];
  }
  return undefined;
}

export function newDatum(task: TaskId, state: DatumState, bytes: number): Datum {
  return {
    task,
    state,
    bytes,
    version: 0,
    leases: 0,
    waiters: new Set(),
    holders: [],
    inline: 0 as PayloadRef,
    acquire: false,
    dropping: false,
    order: Number.MAX_SAFE_INTEGER,
    fetchPlace: -1,
  };
}

/** True when an attempt may read it now. */
export function isHere(datum: Datum): boolean {
  return datum.state === "stored" || datum.state === "inline";
}

export function timeoutFailure(assign: Assign): Failure {
  return {
    code: "FLOCK_TIMEOUT",
    name: "FlockError",
    message: `${assign.key} ran longer than its timeoutMs (${assign.timeoutMs} ms). Raise timeoutMs, or make the task smaller.`,
    error: 0 as PayloadRef,
    errorBytes: 0,
  };
}
