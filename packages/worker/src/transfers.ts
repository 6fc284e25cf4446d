// Data that comes and goes over the peer port: fetches from other workers, uploads of clients, and what others fetch here.
import {
  type BulkClient,
  type BulkEarly,
  type BulkSink,
  type BulkSource,
  type BulkTarget,
  FlockError,
  type Holder,
  isFlockError,
  type TaskId,
  type WhyMissing,
  whyMissing,
} from "@taskflock/protocol";
import type { Place } from "./arena.ts";
import { FROM_CLIENT, MovedCounts } from "./moved.ts";
import { IN_FILE } from "./slot/batch.ts";
import { Landing, type LandingGround } from "./spill/landing.ts";
import { readSpilledPart, SpoiledFile } from "./spill/spill-file.ts";
import type { Store } from "./store.ts";

/** How long the beginning of a result is kept, milliseconds; all of them take one part in so many of the memory at most. */
const BEGUN_MS = 15_000;
const BEGUN_PART = 4;

/** How long an upload that broke off may take to come again, milliseconds. */
const AGAIN_MS = 10_000;

export interface TransferEvents {
  fetched(task: TaskId, bytes: number): void;
  fetchFailed(task: TaskId, holder: Holder, full: boolean, why: WhyMissing, error: unknown): void;
  uploaded(task: TaskId, bytes: number): void;
  uploadFailed(task: TaskId, error: FlockError): void;
  /** What is stored cannot be read any more. */
  spoiled(task: TaskId, error: unknown): void;
}

export class Transfers {
  /** For people who watch. */
  readonly moved: MovedCounts = new MovedCounts();
  readonly #ground: LandingGround;
  readonly #store: Store;
  readonly #client: BulkClient;
  readonly #events: TransferEvents;
  readonly #fetches: Map<TaskId, AbortController> = new Map();
  /** What came of fetches that failed, for the next holder; the oldest first. */
  readonly #begun: Map<TaskId, Landing> = new Map();
  readonly #expected: Map<TaskId, number> = new Map();
  /** Of those: uploads that broke off, and are waited for once more. */
  readonly #again: Map<TaskId, NodeJS.Timeout> = new Map();
  /** Uploads whose client was quicker than the scheduler. */
  readonly #early: Map<TaskId, Set<() => void>> = new Map();

  constructor(ground: LandingGround, client: BulkClient, events: TransferEvents) {
    this.#ground = ground;
    this.#store = ground.store;
    this.#client = client;
    this.#events = events;
  }

