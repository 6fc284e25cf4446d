// Bytes that a shell keeps for its machine, named by small integers. Tasks' arguments and results are mostly tiny: a Buffer
// object for each would cost more than its bytes, so up to 4 KiB they lie in pages cut into slots of one size.

import { FlockError, type PayloadRef } from "./words/index.ts";

/** Where an encoder takes payload bytes from. */
export interface PayloadSource {
  sizeOf(ref: PayloadRef): number;
  /** Copies the bytes to `target` at `at`; there must be room. */
  copyInto(ref: PayloadRef, target: Uint8Array, at: number): void;
}

/** Where a decoder leaves payload bytes; it copies them. */
export interface PayloadSink {
  putSlice(bytes: Uint8Array, start: number, end: number): PayloadRef;
}

const PAGE_BYTES = 65_536;
const SMALL_LIMIT = 4096;
const SLOTS_PER_PAGE = 4096;
const SPARE_PAGES = 64;
/** Slot sizes; the first is 16 B, so that a page has at most 4,096 slots and a reference at most 30 bits for 16 GiB. */
const CLASS_BYTES: readonly number[] = [16, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096];
/** By (size + 15) / 16: the class that holds it. */
const classOfSize: Uint8Array = Uint8Array.from({ length: SMALL_LIMIT / 16 + 1 }, (_, i) =>
  CLASS_BYTES.findIndex((bytes) => bytes >= i * 16),
);
const FREE_SLOT = 0xffff;
const NONE = -1;

interface Page {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Class of the slots, or NONE for a buffer of its own. */
  readonly sizeClass: number;
  readonly slotBytes: number;
  /** Bytes in use of each slot; FREE_SLOT when it is free. */
  readonly lengths: Uint16Array;
  /** Free slots are chained through this. */
  readonly next: Int16Array;
  freeHead: number;
  /** Slots from here on were never used. */
  fresh: number;
  used: number;
  /** Position in its class's list of pages with room, or NONE. */
  roomAt: number;
}

const noLengths = new Uint16Array(0);
const noNext = new Int16Array(0);

/** Keeps payloads until they are freed. References are positive integers and are used again after `free`. */
export class PayloadStore implements PayloadSource, PayloadSink {
  readonly #pages: (Page | null)[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #room: Page[][] = CLASS_BYTES.map(() => []);
  readonly #spare: Uint8Array[] = [];
  #bytes = 0;
  #count = 0;

  /** Bytes of all payloads kept, without overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Copies `bytes`. */
  put(bytes: Uint8Array): PayloadRef {
    return this.putSlice(bytes, 0, bytes.length);
  }

  putSlice(bytes: Uint8Array, start: number, end: number): PayloadRef {
    const size = end - start;
    this.#bytes += size;
    this.#count++;
    if (size > SMALL_LIMIT) return this.#putLarge(bytes.slice(start, end));
    const sizeClass = classOfSize[(size + 15) >> 4]!;
    const page = this.#room[sizeClass]!.at(-1) ?? this.#newPage(sizeClass);
    let slot = page.freeHead;
    if (slot === NONE) slot = page.fresh++;
    else page.freeHead = page.next[slot]!;
    page.lengths[slot] = size;
    page.used++;
    if (page.freeHead === NONE && page.fresh === page.lengths.length) this.#leaveRoom(page);
    copy(bytes, start, end, page.bytes, slot * page.slotBytes);
    return (page.index * SLOTS_PER_PAGE + slot + 1) as PayloadRef;
  }

  /** A view of the bytes; valid until `free`. */
  get(ref: PayloadRef): Uint8Array {
    const page = this.#pageOf(ref);
    if (page.sizeClass === NONE) return page.bytes;
    const slot = (ref - 1) % SLOTS_PER_PAGE;
    return page.bytes.subarray(slot * page.slotBytes, slot * page.slotBytes + page.lengths[slot]!);
  }

  /** What `use` makes of the bytes, which lie from `start` to `end`: a view of tiny ones would cost more than they do. */
  read<R>(ref: PayloadRef, use: (bytes: Uint8Array, start: number, end: number) => R): R {
    const page = this.#pageOf(ref);
    if (page.sizeClass === NONE) return use(page.bytes, 0, page.bytes.length);
    const slot = (ref - 1) % SLOTS_PER_PAGE;
    const start = slot * page.slotBytes;
    return use(page.bytes, start, start + page.lengths[slot]!);
  }

