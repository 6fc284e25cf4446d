// What slots tell the worker's shell.

import type { Assign } from "@taskflock/protocol";
import type { Place } from "../arena.ts";
import type { SlotFailure } from "../slot/failure.ts";
import type { OutcomeRecord } from "../slot/outbox.ts";

/** What a slot tells; each call names the slot by its number. */
export interface SlotEvents {
  itemStarted(slot: number, assign: Assign): void;
  /** The result is what lies in `record.source` during the call. It is told with others, at the latest by `outcomesTold`. */
  itemFinished(slot: number, assign: Assign, record: OutcomeRecord): void;
  itemStored(slot: number, assign: Assign, place: Place, durationUs: number): void;
  itemFailed(slot: number, assign: Assign, failure: SlotFailure, durationUs: number): void;
  /** It was not run: an item before it gave no result to hand on. */
  itemReturned(slot: number, assign: Assign): void;
  /** It was not run: what is stored of its input of that index cannot be read any more. */
  inputSpoiled(slot: number, assign: Assign, index: number): void;
  /** All outcomes that there are at the moment were told. */
  outcomesTold(): void;
  /** The oldest batch is over: each of its items had its outcome. */
  batchDone(slot: number): void;
  slotReplaced(slot: number): void;
  log(task: number, attempt: number, stream: "stdout" | "stderr", text: string): void;
  /** What a task reports, encoded. */
  report(task: number, attempt: number, data: Uint8Array): void;
  /** Native code holds the thread: the slot goes on with another one, and the worker should be replaced. */
  stuck(slot: number): void;
  /** The slot cannot be started again. */
  broken(slot: number, error: unknown): void;
}
