// Data that comes and goes over the peer port: fetches from other workers, uploads of clients, and what others fetch here.
import {
  type BulkClient,
  type BulkEarly,
  type BulkSource,
  type BulkTarget,
  FlockError,
  type Holder,
  type TaskId,
} from "@taskflock/protocol";
import type { Arena, Place } from "./arena.ts";
import type { Store } from "./store.ts";

export interface TransferEvents {
  fetched(task: TaskId, bytes: number): void;
  fetchFailed(task: TaskId, holder: Holder, full: boolean, error: unknown): void;
  uploaded(task: TaskId, bytes: number): void;
  uploadFailed(task: TaskId, message: string): void;
}

export class Transfers {
  readonly #arena: Arena;
  readonly #store: Store;
  readonly #client: BulkClient;
  readonly #events: TransferEvents;
  readonly #fetches: Map<TaskId, AbortController> = new Map();
  readonly #expected: Map<TaskId, number> = new Map();
  /** Uploads whose client was quicker than the scheduler. */
  readonly #early: Map<TaskId, Set<() => void>> = new Map();

  constructor(arena: Arena, store: Store, client: BulkClient, events: TransferEvents) {
    this.#arena = arena;
    this.#store = store;
    this.#client = client;
    this.#events = events;
  }

  fetch(task: TaskId, holder: Holder): void {
    this.stopFetch(task);
    const abort = new AbortController();
    this.#fetches.set(task, abort);
    void this.#fetch(task, holder, abort.signal);
  }

  /** The fetch ends without an answer. */
  stopFetch(task: TaskId): void {
    this.#fetches.get(task)?.abort();
    this.#fetches.delete(task);
  }

  expect(task: TaskId, bytes: number): void {
    const { limitBytes } = this.#arena;
    // What comes of it is said after the step that asks for it.
    if (bytes <= limitBytes) {
      this.#expected.set(task, bytes);
      queueMicrotask(() => this.#announce(task));
    } else {
      const why = `it is larger than all that this worker may store (${limitBytes} bytes; --memory-limit raises that)`;
      queueMicrotask(() => this.#events.uploadFailed(task, why));
    }
  }

  unexpect(task: TaskId): void {
    this.#expected.delete(task);
  }

  /** For the bulk server: bytes that someone fetches. */
  open(task: TaskId): BulkSource | null {
    return this.#store.lease(task);
  }

  /** For the bulk server: room for an upload, if it is expected and of the size that was said. */
  accept(task: TaskId, bytes: number): BulkTarget | BulkEarly | null {
    const expected = this.#expected.get(task);
    if (expected === undefined) return this.#store.has(task) ? null : this.#earlyUpload(task);
    if (expected !== bytes) return null;
    const place = this.#arena.allocate(bytes);
    this.#expected.delete(task);
    if (place === null) {
      this.#events.uploadFailed(task, `the arena has no room for ${bytes} bytes`);
      return null;
    }
    return {
      target: this.#arena.view(place),
      done: () => {
        this.#store.put(task, place);
        this.#events.uploaded(task, bytes);
      },
      failed: (error) => {
        this.#arena.free(place);
        this.#events.uploadFailed(task, error.message);
      },
    };
  }

  close(): void {
    for (const task of [...this.#fetches.keys()]) this.stopFetch(task);
    this.#expected.clear();
  }

  #earlyUpload(task: TaskId): BulkEarly {
    return {
      wait: (announced) => {
        const waiting = this.#early.get(task) ?? new Set();
        this.#early.set(task, waiting.add(announced));
        return () => {
          waiting.delete(announced);
          if (waiting.size === 0 && this.#early.get(task) === waiting) this.#early.delete(task);
        };
      },
    };
  }

  #announce(task: TaskId): void {
    const waiting = this.#early.get(task);
    this.#early.delete(task);
    for (const announced of waiting ?? []) announced();
  }

  async #fetch(task: TaskId, holder: Holder, signal: AbortSignal): Promise<void> {
    const room = new Room(this.#arena);
    try {
      await this.#client.fetch(holder.address, task, (bytes) => room.take(bytes), signal);
    } catch (error) {
      room.giveBack();
      if (signal.aborted) return;
      this.#fetches.delete(task);
      this.#events.fetchFailed(task, holder, room.full, error);
      return;
    }
    const { place } = room;
    if (signal.aborted || place === null) {
      room.giveBack();
      return;
    }
    this.#fetches.delete(task);
    this.#store.put(task, place);
    this.#events.fetched(task, place.length);
  }
}

/** Arena space for one fetch, whose size the holder tells. */
class Room {
  readonly #arena: Arena;
  place: Place | null = null;
  full = false;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  take(bytes: number): Uint8Array {
    this.giveBack();
    this.place = this.#arena.allocate(bytes);
    if (this.place === null) {
      this.full = true;
      throw new FlockError("FLOCK_OUT_OF_MEMORY", `The arena has no room for an input of ${bytes} bytes.`);
    }
    return this.#arena.view(this.place);
  }

  giveBack(): void {
    if (this.place !== null) this.#arena.free(this.place);
    this.place = null;
  }
}
