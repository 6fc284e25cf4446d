// Large parts of arguments, addressed by their content: the same array in a thousand calls is sent once.

import { createHash } from "node:crypto";
import type { TaskRecord } from "./record.ts";

/** How much stays on the cluster after its tasks, so that the next call with the same data need not send it. */
const KEPT_BYTES = 256 * 1024 * 1024;
const KEPT_ENTRIES = 1024;

export interface SharedDataHost {
  /** Makes data of the cluster out of an encoded value; the record has one handle. */
  scatterBytes(bytes: Uint8Array, name: string, fingerprint: string): TaskRecord;
  dropHandle(record: TaskRecord): void;
  /** A call that is about to be submitted needs the data. */
  keep(record: TaskRecord, bytes: Uint8Array): void;
}

export class SharedData {
  readonly #host: SharedDataHost;
  /** By content hash, least recently used first. */
  readonly #kept: Map<string, TaskRecord> = new Map();
  /** Of the call in progress: what was hashed before, by identity (strings by value). */
  readonly #seen: Map<unknown, TaskRecord> = new Map();
  #bytes = 0;

  constructor(host: SharedDataHost) {
    this.#host = host;
  }

  /**
   * The record of the data that `value` encodes to. It is kept at least until `callEnded`: send what depends on it before.
   * `encode` gives bytes that nobody changes later.
   */
  place(value: unknown, encode: () => Uint8Array): TaskRecord {
    const seen = this.#seen.get(value);
    if (seen !== undefined) return seen;
    const bytes = encode();
    const hash = createHash("sha256").update(bytes).digest("hex");
    const record = this.#find(hash) ?? this.#add(hash, bytes);
    this.#host.keep(record, bytes);
    this.#seen.set(value, record);
    return record;
  }

  /** Values may change once the user's code runs again, so a second look must read them again. */
  forgetIdentities(): void {
    if (this.#seen.size > 0) this.#seen.clear();
  }

  callEnded(): void {
    this.forgetIdentities();
    for (const [hash, record] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES && this.#kept.size <= KEPT_ENTRIES) return;
      this.#remove(hash, record);
    }
  }

  /** The cluster has it no more, and it was given up. */
  lost(record: TaskRecord): void {
    const { fingerprint } = record;
    if (fingerprint !== null && this.#kept.get(fingerprint) === record) this.#remove(fingerprint, record);
  }

  #find(hash: string): TaskRecord | undefined {
    const record = this.#kept.get(hash);
    if (record === undefined) return undefined;
    if (record.state === "failed" || record.state === "cancelled") {
      this.#remove(hash, record); // lost with its worker: it is sent again
      return undefined;
    }
    this.#kept.delete(hash);
    this.#kept.set(hash, record);
    return record;
  }

  #add(hash: string, bytes: Uint8Array): TaskRecord {
    const record = this.#host.scatterBytes(bytes, "data", hash);
    this.#kept.set(hash, record);
    this.#bytes += bytes.length;
    return record;
  }

  #remove(hash: string, record: TaskRecord): void {
    this.#kept.delete(hash);
    this.#bytes -= record.sentBytes;
    this.#host.dropHandle(record);
  }
}
