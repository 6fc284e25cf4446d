// What is known of a function while anybody uses it.

import type { FunctionId, PayloadRef } from "@taskflock/protocol/words";
import type { Durations } from "./durations.ts";

export interface FunctionRecord {
  readonly id: FunctionId;
  readonly hash: string;
  readonly name: string;
  readonly code: PayloadRef;
  readonly codeBytes: number;
  /** Sessions' definitions, and tasks with lineage, that use it. */
  uses: number;
  /** Measured duration, µs; 0 is unknown. */
  durationUs: number;
  /** The same as a whole number: fractions in the records of tasks cost an object each. */
  expectedUs: number;
  /** Calls that ended well, and how long they took together, µs. */
  calls: number;
  spentUs: number;
  readonly durations: Durations;
  /** On average, how long its results would travel, µs: of those that stay with their worker. */
  travelUs: number;
  /** Its tasks by state; what stands under `FREE` means nothing. */
  readonly counts: number[];
  /** Its tasks that ended, all that ever did, and which of all tasks the last of them was. */
  done: number;
  failed: number;
  cancelled: number;
  lastEnded: number;
}
/** A function under the name one session gave it. */
export interface Definition {
  readonly name: string;
  readonly record: FunctionRecord;
}
