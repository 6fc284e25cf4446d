// What running tasks report to this client, and what it tells them.

import {
  decodeValue,
  encodeValue,
  FlockError,
  isFlockError,
  NO_PAYLOAD,
  TALK_BYTES,
  type TaskReport,
} from "@taskflock/protocol";
import { releasedError } from "./endings.ts";
import { type Future, type FutureOwner, isReleased, recordOf } from "./future.ts";
import { describe } from "./option-checks.ts";
import type { Questions, QuestionsHost } from "./questions.ts";
import type { TaskRecord } from "./record.ts";

type Hear = (report: unknown) => void;

export interface TalkHost extends FutureOwner, QuestionsHost {
  readonly questions: Questions;
  ensureOpen(): void;
}

export class Talk {
  readonly #host: TalkHost;
  /** By task number. */
  readonly #listeners: Map<number, Set<Hear>> = new Map();
  /** Tasks of which a report could not be read, which was said. */
  readonly #unreadable: Set<number> = new Set();

  constructor(host: TalkHost) {
    this.#host = host;
  }

  /** See `Future.onReport`. */
  onReport(future: Future<unknown>, hear: Hear): () => void {
    if (typeof hear !== "function") {
      throw new FlockError("FLOCK_ARGUMENT_INVALID", `onReport takes a function, not ${describe(hear)}.`);
    }
    const { n, fault } = this.#of(future);
    const known = this.#listeners.get(n);
    const listeners = known ?? new Set();
    listeners.add(hear);
    this.#listeners.set(n, listeners);
    if (known === undefined && fault === null) {
      // Whoever waits for the task hears of what ends the session.
      this.#host.questions.ask({ q: "hearReports", n }).catch(() => {});
    }
    return () => listeners.delete(hear);
  }

  /** See `Future.tell`. */
  async tell(future: Future<unknown>, value: unknown): Promise<boolean> {
    const { n, fault, state } = this.#of(future);
    const bytes = encodeValue(value).toBytes();
    if (bytes.length > TALK_BYTES) {
      const text = `tell takes up to ${TALK_BYTES} bytes, the value has ${bytes.length}. Scatter it, and pass its future to a task.`;
      throw new FlockError("FLOCK_TOO_LARGE", text);
    }
    if (fault !== null || state !== "pending") return false;
    const data = this.#host.payloads.put(bytes);
    try {
      // The bytes stay until the answer is here: after a cut the question is asked again.
      return await this.#host.questions.ask({ q: "tellTask", n, data, dataBytes: bytes.length });
    } finally {
      this.#host.payloads.free(data);
    }
  }

  /** Takes over the payload. */
  heard({ n, data }: TaskReport): void {
    const listeners = this.#listeners.get(n);
    const bytes = listeners === undefined || listeners.size === 0 ? null : this.#host.payloads.get(data).slice();
    if (data !== NO_PAYLOAD) this.#host.payloads.free(data);
    if (bytes === null || listeners === undefined) return;
    for (const hear of listeners) {
      const report = this.#read(n, bytes);
      // What a listener throws is its own.
      if (report !== null) queueMicrotask(() => hear(report.value));
    }
  }

  /** Null: it cannot be read here, such as an instance of a class that only the worker has. */
  #read(n: number, bytes: Uint8Array): { readonly value: unknown } | null {
    try {
      return { value: decodeValue(bytes, { copy: true }) };
    } catch (error) {
      if (!this.#unreadable.has(n)) warn(error);
      this.#unreadable.add(n);
      return null;
    }
  }

  dropped({ n }: TaskRecord): void {
    if (this.#listeners.size === 0) return;
    this.#listeners.delete(n);
    this.#unreadable.delete(n);
  }

  close(): void {
    this.#listeners.clear();
  }

  #of(future: Future<unknown>): TaskRecord {
    this.#host.ensureOpen();
    if (isReleased(future)) throw releasedError(future.key);
    return recordOf(future);
  }
}

function warn(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  const code = isFlockError(error) ? error.code : "FLOCK_VALUE_MALFORMED";
  process.emitWarning(`A task's report cannot be read here, and is left out, as others like it: ${why}`, { code });
}
