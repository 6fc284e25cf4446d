// The worker's records: attempts that were assigned here, and data that is here or on its way.

import type { Assign, Failure, Holder, PayloadRef, TaskId } from "@taskflock/protocol/words";

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

/** Why an attempt is being stopped; an abandoned one says nothing when it ends (the scheduler knows it no more). */
export type StopReason = "cancelled" | "timeout" | "abandoned";

/** One attempt. One fixed shape, for speed. */
export interface TaskRecord {
  readonly assign: Assign;
  /** Arrival number, to break ties of order. */
  readonly seq: number;
  state: TaskState;
  /** The data that each input stands for; null where it came inline. */
  readonly inputs: (Datum | null)[];
  /** How many of `inputs` are not here yet. */
  missing: number;
  /** While in a batch: the slot, else -1. */
  slot: number;
  stop: StopReason | null;
  /** When something must be done about it (time-out, end of grace), µs; 0 is never. */
  deadline: number;
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

export interface Slot {
  /** The batch, in order, without the items that had their outcome. Empty: the slot is free, or about to say so. */
  items: TaskRecord[];
  /** A batch was given and the slot is not free again. */
  busy: boolean;
  /** `endSlot` was asked; waits for `slotReplaced`. */
  ending: boolean;
}

export function newTask(assign: Assign, seq: number): TaskRecord {
  return {
    assign,
    seq,
    state: GONE,
    inputs: [],
    missing: 0,
    slot: -1,
    stop: null,
    deadline: 0,
    readyPlace: -1,
    timerPlace: -1,
  };
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
