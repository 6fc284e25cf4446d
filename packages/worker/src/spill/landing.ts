// Where bytes from outside go: into the arena, or, when it has no room, into memory of their own, from where they go to a file.
import { type BulkSink, FlockError, Received } from "@taskflock/protocol";
import type { Arena, Place } from "../arena.ts";
import { IN_FILE } from "../slot/batch.ts";
import type { Store } from "../store.ts";
import { SpillWriter, spillToFile } from "./spill-file.ts";

/** What may lie in memory of its own at the same time, bytes; one of any size always may. */
export class LandingGround {
  readonly arena: Arena;
  readonly store: Store;
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(arena: Arena, store: Store, limitBytes: number) {
    this.arena = arena;
    this.store = store;
    this.#limitBytes = limitBytes;
  }

  take(bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limitBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** One transfer's: room for its bytes, whose number the sender tells, and what has come of them. */
export class Landing {
  readonly #ground: LandingGround;
  readonly #makeRoom: () => boolean;
  received: Received = new Received();
  #place: Place | null = null;
  #memory: Uint8Array | null = null;
  #writer: SpillWriter | null = null;
  /** There was no room. */
  full = false;
  #timer: NodeJS.Timeout | null = null;
  #forgotten: () => void = () => {};

  /** `makeRoom`: gives back what can be done without; false when that is nothing. */
  constructor(ground: LandingGround, makeRoom: () => boolean = () => false) {
    this.#ground = ground;
    this.#makeRoom = makeRoom;
  }

  /** How many it takes. */
  get bytes(): number {
    return this.#place?.length ?? 0;
  }

  /** Where the bytes are to be written. Throws FLOCK_OUT_OF_MEMORY. */
  take(bytes: number): Uint8Array {
    this.#free();
    const { arena, store } = this.#ground;
    this.#place = arena.allocate(bytes);
    if (this.#place === null && this.#makeRoom()) this.#place = arena.allocate(bytes);
    if (this.#place !== null) return arena.view(this.#place);
    const place = store.room(bytes);
    const memory = place === null ? null : reserve(bytes);
    if (memory === null || !this.#ground.take(bytes)) {
      this.full = true;
      throw noRoom(bytes);
    }
    this.#place = place;
    this.#memory = memory;
    return memory;
  }

  /** The same, for bytes that need not be in memory all at once. */
  sink(bytes: number): Uint8Array | BulkSink {
    const { arena, store } = this.#ground;
    this.#place = store.room(bytes);
    if (this.#place === null) throw noRoom(bytes);
    if (this.#place.segment !== IN_FILE) return arena.view(this.#place);
    this.#writer = new SpillWriter(store.pathOf(this.#place), bytes);
    return this.#writer;
  }

  /** All bytes are there: resolves with where they stay. Rejects with FLOCK_DISK_FULL, and gives them back then. */
  async settle(): Promise<Place> {
    const place = this.#place!;
    try {
      this.#writer?.finish();
      if (this.#memory !== null) await spillToFile(this.#ground.store.pathOf(place), this.#memory);
    } catch (error) {
      this.full = true;
      this.#writer = null;
      this.giveBack();
      throw error;
    }
    if (this.#memory !== null) this.#ground.give(this.#memory.length);
    this.#memory = null;
    this.#writer = null;
    this.#place = null;
    return place;
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
    if (this.#memory !== null) this.#ground.give(this.#memory.length);
    this.#writer?.abandon();
    if (this.#place !== null) this.#ground.store.giveBack(this.#place);
    this.#memory = null;
    this.#writer = null;
    this.#place = null;
  }
}

function noRoom(bytes: number): FlockError {
  return new FlockError("FLOCK_OUT_OF_MEMORY", `The worker has no room for ${bytes} bytes.`);
}

function reserve(bytes: number): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
