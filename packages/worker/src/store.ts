// What this worker holds: bytes in the arena under a task, leased to whoever reads them.
import type { TaskId } from "@taskflock/protocol";
import type { Arena, Place } from "./arena.ts";

/** Bytes that may be read until `release`. */
export interface Lease {
  readonly place: Place;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  release(): void;
}

interface Entry {
  readonly place: Place;
  leases: number;
  dropped: boolean;
}

export class Store {
  readonly #arena: Arena;
  readonly #entries: Map<TaskId, Entry> = new Map();

  /** Of what is held, bytes in files; and how many results were ever moved to files. */
  readonly spilledBytes: number = 0;
  readonly spillCount: number = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Files bytes that were written to `place`; what was there under the task is dropped. */
  put(task: TaskId, place: Place): void {
    this.drop(task);
    this.#entries.set(task, { place, leases: 0, dropped: false });
  }

  has(task: TaskId): boolean {
    return this.#entries.has(task);
  }

  /** Null when nothing is held under the task. The memory stays as it is until the lease is released, also after `drop`. */
  lease(task: TaskId): Lease | null {
    const entry = this.#entries.get(task);
    if (entry === undefined) return null;
    entry.leases++;
    let released = false;
    return {
      place: entry.place,
      bytes: this.#arena.view(entry.place),
      release: () => {
        if (released) return;
        released = true;
        entry.leases--;
        this.#reclaim(entry);
      },
    };
  }

  drop(task: TaskId): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    this.#entries.delete(task);
    entry.dropped = true;
    this.#reclaim(entry);
  }

  #reclaim(entry: Entry): void {
    if (entry.dropped && entry.leases === 0) this.#arena.free(entry.place);
  }
}
