import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Arena } from "../arena.ts";
import { type FunctionLibrary, SeenFunctions } from "../function-library.ts";
import { type Batch, type BatchTerms, type PackItem, packItems } from "../slot/batch.ts";
import { type OutboxMemory, OutboxReader, readRecords, sharedOutboxMemory } from "../slot/outbox.ts";
import type { MainToSlot, SlotToMain, StopReason, ThreadStart } from "../slot/protocol.ts";
import { publicEnvironment, slotProgram } from "../slot-program.ts";
import type { Ending, Executor, ExecutorEvents, ReadyItem, ThreadOptions } from "./executor.ts";

/** A slot's thread: a Piscina of one. It reads inputs and writes large results in the arena itself. */
export class ThreadExecutor implements Executor {
  readonly ready: Promise<void>;
  readonly #pool: Piscina<ThreadStart | Batch, void>;
  readonly #port: MessagePort;
  readonly #outbox: OutboxReader;
  readonly #events: ExecutorEvents;
  readonly #arena: Arena;
  readonly #functions: SeenFunctions;
  readonly #segments: Set<number> = new Set();
  readonly #portClosed: Promise<void>;
  #state: "idle" | "busy" | "ended" = "idle";

  constructor(options: ThreadOptions, arena: Arena, library: FunctionLibrary, events: ExecutorEvents) {
    this.#events = events;
    this.#arena = arena;
    this.#functions = new SeenFunctions(library);
    const memory = sharedOutboxMemory();
    this.#outbox = new OutboxReader(memory);
    this.#pool = newPool(options.heapLimitMb);
    // An error of a thread that runs nothing; the closed port says the same.
    this.#pool.on("error", () => undefined);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: SlotToMain) => this.#receive(message));
    port1.unref();
    this.#portClosed = new Promise((resolve) => {
      port1.once("close", resolve);
    });
    this.ready = this.#start(options, port2, memory);
    this.ready
      .then(() => this.#portClosed)
      .then(() => {
        if (this.#state === "idle") this.#died({ how: "exit", what: "between tasks" });
      })
      .catch(() => undefined); // who waits for `ready` is told
  }

  get begun(): number {
    return this.#outbox.begun;
  }

  run(items: readonly ReadyItem[], terms: BatchTerms): void {
    this.#state = "busy";
    this.#outbox.reset();
    const batch = this.#batch(items, terms);
    this.#pool.run(batch, { transferList: [batch.numbers.buffer, batch.bytes.buffer] }).then(
      () => {
        if (this.#state !== "busy") return;
        this.#state = "idle";
        this.look();
        this.#events.batchDone();
      },
      (error: unknown) => void this.#failed(error),
    );
  }

  abort(index: number, task: number, attempt: number, reason: StopReason): void {
    this.#outbox.skip(index);
    this.#post({ t: "abort", task, attempt, reason });
  }

  look(): void {
    this.#outbox.read((record) => this.#events.outcome(record));
  }

  async end(): Promise<void> {
    this.#state = "ended";
    await this.#pool.destroy();
    this.#port.close();
  }

  async #start(options: ThreadOptions, port: MessagePort, outbox: OutboxMemory): Promise<void> {
    await this.#pool.run({ start: options.config, port, outbox }, { transferList: [port] });
  }

  #batch(items: readonly ReadyItem[], terms: BatchTerms): Batch {
    const segments = new Map<number, SharedArrayBuffer>();
    const packed = packItems(items.map((item) => this.#pack(item, segments)));
    return {
      ...packed,
      ...terms,
      functions: this.#functions.unseen(items),
      forget: this.#functions.stale(),
      segments: [...segments].map(([index, memory]) => ({ index, memory })),
      drop: [],
    };
  }

  #pack(item: ReadyItem, segments: Map<number, SharedArrayBuffer>): PackItem {
    if (item.inputs.length === 0) return item as ReadyItem & { readonly inputs: readonly never[] };
    const { assign, fn, functions, args } = item;
    return {
      assign,
      fn,
      functions,
      args,
      inputs: item.inputs.map((input) => {
        if (input instanceof Uint8Array) return input;
        const { segment, offset, length, generation } = input.place;
        const memory = this.#unseenSegment(segment);
        if (memory !== null) segments.set(segment, memory);
        return { serial: generation, segment, offset, bytes: length };
      }),
    };
  }

  #unseenSegment(index: number): SharedArrayBuffer | null {
    if (this.#segments.has(index)) return null;
    this.#segments.add(index);
    return this.#arena.segment(index);
  }

  #receive(message: SlotToMain): void {
    if (this.#state === "ended") return;
    switch (message.t) {
      case "allocate":
        this.#place(message.index, message.bytes);
        break;
      case "records":
        readRecords(message.records, (record) => this.#events.outcome(record));
        break;
      case "log":
        this.#events.log(message.task, message.attempt, message.stream, message.text);
        break;
      default:
        break;
    }
  }

  #place(index: number, bytes: number): void {
    const place = this.#events.allocate(index, bytes);
    const memory = place === null ? null : this.#unseenSegment(place.segment);
    this.#post({ t: "place", index, place, memory });
  }

  #post(message: MainToSlot): void {
    this.#port.postMessage(message);
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#state !== "busy") return;
    // What the thread said before its end arrives before its port closes.
    await this.#portClosed;
    if (this.#state === "busy") this.#died(endingOf(error));
  }

  #died(ending: Ending): void {
    this.#state = "ended";
    this.look();
    // The pool has put a thread of its own in the place of the dead one.
    void this.#pool.destroy();
    this.#events.ended(ending);
  }
}

function newPool(heapLimitMb: number): Piscina<ThreadStart | Batch, void> {
  return new Piscina<ThreadStart | Batch, void>({
    filename: slotProgram("thread"),
    minThreads: 1,
    maxThreads: 1,
    env: publicEnvironment(),
    recordTiming: false,
    ...(heapLimitMb > 0 ? { resourceLimits: { maxOldGenerationSizeMb: heapLimitMb } } : {}),
  });
}

function endingOf(error: unknown): Ending {
  if (error instanceof Error) {
    if ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") return { how: "heap" };
    const code = /exited with code: (\d+)/.exec(error.message)?.[1];
    return { how: "exit", what: code === undefined ? error.message : `exit code ${code}` };
  }
  return { how: "exit", what: String(error) };
}
