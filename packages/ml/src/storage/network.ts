// What storages over a network share: tries, deadlines, and streams that go on where they broke.
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { NetworkOptions } from "./options.ts";
import type { ByteRange } from "./storage.ts";

/** A failure that may pass, so that another try makes sense; everything else is thrown as a FlockError. */
export class Passing extends Error {
  /** What the server asks to wait before the next try. */
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs?: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

export interface Opened {
  readonly body: AsyncIterable<Uint8Array>;
  /** What the body comes from: ended when nothing comes, or no more is wanted. */
  readonly source: Readable;
  /** Names this state of the file, where the server tells it: what goes on must be of the same. */
  readonly version: string | undefined;
}

/** A stream that has brought so much is alive: failures before that are forgotten. */
const aliveBytes = 64 << 10;
const longestPauseMs = 10_000;

/** Counts failures in a row; throws when there were too many, else waits, longer each time. */
class Tries {
  #failures = 0;
  readonly #label: string;
  readonly #network: NetworkOptions;
  constructor(label: string, network: NetworkOptions) {
    this.#label = label;
    this.#network = network;
  }

  forget(): void {
    this.#failures = 0;
  }

  async failed(error: unknown): Promise<void> {
    if (isFlockError(error)) throw error;
    this.#failures++;
    if (this.#failures > this.#network.retries) throw unreachable(this.#label, this.#failures, error);
    // Half of it by chance, so that many readers do not come back all at once.
    const usual = 100 * 2 ** (this.#failures - 1) * (0.5 + Math.random() / 2);
    const asked = error instanceof Passing ? (error.waitMs ?? 0) : 0;
    await pause(Math.min(Math.max(usual, asked), longestPauseMs));
  }
}

export function unreachable(label: string, tries: number, error: unknown): FlockError {
  const { message } = error as Error;
  return new FlockError(
    "FLOCK_STORAGE_UNREACHABLE",
    `${label}: ${message}; tried ${tries === 1 ? "once" : `${tries} times`}. Check the address and whether the server runs.`,
    { cause: new Error(message) },
  );
}

export async function retried<T>(label: string, network: NetworkOptions, work: () => Promise<T>): Promise<T> {
  const tries = new Tries(label, network);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await tries.failed(error);
    }
  }
}

/** The bytes of a range; a connection that breaks is opened again at the next byte, of the same version of the file. */
export async function* resumed(
  label: string,
  network: NetworkOptions,
  range: ByteRange,
  open: (range: ByteRange, version: string | undefined) => Promise<Opened>,
): AsyncGenerator<Uint8Array> {
  const tries = new Tries(label, network);
  let { start } = range;
  let alive = start + aliveBytes;
  let version: string | undefined;
  while (range.end === undefined || start < range.end) {
    try {
      const opened = await open({ ...range, start }, version);
      version ??= opened.version;
      for await (const piece of timely(opened, network.timeoutMs)) {
        start += piece.length;
        if (piece.length > 0) yield piece;
      }
      return;
    } catch (error) {
      if (start >= alive) tries.forget();
      alive = start + aliveBytes;
      await tries.failed(error);
    }
  }
}

/** Ends a body from which nothing comes. Only time in which the reader waits counts: a slow reader is no fault. */
async function* timely({ body, source }: Opened, timeoutMs: number): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  const silent = (): void => void source.destroy(new Passing(`nothing came for ${timeoutMs} ms`));
  try {
    for (;;) {
      const timer = setTimeout(silent, timeoutMs);
      const next = await pieces.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    source.destroy();
  }
}

/** All pieces as one array. */
export async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    all.push(piece);
    length += piece.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
