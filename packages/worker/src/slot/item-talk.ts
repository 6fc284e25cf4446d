// What a running item and the world outside say to each other: reports, words to it, that its worker retires.

import { format } from "node:util";
import { decodeValue, encodeValue, FlockError, isFlockError, TALK_BYTES } from "@taskflock/protocol/code";
import { RESULT_OPTIONS } from "./outbox.ts";

/** Values that are kept for an item that has not asked for them yet. */
const KEPT = 256;
const MAX_SHOWN = 512;

/** Most items have none. */
export class ItemTalk {
  readonly #listeners: Set<(value: unknown) => void> = new Set();
  #early: unknown[] = [];
  #controller: AbortController | undefined;
  #retires = false;

  heard(data: Uint8Array): void {
    const value = decodeValue(data, { copy: true });
    if (this.#listeners.size > 0) for (const listener of this.#listeners) listener(value);
    else if (this.#early.length < KEPT) this.#early.push(value);
  }

  onTell(listener: (value: unknown) => void): () => void {
    this.#listeners.add(listener);
    for (const value of this.#early.splice(0)) listener(value);
    return () => this.#listeners.delete(listener);
  }

  retires(on: boolean): void {
    this.#retires = on;
    if (on) this.#controller?.abort(yielded());
  }

  get retiring(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#retires && !this.#controller.signal.aborted) this.#controller.abort(yielded());
    return this.#controller.signal;
  }
}

/** The bytes of a report. `tolerant`: null for what can only be printed. */
export function encodedReport(value: unknown, tolerant: boolean): Uint8Array | null {
  try {
    const encoded = encodeValue(value, RESULT_OPTIONS);
    if (encoded.bytes <= TALK_BYTES) return encoded.toBytes();
    const text = `A report has at most ${TALK_BYTES} bytes, this one ${encoded.bytes}. Report less, or return it.`;
    throw new FlockError("FLOCK_TOO_LARGE", text);
  } catch (error) {
    if (tolerant && isFlockError(error) && error.code === "FLOCK_NOT_SERIALIZABLE") return null;
    throw error;
  }
}

/** For the log. */
export function shownProgress(progress: unknown): string {
  if (typeof progress === "number" && progress >= 0 && progress <= 1) return `${Math.round(progress * 100)} %`;
  const text = typeof progress === "string" ? progress : format("%o", progress);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

function yielded(): FlockError {
  return new FlockError("FLOCK_TASK_YIELDED", "The worker retires, and the task gave up its place to go on elsewhere.");
}
