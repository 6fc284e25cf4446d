// The border of the worker's machine: what happens to it, and the few ways in which it asks its shell to act.

import type {
  Assign,
  Attempt,
  Cause,
  Equip,
  ErrorCode,
  Failure,
  Finished,
  FunctionId,
  GearFailure,
  Holder,
  Micros,
  PayloadRef,
  SchedulerToWorker,
  SendFunction,
  TaskId,
  WhyMissing,
  WorkerToScheduler,
} from "@taskflock/protocol/words";

/** Where the shell put bytes: in the arena (`stored`) or, when small enough to travel, in a payload (`inline`). */
export type WorkerEvent = {
  readonly at: Micros;
  readonly cause: Cause;
} /** The link to the scheduler is up. `fresh`: nothing is known there; all that is here was dropped. Answer with `snapshot`. */ & (
  | {
      readonly e: "linkUp";
      readonly fresh: boolean;
      readonly inlineLimitBytes: number;
      /**
       * The last snapshot had not been processed when the link was cut, and was sent again. It still tells the truth: the scheduler said
       * nothing since, and what happened here since follows it. Another one now would contradict what is said after the first.
       */
      readonly snapshotPending: boolean;
    }
  | { readonly e: "linkDown" }
  /** One inbound frame. Payload references in it are the machine's from now on. */
  | { readonly e: "schedulerMessages"; readonly messages: readonly SchedulerToWorker[] }
  /**
   * An item of the batch given to a slot began (the shell reads the slot's counter; it may say so late, and only for the item that runs
   * when it looks). An item that was given as `running` began with `run` itself.
   */
  | { readonly e: "itemStarted"; readonly slot: number; readonly task: TaskId; readonly attempt: Attempt }
  /**
   * Items ended well, in this order; what is to be told of each, but for its version. `result`: its bytes when at most the inline limit;
   * else they are stored in the arena under the task.
   */
  | { readonly e: "itemsFinished"; readonly slot: number; readonly items: readonly Finished[] }
  | {
      readonly e: "itemFailed";
      readonly slot: number;
      readonly task: TaskId;
      readonly attempt: Attempt;
      readonly failure: Failure;
      readonly retryable: boolean;
      readonly durationUs: number;
    }
  /**
   * An item was not run: one that it is linked to gave no result that could be handed on within the slot (it failed, it was not run, its
   * result is large).
   */
  | { readonly e: "itemReturned"; readonly slot: number; readonly task: TaskId; readonly attempt: Attempt }
  /** After `abortItem`: the item's code never asked for its AbortSignal, so there is no use in waiting for it as long as it might take. */
  | { readonly e: "itemDeaf"; readonly slot: number; readonly task: TaskId }
  /** The slot is through with the oldest of its batches: every item had its outcome. */
  | { readonly e: "batchDone"; readonly slot: number }
  /**
   * The slot's thread or process was ended (by `endSlot`, or by itself) and a new one is ready. The item that ran had its `itemFailed`
   * before; items of its batches that had not begun come back here and go to the queue again.
   */
  | { readonly e: "slotReplaced"; readonly slot: number }
  /** A fetch ended: the bytes are stored in the arena under the task. */
  | { readonly e: "fetched"; readonly task: TaskId; readonly bytes: number }
  /** The fetch from this holder failed; the machine tries the next, or reports `missing`. `full`: no room in the arena. */
  | {
      readonly e: "fetchFailed";
      readonly task: TaskId;
      readonly holder: Holder;
      readonly full: boolean;
      readonly why: WhyMissing;
    }
  /** A client's upload after `expect`. */
  | { readonly e: "uploaded"; readonly task: TaskId; readonly bytes: number }
  | { readonly e: "uploadFailed"; readonly task: TaskId; readonly message: string; readonly code: ErrorCode | null }
  /** SIGTERM, a spot notice, the end of its lifetime. */
  | { readonly e: "retireWanted"; readonly reason: string }
  /** The process's memory is above its pause limit, or below it again. */
  | { readonly e: "pausing"; readonly paused: boolean; readonly reason: string }
  /** An item was not run: what is stored of `input` cannot be read any more. */
  | {
      readonly e: "inputSpoiled";
      readonly slot: number;
      readonly task: TaskId;
      readonly attempt: Attempt;
      readonly input: TaskId;
    }
  /** A part of a plugin or file was taken in; or it failed, also in a slot that began later. */
  | {
      readonly e: "equipped";
      readonly gear: number;
      readonly part: number;
      readonly slots: number;
      readonly failure: GearFailure | null;
    }
  /** The same, noticed while others fetched it. */
  | { readonly e: "spoiled"; readonly task: TaskId }
  | { readonly e: "woken" }
);

/** One item of a batch: everything a slot needs. Inputs are named by task: in the arena, or inline. */
export interface RunItem {
  readonly assign: Assign;
  /** Inline bytes by input index; 0 means: in the arena under the input's task, unless there is a link. */
  readonly inline: readonly PayloadRef[];
  /** By input index: the place in the batch of the item whose result it is, or -1. Empty: no item before it makes an input of this one. */
  readonly links: readonly number[];
  /** The machine counts it as running from now on; else it wants to hear of its start, unless its end comes first. */
  readonly running: boolean;
}

