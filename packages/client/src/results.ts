// From what is known of a finished task to the value or error that its future gives.

import { decodeValue, NO_PAYLOAD, type PayloadStore } from "@taskflock/protocol";
import { errorOf } from "./failures.ts";
import type { TaskRecord } from "./record.ts";
import type { Retrieval } from "./retrieval.ts";

/** Small results lie among others in the store, and are the caller's own. */
const COPY = { copy: true } as const;
const decodeOwn = (bytes: Uint8Array, start: number, end: number): unknown => decodeValue(bytes, COPY, start, end);

export class Results {
  readonly #payloads: PayloadStore;
  readonly #retrieval: Retrieval;
  readonly #keyOf: (record: TaskRecord) => string;

  constructor(payloads: PayloadStore, retrieval: Retrieval, keyOf: (record: TaskRecord) => string) {
    this.#payloads = payloads;
    this.#retrieval = retrieval;
    this.#keyOf = keyOf;
  }

  /** True when the value is here: `local` gives it at once. */
  isLocal(record: TaskRecord): boolean {
    return record.result !== NO_PAYLOAD;
  }

  /** The value of a done record whose bytes are here. Each call decodes anew, into memory of its own. */
  local(record: TaskRecord): unknown {
    return this.#payloads.read(record.result, decodeOwn);
  }

  /** The value of a done record whose bytes are on a worker. */
  async remote(record: TaskRecord): Promise<unknown> {
    return decodeValue(await this.#retrieval.bytes(record.n));
  }

  /** Of a failed or cancelled record. */
  error(record: TaskRecord): Error {
    return record.fault ?? errorOf(record.outcome!, this.#keyOf(record), this.#payloads);
  }

  /** Gives back what the record keeps. */
  drop(record: TaskRecord): void {
    if (record.result !== NO_PAYLOAD) this.#payloads.free(record.result);
    record.result = NO_PAYLOAD;
    if (record.outcome?.t === "failed" && record.outcome.failure.errorBytes > 0) {
      this.#payloads.free(record.outcome.failure.error);
    }
  }
}