  sizeOf(ref: PayloadRef): number {
    const page = this.#pageOf(ref);
    return page.sizeClass === NONE ? page.bytes.length : page.lengths[(ref - 1) % SLOTS_PER_PAGE]!;
  }

  copyInto(ref: PayloadRef, target: Uint8Array, at: number): void {
    const page = this.#pageOf(ref);
    if (page.sizeClass === NONE) {
      target.set(page.bytes, at);
      return;
    }
    const slot = (ref - 1) % SLOTS_PER_PAGE;
    const start = slot * page.slotBytes;
    copy(page.bytes, start, start + page.lengths[slot]!, target, at);
  }

  /** Gives the bytes back. A reference that is not in use is a defect of the caller. */
  free(ref: PayloadRef): void {
    const page = this.#pageOf(ref);
    this.#count--;
    if (page.sizeClass === NONE) {
      this.#bytes -= page.bytes.length;
      this.#dropPage(page);
      return;
    }
    const slot = (ref - 1) % SLOTS_PER_PAGE;
    this.#bytes -= page.lengths[slot]!;
    page.lengths[slot] = FREE_SLOT;
    page.next[slot] = page.freeHead;
    page.freeHead = slot;
    page.used--;
    const room = this.#room[page.sizeClass]!;
    if (page.roomAt === NONE) {
      page.roomAt = room.length;
      room.push(page);
    }
    if (page.used === 0 && room.length > 1) this.#retirePage(page);
  }

  #pageOf(ref: PayloadRef): Page {
    const page = this.#pages[Math.floor((ref - 1) / SLOTS_PER_PAGE)];
    const slot = (ref - 1) % SLOTS_PER_PAGE;
    if (!page || (page.sizeClass === NONE ? slot !== 0 : !(slot < page.fresh) || page.lengths[slot] === FREE_SLOT)) {
      throw new FlockError("FLOCK_INTERNAL", `payload ${ref} is not kept: it was freed before, or never put`);
    }
    return page;
  }

  #putLarge(bytes: Uint8Array): PayloadRef {
    const page = this.#addPage(NONE, bytes.length, bytes, 0);
    return (page.index * SLOTS_PER_PAGE + 1) as PayloadRef;
  }

  #newPage(sizeClass: number): Page {
    const slotBytes = CLASS_BYTES[sizeClass]!;
    const bytes = this.#spare.pop() ?? new Uint8Array(PAGE_BYTES);
    const page = this.#addPage(sizeClass, slotBytes, bytes, Math.floor(PAGE_BYTES / slotBytes));
    const room = this.#room[sizeClass]!;
    page.roomAt = room.length;
    room.push(page);
    return page;
  }

  #addPage(sizeClass: number, slotBytes: number, bytes: Uint8Array, slots: number): Page {
    const index = this.#freeIndexes.pop() ?? this.#pages.length;
    const page: Page = {
      index,
      bytes,
      sizeClass,
      slotBytes,
      lengths: slots === 0 ? noLengths : new Uint16Array(slots),
      next: slots === 0 ? noNext : new Int16Array(slots),
      freeHead: NONE,
      fresh: 0,
      used: 0,
      roomAt: NONE,
    };
    this.#pages[index] = page;
    return page;
  }

  #dropPage(page: Page): void {
    this.#pages[page.index] = null;
    this.#freeIndexes.push(page.index);
  }

  /** An empty page goes back, unless it is the last one of its class with room. */
  #retirePage(page: Page): void {
    this.#leaveRoom(page);
    this.#dropPage(page);
    if (this.#spare.length < SPARE_PAGES) this.#spare.push(page.bytes);
  }

  #leaveRoom(page: Page): void {
    const room = this.#room[page.sizeClass]!;
    const last = room.pop()!;
    if (last !== page) {
      room[page.roomAt] = last;
      last.roomAt = page.roomAt;
    }
    page.roomAt = NONE;
  }
}

/** A loop beats a native call for what is short. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 96) {
    to.set(from.subarray(start, end), at);
    return;
  }
  for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]!;
}
