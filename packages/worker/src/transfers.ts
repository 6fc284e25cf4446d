// Data that comes and goes over the peer port: fetches from other workers, uploads of clients, and what others fetch here.
import {
  type BulkClient,
  type BulkEarly,
  type BulkSource,
  type BulkTarget,
  FlockError,
  type Holder,
  Received,
  type TaskId,
  type WhyMissing,
  whyMissing,
} from "@taskflock/protocol";
import type { Arena, Place } from "./arena.ts";
import type { Store } from "./store.ts";

/** How long the beginning of a result is kept, milliseconds; all of them take one part in so many of the memory at most. */
const BEGUN_MS = 15_000;
const BEGUN_PART = 4;

export interface TransferEvents {
  fetched(task: TaskId, bytes: number): void;
  fetchFailed(task: TaskId, holder: Holder, full: boolean, why: WhyMissing, error: unknown): void;
  uploaded(task: TaskId, bytes: number): void;
  uploadFailed(task: TaskId, message: string): void;
}

export class Transfers {
  readonly #arena: Arena;
  readonly #store: Store;
  readonly #client: BulkClient;
  readonly #events: TransferEvents;
  readonly #fetches: Map<TaskId, AbortController> = new Map();
  /** What came of fetches that failed, for the next holder; the oldest first. */
  readonly #begun: Map<TaskId, Room> = new Map();
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
    const begun = this.#begun.get(task);
    this.#begun.delete(task);
    this.stopFetch(task);
    const abort = new AbortController();
    this.#fetches.set(task, abort);
    const room = begun ?? new Room(this.#arena, () => this.#forgetBegun());
    room.stay();
    void this.#fetch(task, holder, room, abort.signal);
  }

  /** The fetch ends without an answer. */
  stopFetch(task: TaskId): void {
    this.#fetches.get(task)?.abort();
    this.#fetches.delete(task);
    this.#begun.get(task)?.giveBack();
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
    this.#forgetBegun();
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

  async #fetch(task: TaskId, holder: Holder, room: Room, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.fetch(holder, task, (bytes) => room.take(bytes), signal, room.received);
    } catch (error) {
      if (signal.aborted) {
        room.giveBack();
        return;
      }
      this.#fetches.delete(task);
      this.#keepBegun(task, room);
      this.#events.fetchFailed(task, holder, room.full, whyMissing(holder, error), error);
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

  /** For a while, and no more than a part of the memory: another holder may give the rest. */
  #keepBegun(task: TaskId, room: Room): void {
    if (room.received.bytes === 0) {
      room.giveBack();
      return;
    }
    this.#begun.set(task, room);
    room.expire(BEGUN_MS, () => {
      if (this.#begun.get(task) === room) this.#begun.delete(task);
    });
    let bytes = 0;
    for (const { place } of this.#begun.values()) bytes += place?.length ?? 0;
    for (const [, oldest] of this.#begun) {
      if (bytes <= this.#arena.limitBytes / BEGUN_PART) return;
      bytes -= oldest.place?.length ?? 0;
      oldest.giveBack();
    }
  }

  /** Room is wanted. True when there was any to give back. */
  #forgetBegun(): boolean {
    const rooms = [...this.#begun.values()];
    for (const room of rooms) room.giveBack();
    return rooms.length > 0;
  }
}

/** Arena space for one fetch, whose size the holder tells, and what has come into it. */
class Room {
  readonly #arena: Arena;
  readonly #makeRoom: () => boolean;
  received: Received = new Received();
  place: Place | null = null;
  full = false;
  #timer: NodeJS.Timeout | null = null;
  #forgotten: () => void = () => {};

  constructor(arena: Arena, makeRoom: () => boolean) {
    this.#arena = arena;
    this.#makeRoom = makeRoom;
  }

  take(bytes: number): Uint8Array {
    this.#free();
    this.place = this.#arena.allocate(bytes);
    if (this.place === null && this.#makeRoom()) this.place = this.#arena.allocate(bytes);
    if (this.place === null) {
      this.full = true;
      throw new FlockError("FLOCK_OUT_OF_MEMORY", `The arena has no room for an input of ${bytes} bytes.`);
    }
    return this.#arena.view(this.place);
  }

  /** Nobody fills it now: it is given back after a while. */
  expire(ms: number, forgotten: () => void): void {
    this.#forgotten = forgotten;
    this.#timer = setTimeout(() => this.giveBack(), ms);
    this.#timer.unref();
  }

  stay(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forgotten = () => {};
  }

  giveBack(): void {
    const forgotten = this.#forgotten;
    this.stay();
    this.#free();
    this.received = new Received();
    forgotten();
  }

  #free(): void {
    if (this.place !== null) this.#arena.free(this.place);
    this.place = null;
  }
}
