// What a slot and the main thread say to each other besides batches and outcomes.
import type { GearFailure } from "@taskflock/protocol/code";
import type { FromMember, ToMember } from "@taskflock/protocol/words";
import type { ProfileReport } from "../profile-tree.ts";
import type { Batch, Supplies } from "./batch.ts";
import type { Connection } from "./connection.ts";
import type { SlotPlugin } from "./equipment.ts";
import type { OutboxMemory } from "./outbox.ts";
import type { ToldTensors } from "./tensors.ts";

/** What stays the same for a slot's life. */
export interface SlotConfig {
  readonly slot: number;
  /** It keeps what its first item makes, and the others are calls of that. */
  readonly actor: boolean;
  /** Encoded bytes whose decoded values a slot keeps for later tasks. */
  readonly cacheBytes: number;
  /** Hash arena inputs before and after each task. */
  readonly checkArguments: boolean;
  /** Where inputs and results that are files lie; "" when there are none. */
  readonly spillFolder: string;
  /** Where files that come along with functions are written; all slots of a worker share it. */
  readonly assetFolder: string;
  /** Where uploaded files are found (slot/files.ts). */
  readonly filesFolder: string;
  /** The name that the worker asks the scheduler for. */
  readonly worker: string;
  /** Modules that are loaded before anything else. */
  readonly preload: readonly string[];
}

export type StopReason = "cancelled" | "timeout";

/** What a thread is started with. */
export interface ThreadStart {
  readonly start: SlotConfig;
  readonly port: import("node:worker_threads").MessagePort;
  /** Batches take them in turn: while one is read, the next is written. */
  readonly outboxes: readonly [OutboxMemory, OutboxMemory];
}

export type SlotToMain =
  /** Asks for arena space for the result of item `index`; answered by `place`. */
  | { readonly t: "allocate"; readonly index: number; readonly bytes: number }
  | {
      readonly t: "log";
      readonly task: number;
      readonly attempt: number;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
    }
  /** What a task reports, encoded. */
  | { readonly t: "report"; readonly task: number; readonly attempt: number; readonly data: Uint8Array }
  /** Outcome records (outbox.ts) that are not in the shared outbox. */
  | { readonly t: "records"; readonly records: Uint8Array }
  /** It can run batches. */
  | { readonly t: "ready" }
  /** It cannot: a module that is loaded before anything else failed. */
  | { readonly t: "unready"; readonly message: string }
  /** The plugin's setup has ended. */
  | { readonly t: "plugged"; readonly serial: number; readonly failure: GearFailure | null }
  /** The actor has let go of what it had. */
  | { readonly t: "disposed" }
  /** The batch was run through. */
  | { readonly t: "done" }
  /** A task wants to be a client of the scheduler; answered by `connection`. */
  | { readonly t: "connect" }
  /** TensorFlow.js was loaded. */
  | { readonly t: "tensors"; readonly tensors: ToldTensors }
  /** It is, in this session. */
  | { readonly t: "session"; readonly id: number; readonly secret: string }
  /** A member of a group of tasks says something. */
  | { readonly t: "group"; readonly say: FromMember }
  // Process slots only:
  | { readonly t: "begun" | "heeds"; readonly index: number }
  | { readonly t: "profiled"; readonly report: ProfileReport }
  | { readonly t: "large"; readonly index: number; readonly durationUs: number; readonly bytes: Uint8Array };

export type MainToSlot =
  | {
      readonly t: "place";
      readonly index: number;
      /** Null: the arena is full, and there are no files. In segment `IN_FILE`: the file that its generation names. */
      readonly place: { readonly segment: number; readonly offset: number; readonly generation: number } | null;
      /** The segment's memory, when the slot has not seen it. */
      readonly memory: SharedArrayBuffer | null;
    }
  | { readonly t: "abort"; readonly task: number; readonly attempt: number; readonly reason: StopReason }
  /** A value for the code of an item, encoded. */
  | { readonly t: "tell"; readonly task: number; readonly attempt: number; readonly data: Uint8Array }
  /** The worker retires, or does so no more. */
  | { readonly t: "retiring"; readonly on: boolean }
  /** Said before a batch that needs it. */
  | { readonly t: "supplies"; readonly supplies: Supplies }
  | { readonly t: "batch"; readonly batch: Batch }
  | { readonly t: "connection"; readonly connection: Connection }
  | { readonly t: "group"; readonly say: ToMember }
  /** Between two batches, in the order in which it was said; answered by `plugged`. */
  | { readonly t: "plug"; readonly plugin: SlotPlugin }
  | { readonly t: "unplug"; readonly serial: number }
  /** The slot's life is over, and its actor's; answered by `disposed`. */
  | { readonly t: "dispose" }
  // Process slots only:
  | { readonly t: "start"; readonly config: SlotConfig }
  /** Sample what it does every so many µs; 0: no more, answered by `profiled`. */
  | { readonly t: "profile"; readonly intervalUs: number };