  fetch(task: TaskId, holder: Holder): void {
    const begun = this.#begun.get(task);
    this.#begun.delete(task);
    this.stopFetch(task);
    const abort = new AbortController();
    this.#fetches.set(task, abort);
    const room = begun ?? new Landing(this.#ground, () => this.#forgetBegun());
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
    const { limitBytes } = this.#ground.arena;
    this.unexpect(task);
    // What comes of it is said after the step that asks for it.
    if (bytes <= limitBytes || this.#store.hasFiles) {
      this.#expected.set(task, bytes);
      queueMicrotask(() => this.#announce(task));
    } else {
      const why = `it is larger than all that this worker may store (${limitBytes} bytes; --memory-limit raises that)`;
      queueMicrotask(() => this.#events.uploadFailed(task, new FlockError("FLOCK_OUT_OF_MEMORY", why)));
    }
  }

  unexpect(task: TaskId): void {
    this.#expected.delete(task);
    clearTimeout(this.#again.get(task));
    this.#again.delete(task);
  }

  /** For the bulk server: bytes that someone fetches. */
  open(task: TaskId): BulkSource | null {
    const lease = this.#store.lease(task);
    if (lease === null || lease.place.segment !== IN_FILE) return lease;
    const { length: size } = lease.place;
    const path = this.#store.pathOf(lease.place);
    let leased = true;
    return {
      size,
      read: async (offset, length) => {
        try {
          return await readSpilledPart(path, size, offset, length);
        } catch (error) {
          // After the lease the file may be gone; the task may have another by now.
          if (error instanceof SpoiledFile && leased) this.#events.spoiled(task, error);
          throw error;
        }
      },
      release: () => {
        leased = false;
        lease.release();
      },
    };
  }

  /** For the bulk server: room for an upload, if it is expected and of the size that was said. */
  accept(task: TaskId, bytes: number): BulkTarget | BulkEarly | null {
    const expected = this.#expected.get(task);
    if (expected === undefined) return this.#store.has(task) ? null : this.#earlyUpload(task);
    if (expected !== bytes) return null;
    const landing = new Landing(this.#ground);
    this.unexpect(task);
    const since = performance.now();
    let target: Uint8Array | BulkSink;
    try {
      target = landing.sink(bytes);
    } catch (error) {
      this.#events.uploadFailed(task, asFlockError(error));
      return null;
    }
    return {
      target,
      done: () => {
        this.moved.add(FROM_CLIENT, task, bytes, since);
        void this.#uploaded(task, landing, bytes);
      },
      failed: (error) => {
        this.moved.failed(FROM_CLIENT, since);
        landing.giveBack();
        this.#expectAgain(task, bytes, error);
      },
    };
  }

  /** The connection broke: the client may come once more. */
  #expectAgain(task: TaskId, bytes: number, error: FlockError): void {
    if (error.code !== "FLOCK_TRANSFER_FAILED") {
      this.#events.uploadFailed(task, error);
      return;
    }
    this.#expected.set(task, bytes);
    const timer = setTimeout(() => {
      this.unexpect(task);
      this.#events.uploadFailed(task, error);
    }, AGAIN_MS);
    timer.unref();
    this.#again.set(task, timer);
    this.#announce(task);
  }

  close(): void {
    for (const task of [...this.#again.keys()]) this.unexpect(task);
    for (const task of [...this.#fetches.keys()]) this.stopFetch(task);
    this.#forgetBegun();
    this.#expected.clear();
  }

  async #uploaded(task: TaskId, landing: Landing, bytes: number): Promise<void> {
    try {
      this.#store.put(task, await landing.settle());
    } catch (error) {
      this.#events.uploadFailed(task, asFlockError(error));
      return;
    }
    this.#events.uploaded(task, bytes);
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

  async #fetch(task: TaskId, holder: Holder, room: Landing, signal: AbortSignal): Promise<void> {
    const since = performance.now();
    let place: Place;
    try {
      await this.#client.fetch(holder, task, (bytes) => room.take(bytes), signal, room.received);
      place = await room.settle();
    } catch (error) {
      if (signal.aborted) {
        room.giveBack();
        return;
      }
      this.#fetches.delete(task);
      this.moved.failed(holder.worker, since);
      this.#keepBegun(task, room);
      this.#events.fetchFailed(task, holder, room.full, whyMissing(holder, error), error);
      return;
    }
    this.moved.add(holder.worker, task, place.length, since);
    if (signal.aborted) {
      this.#store.giveBack(place);
      return;
    }
    this.#fetches.delete(task);
    this.#store.put(task, place);
    this.#events.fetched(task, place.length);
  }

  /** For a while, and no more than a part of the memory: another holder may give the rest. */
  #keepBegun(task: TaskId, room: Landing): void {
    if (room.received.bytes === 0) {
      room.giveBack();
      return;
    }
    this.#begun.set(task, room);
    room.expire(BEGUN_MS, () => {
      if (this.#begun.get(task) === room) this.#begun.delete(task);
    });
    let bytes = 0;
    for (const begun of this.#begun.values()) bytes += begun.bytes;
    for (const [, oldest] of this.#begun) {
      if (bytes <= this.#ground.arena.limitBytes / BEGUN_PART) return;
      bytes -= oldest.bytes;
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

function asFlockError(error: unknown): FlockError {
  if (isFlockError(error)) return error;
  return new FlockError("FLOCK_INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
}
