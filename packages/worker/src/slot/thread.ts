// The module that a slot's thread runs (Piscina calls its default export): the first call starts the slot, every later one
// is a batch.
import type { MessagePort } from "node:worker_threads";
import { type EncodedValue, FlockError } from "@taskflock/protocol/code";
import type { Batch } from "./batch.ts";
import { OUTCOME, OutboxWriter } from "./outbox.ts";
import type { MainToSlot, SlotToMain, ThreadStart } from "./protocol.ts";
import { BatchRunner, type SlotHost } from "./runner.ts";

type PlaceAnswer = Extract<MainToSlot, { t: "place" }>;

class ThreadSlot implements SlotHost {
  readonly outbox: OutboxWriter;
  readonly segments: Map<number, ArrayBufferLike> = new Map();
  readonly #port: MessagePort;
  readonly #runner: BatchRunner;
  #placed: ((answer: PlaceAnswer) => void) | undefined;

  constructor({ start, port, outbox }: ThreadStart) {
    this.#port = port;
    this.outbox = new OutboxWriter(outbox, (records) => this.post({ t: "records", records }));
    this.#runner = new BatchRunner(start, this);
    port.on("message", (message: MainToSlot) => this.#receive(message));
  }

  async run(batch: Batch): Promise<void> {
    this.outbox.reset();
    for (const { index, memory } of batch.segments) {
      if (memory instanceof SharedArrayBuffer) this.segments.set(index, memory);
    }
    await this.#runner.run(batch);
  }

  post(message: SlotToMain): void {
    this.#port.postMessage(message);
  }

  begun(index: number): boolean {
    return this.outbox.begin(index);
  }

  /** Writes the result in place, into the arena. */
  async storeLarge(index: number, result: EncodedValue, durationUs: number): Promise<void> {
    const answer = await new Promise<PlaceAnswer>((resolve) => {
      this.#placed = resolve;
      this.post({ t: "allocate", index, bytes: result.bytes });
    });
    const { place, memory } = answer;
    if (place === null) throw arenaFull(result.bytes);
    if (memory !== null) this.segments.set(place.segment, memory);
    result.writeTo(new Uint8Array(this.segments.get(place.segment)!, place.offset, result.bytes), 0);
    this.outbox.write(index, OUTCOME.stored, result.bytes, durationUs, null);
  }

  settled(): void {
    // The main thread reads the shared outbox.
  }

  #receive(message: MainToSlot): void {
    if (message.t === "place") this.#placed?.(message);
    else if (message.t === "abort") this.#runner.abort(message.task, message.attempt, message.reason);
  }
}

let slot: ThreadSlot | undefined;

export default async function runInThread(call: ThreadStart | Batch): Promise<void> {
  if ("start" in call) {
    slot = new ThreadSlot(call);
    return;
  }
  if (slot === undefined) throw new FlockError("FLOCK_INTERNAL", "A batch reached a slot that was not started.");
  await slot.run(call);
}

function arenaFull(bytes: number): FlockError {
  return new FlockError(
    "FLOCK_OUT_OF_MEMORY",
    `The result takes ${bytes} bytes, and the worker's arena has no room for it; release futures, add workers, or raise --memory-limit.`,
  );
}