/**
 * Payload references in a message given to the port are lent: the machine still owns them and says `free` when it is done.
 * The shell honours `free` only after the flush that carries the message (so `toClient(…); free(…)` is right).
 */
export interface WorkerPort {
  toScheduler(message: WorkerToScheduler): void;
  /**
   * Runs the batch, in order: at once on a free slot, else behind the one batch that the slot has. One that is being replaced runs
   * nothing: the batch comes back by `slotReplaced`. Slots are numbered from 0; `process` slots are the shell's matter by `isolation`.
   */
  run(slot: number, items: readonly RunItem[]): void;
  /**
   * Sets the item's AbortSignal with the reason; nothing else yet. An item of a batch that has not begun does not run any more where the
   * shell can still prevent it: it ends by `itemFailed`.
   */
  abortItem(slot: number, task: TaskId, reason: "cancelled" | "timeout"): void;
  /**
   * Ends the slot's code now; answered by `itemFailed` for the running item (code CANCELLED or TIMEOUT as `reason`) and `slotReplaced`.
   * When the slot has gone on to another item, or is free already, `slotReplaced` is said all the same.
   */
  endSlot(slot: number, reason: "cancelled" | "timeout"): void;
  /**
   * The slot of an actor, or one that sees devices, ends: the actor's object is disposed of, if it can be, and its thread or process is
   * let go. The slot's number, one beyond the numbered ones, is not used again, and nothing more is said of it.
   */
  closeSlot(slot: number): void;
  /** What is going to run in this slot, beyond the numbered ones, runs in a process that sees these devices. Said once, before that. */
  pin(slot: number, devices: readonly number[]): void;
  /** A value for the code of an item that the slot has; one that has not begun or has ended hears nothing. */
  tell(slot: number, task: TaskId, attempt: Attempt, data: PayloadRef): void;
  /** Items that run may ask whether the worker retires: it does from now on; or it does no more, and begins anew. */
  retiring(on: boolean): void;
  /** Starts fetching into the arena; answered by `fetched` or `fetchFailed`. The machine bounds how many run at once. */
  fetch(task: TaskId, bytes: number, holder: Holder): void;
  /** Stops a fetch that nobody wants; no answer. */
  stopFetch(task: TaskId): void;
  /** Connects to the scheduler and serves whoever waits there for the relay of this key. */
  serveRelay(key: string): void;
  /** Makes ready for a client's upload; answered by `uploaded` or `uploadFailed`. */
  expectUpload(task: TaskId, bytes: number): void;
  /**
   * Gives the arena's bytes of this task back (after the last lease of a running item ends, which is the shell's count). For an upload
   * that is expected: takes the expectation back, and no answer follows.
   */
  dropStored(task: TaskId): void;
  free(payload: PayloadRef): void;
  /** The function's code is here; the shell may read it until `forgetFunction`. Once for each function. */
  defineFunction(message: SendFunction): void;
  /** No task uses the function any more. */
  forgetFunction(fn: FunctionId): void;
  /** Results up to this size are to come as payloads from now on. */
  configure(inlineLimitBytes: number): void;
  /** Takes in a part of a plugin or file; answered by `equipped`, unless `unequip` comes first. A plugin is set up before what `run` is given next. */
  equip(message: Equip): void;
  unequip(gear: number): void;
  /** Samples what slots do every so many µs; 0: ends that, and says `profiled` to the scheduler. */
  profile(intervalUs: number): void;
  wakeAt(at: Micros | null): void;
  /** `leave`: flush, close, exit 0. `restart`: the nanny is to start the worker again. */
  leave(restart: boolean): void;
}

export interface WorkerConfig {
  readonly slots: number;
  /** GPUs that it gives out. None: what asks for some runs as all else does. */
  readonly devices: number;
  /** Fetches at once, in all. */
  readonly maxFetches: number;
  /** Of those, from one holder. */
  readonly maxFetchesPerHolder: number;
  /** Bytes of fetches at once; one larger than all runs alone. */
  readonly maxFetchBytes: number;
  /** Items of one batch, and their expected duration together, µs. */
  readonly maxBatch: number;
  readonly maxBatchUs: number;
  /** A slot gets another batch while it runs one, when no item of either is expected to take longer, µs. */
  readonly maxAheadUs: number;
  /** Code that never asked for its AbortSignal may go on for so long after it, at most its grace, µs: it may be about to end anyway. */
  readonly deafUs: number;
  /** Results named in one part of a snapshot. */
  readonly maxSnapshotHolds: number;
  readonly storyLines: number;
}

export const defaultWorkerConfig: WorkerConfig = {
  slots: 1,
  devices: 0,
  maxFetches: 8,
  maxFetchesPerHolder: 4,
  maxFetchBytes: 1024 * 1024 * 1024,
  maxBatch: 512,
  maxBatchUs: 5_000,
  maxAheadUs: 20_000,
  deafUs: 50_000,
  maxSnapshotHolds: 8_192,
  storyLines: 20_000,
};
