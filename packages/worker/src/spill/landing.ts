// Where bytes from outside go: into the arena, or, when it has no room, into memory of their own, from where they go to a file.
import { FlockError } from "@taskflock/protocol";
import type { Arena, Place } from "../arena.ts";
import { IN_FILE } from "../slot/batch.ts";
import type { Store } from "../store.ts";
import { spillToFile } from "./spill-file.ts";

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

/** One transfer's. */
export class Landing {
  readonly #ground: LandingGround;
  #place: Place | null = null;
  #memory: Uint8Array | null = null;
  /** There was no room. */
  full = false;

  constructor(ground: LandingGround) {
    this.#ground = ground;
  }

  /** Where the bytes are to be written. Throws FLOCK_OUT_OF_MEMORY. */
  take(bytes: number): Uint8Array {
    this.giveBack();
    const { arena, store } = this.#ground;
    this.#place = store.room(bytes);
    if (this.#place !== null && this.#place.segment !== IN_FILE) return arena.view(this.#place);
    const memory = this.#place === null ? null : reserve(bytes);
    if (memory === null || !this.#ground.take(bytes)) {
      this.full = true;
      throw new FlockError("FLOCK_OUT_OF_MEMORY", `The worker has no room for ${bytes} bytes.`);
    }
    this.#memory = memory;
    return memory;
  }

  /** All bytes are there: resolves with where they stay. Rejects with FLOCK_DISK_FULL, and gives them back then. */
  async settle(): Promise<Place> {
    const place = this.#place!;
    if (this.#memory !== null) {
      try {
        await spillToFile(this.#ground.store.pathOf(place), this.#memory);
      } catch (error) {
        this.full = true;
        this.giveBack();
        throw error;
      }
      this.#ground.give(this.#memory.length);
    }
    this.#memory = null;
    this.#place = null;
    return place;
  }

  giveBack(): void {
    if (this.#memory !== null) this.#ground.give(this.#memory.length);
    if (this.#place !== null) this.#ground.store.giveBack(this.#place);
    this.#memory = null;
    this.#place = null;
  }
}

function reserve(bytes: number): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
