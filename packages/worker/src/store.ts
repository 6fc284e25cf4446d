// What this worker holds: bytes in the arena or in files under a task, leased to whoever reads them. When the arena is nearly full, what
// was used longest ago and nobody reads moves to files.

import { unlink } from "node:fs";
import type { TaskId } from "@taskflock/protocol";
import type { Arena, Place } from "./arena.ts";
import { IN_FILE } from "./slot/batch.ts";
import { type Listed, Recency } from "./spill/recency.ts";
import { spillToFile } from "./spill/spill-file.ts";
import type { SpillFolder } from "./spill/spill-folder.ts";

/** Bytes that may be read until `release`. */
export interface Lease {
  /** In segment `IN_FILE`: the file of its generation. */
  readonly place: Place;
  /** Nothing for what is in a file. */
  readonly bytes: Uint8Array;
  release(): void;
}

export interface StoreOptions {
  /** Null: nothing goes to files. */
  readonly folder: SpillFolder | null;
  /** A result could not be written to a file, and stays in memory. */
  onTrouble?(error: unknown): void;
}

interface Entry extends Listed<Entry> {
  place: Place;
  leases: number;
  dropped: boolean;
  /** Its bytes are on their way to a file. */
  writing: boolean;
  /** Its bytes are in a file too, since they were read when they got there: the memory goes with the last lease. */
  copy: Place | null;
}

/** Shares of the arena: above the first, results are moved to files until the second is reached. */
const HIGH = 0.85;
const LOW = 0.75;
/** Files that are written at the same time. */
const MAX_WRITING = 2;
/** After a write that failed, nothing is written for so long. */
const TROUBLE_MS = 5_000;
const NOTHING = new Uint8Array(0);

export class Store {
  readonly #arena: Arena;
  readonly #options: StoreOptions;
  readonly #entries: Map<TaskId, Entry> = new Map();
  /** What could be moved to a file: in memory, read by nobody. */
  readonly #idle: Recency<Entry> = new Recency();
  #writing = 0;
  /** Of the arena: on their way to a file, or there, and in memory only until they are read to the end. */
  #leavingBytes = 0;
  /** What the arena's used bytes are to come down to, while it is to be relieved. */
  #goal: number | null = null;
  #quietUntil = 0;
  #spilledBytes = 0;
  #spillCount = 0;
  #closed = false;

  constructor(arena: Arena, options: StoreOptions = { folder: null }) {
    this.#arena = arena;
    this.#options = options;
  }

  /** Whether results that find no room in memory can be files. */
  get hasFiles(): boolean {
    return this.#options.folder !== null;
  }

  /** Of what is held, bytes in files. */
  get spilledBytes(): number {
    return this.#spilledBytes;
  }

  /** How many results ever went to files. */
  get spillCount(): number {
    return this.#spillCount;
  }

