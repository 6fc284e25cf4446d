// What runs batches outside of the main thread: one life of a thread, or of a child process.

import type { Assign, GearFailure, PayloadRef } from "@taskflock/protocol";
import type { Arena, Place } from "../arena.ts";
import type { FunctionLibrary, LibraryFunction } from "../function-library.ts";
import type { Groups } from "../groups/groups.ts";
import type { BatchTerms } from "../slot/batch.ts";
import type { SlotPlugin } from "../slot/equipment.ts";
import type { OutcomeRecord } from "../slot/outbox.ts";
import type { SlotConfig, StopReason } from "../slot/protocol.ts";
import type { ToldTensors } from "../slot/tensors.ts";
import type { Lease } from "../store.ts";
import type { BatchPacker, LinkedInput } from "./batch-packer.ts";
import type { TaskClients } from "./task-clients.ts";

export interface ReadyItem {
  readonly assign: Assign;
  readonly fn: LibraryFunction;
  readonly functions: readonly LibraryFunction[];
  /** Payloads, leased bytes that are shared, or results of items before it. */
  readonly inputs: readonly (PayloadRef | Lease | LinkedInput)[];
}

/** How an executor came to its end without being asked. */
export type Ending =
  | { readonly how: "heap" }
  /** `what`: e.g. "exit code 3", "SIGKILL". */
  | { readonly how: "exit"; readonly what: string };

export interface ExecutorEvents {
  outcome(record: OutcomeRecord): void;
  /** After one or more calls of `outcome`. */
  outcomesTold(): void;
  /** An item's result that is not in the arena yet; `bytes` are the caller's. */
  large(index: number, bytes: Uint8Array, durationUs: number): void;
  allocate(index: number, bytes: number): Place | null;
  log(task: number, attempt: number, stream: "stdout" | "stderr", text: string): void;
  /** What a task reports, encoded. */
  report(task: number, attempt: number, data: Uint8Array): void;
  /** The oldest batch was run through; outcomes may still be on their way. */
  batchDone(): void;
  /** A plugin's setup has ended there. */
  plugged(serial: number, failure: GearFailure | null): void;
  /** TensorFlow.js was loaded there. */
  tensors(tensors: ToldTensors): void;
  /** It takes nothing any more. May be said twice. */
  gone(): void;
  /** After the last outcome. Never after `end` was called. */
  ended(ending: Ending): void;
}

export interface Executor {
  /** Resolves once it can run a batch; rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** Index of the item of the oldest batch that was begun last, or -1. */
  readonly begun: number;
  /** Index of the item of the oldest batch that asked for its AbortSignal last, or -1. */
  readonly heeding: number;
  /** A thread takes one batch more while it runs one. */
  run(items: readonly ReadyItem[], terms: BatchTerms): void;
  /** Stops item `index` of the batch at `position` (0: the oldest): it is not begun, or its AbortSignal is set. */
  abort(position: number, index: number, task: number, attempt: number, reason: StopReason): void;
  /** A value for the code of an item, if that runs. */
  tell(task: number, attempt: number, data: Uint8Array): void;
  /** Tells its items that the worker retires, or does so no more. */
  retiring(on: boolean): void;
  /** Delivers outcomes of the oldest batch that are there. */
  look(): void;
  /** All of the oldest batch is known, and it has ended: from now on the next one is the oldest. */
  skip(): void;
  /** Sets a plugin up before the batches that follow; answered by `plugged`. */
  plug(plugin: SlotPlugin): void;
  unplug(serial: number): void;
  /** Takes down what was set up, and lets the actor dispose of what it has; resolves when that is done, and may never. */
  dispose(): Promise<void>;
  /** Ends it; resolves when none of its code runs any more, which native code can delay. */
  end(): Promise<void>;
}

/** What all executors of a worker share. */
export interface ExecutorParts {
  readonly arena: Arena;
  readonly functions: FunctionLibrary;
  readonly packer: BatchPacker;
  readonly taskClients: TaskClients;
  readonly groups: Groups;
}

export interface ThreadOptions {
  readonly config: SlotConfig;
  /** JavaScript heap of a slot, MiB; 0 leaves the engine's own limit. */
  readonly heapLimitMb: number;
  /** What a process's environment has beside or instead of the worker's. */
  readonly environment: Readonly<Record<string, string>>;
}