  /** Room for a result: in the arena, or else the name of a file that is to be written; null when there are no files. */
  room(bytes: number): Place | null {
    const place = this.#arena.allocate(bytes);
    const { folder } = this.#options;
    if (place !== null || folder === null) return place;
    this.#relieve(this.#arena.limitBytes - bytes);
    this.#makeFolder();
    return { segment: IN_FILE, offset: 0, length: bytes, generation: this.#arena.newSerial() };
  }

  /** Of a place in a file. */
  pathOf(place: Place): string {
    return this.#options.folder?.fileOf(place.generation) ?? "";
  }

  /** Room that is not used after all. */
  giveBack(place: Place): void {
    if (place.segment === IN_FILE) unlink(this.pathOf(place), () => undefined);
    else this.#arena.free(place);
  }

  /** Files bytes that were written to `place`; what was there under the task is dropped. */
  put(task: TaskId, place: Place): void {
    this.drop(task);
    const entry: Entry = {
      place,
      leases: 0,
      dropped: false,
      writing: false,
      copy: null,
      older: null,
      newer: null,
      listed: false,
    };
    this.#entries.set(task, entry);
    if (place.segment === IN_FILE) {
      this.#spilledBytes += place.length;
      this.#spillCount++;
    } else {
      this.#idle.add(entry);
      if (this.#arena.usedBytes > this.#arena.limitBytes * HIGH) this.#relieve(this.#arena.limitBytes * LOW);
    }
  }

  has(task: TaskId): boolean {
    return this.#entries.has(task);
  }

  /** Null when nothing is held under the task. The bytes stay as they are until the lease is released, also after `drop`. */
  lease(task: TaskId): Lease | null {
    const entry = this.#entries.get(task);
    if (entry === undefined) return null;
    const { place } = entry;
    if (entry.leases++ === 0) this.#idle.remove(entry);
    let released = false;
    return {
      place,
      bytes: place.segment === IN_FILE ? NOTHING : this.#arena.view(place),
      release: () => {
        if (released) return;
        released = true;
        if (--entry.leases === 0) this.#rest(entry);
      },
    };
  }

  drop(task: TaskId): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    this.#entries.delete(task);
    entry.dropped = true;
    this.#idle.remove(entry);
    if (entry.place.segment === IN_FILE) this.#spilledBytes -= entry.place.length;
    if (entry.leases === 0) this.#rest(entry);
  }

  /** Nothing more is moved to files, and those that are there go. */
  close(): void {
    this.#closed = true;
    this.#options.folder?.remove();
  }

  /** Nobody reads it. */
  #rest(entry: Entry): void {
    if (entry.writing) return; // its end decides
    if (entry.dropped) {
      this.giveBack(entry.place);
      if (entry.copy === null) return;
      this.#leavingBytes -= entry.place.length;
      this.giveBack(entry.copy);
    } else if (entry.copy !== null) this.#becomeFile(entry, entry.copy);
    else if (entry.place.segment !== IN_FILE) {
      this.#idle.add(entry);
      if (this.#goal !== null) this.#spill();
    }
  }

  #becomeFile(entry: Entry, file: Place): void {
    this.#arena.free(entry.place);
    this.#leavingBytes -= file.length;
    // Under another number than in memory: what slots keep of it by that number lies where other bytes will be.
    entry.place = file;
    entry.copy = null;
    this.#spilledBytes += file.length;
    this.#spillCount++;
  }

  #relieve(goal: number): void {
    if (this.#options.folder === null) return;
    this.#goal = Math.max(0, Math.min(this.#goal ?? goal, goal));
    this.#spill();
  }

  /** Moves what was used longest ago, a few at a time, until the goal is reached. */
  #spill(): void {
    while (this.#goal !== null && this.#writing < MAX_WRITING && !this.#closed) {
      if (this.#arena.usedBytes - this.#leavingBytes <= this.#goal) this.#goal = null;
      const entry = this.#idle.oldest;
      if (this.#goal === null || entry === null || performance.now() < this.#quietUntil) return;
      this.#idle.remove(entry);
      void this.#write(entry);
    }
  }

  async #write(entry: Entry): Promise<void> {
    const { place } = entry;
    const file: Place = { ...place, segment: IN_FILE, offset: 0, generation: this.#arena.newSerial() };
    entry.writing = true;
    this.#writing++;
    this.#leavingBytes += place.length;
    try {
      this.#makeFolder();
      await spillToFile(this.pathOf(file), this.#arena.view(place));
      entry.copy = file;
    } catch (error) {
      this.#quietUntil = performance.now() + TROUBLE_MS;
      this.#goal = null;
      this.#leavingBytes -= place.length;
      this.#options.onTrouble?.(error);
    }
    entry.writing = false;
    this.#writing--;
    if (entry.leases === 0) this.#rest(entry);
    this.#spill();
  }

  /** Whoever writes a file there hears why it cannot be made. */
  #makeFolder(): void {
    try {
      this.#options.folder?.make();
    } catch {
      // as above
    }
  }
}
