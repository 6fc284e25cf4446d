import { MessageChannel, type MessagePort } from "node:worker_threads";
import { FlockError } from "@taskflock/protocol";
import { Piscina } from "piscina";
import type { Arena } from "../arena.ts";
import { SeenFunctions } from "../function-library.ts";
import type { Seat } from "../groups/groups.ts";
import { type BatchTerms, IN_FILE, type StoredInput, type Supplies } from "../slot/batch.ts";
import type { SlotPlugin } from "../slot/equipment.ts";
import {
  type OutboxMemory,
  OutboxReader,
  type OutcomeRecord,
  readRecords,
  reuseOutboxMemory,
  sharedOutboxMemory,
} from "../slot/outbox.ts";
import type { MainToSlot, SlotToMain, StopReason, ThreadStart } from "../slot/protocol.ts";
import { publicEnvironment, slotProgram } from "../slot-program.ts";
import type { Lease } from "../store.ts";
import type { BatchPacker, PackInput } from "./batch-packer.ts";
import type { Ending, Executor, ExecutorEvents, ExecutorParts, ReadyItem, ThreadOptions } from "./executor.ts";
import type { SlotSession, TaskClients } from "./task-clients.ts";

type NewSegments = { readonly index: number; readonly memory: SharedArrayBuffer }[];

/** A slot's thread: a Piscina of one, whose only call is the thread's life. It reads inputs and writes large results in the arena itself. */
export class ThreadExecutor implements Executor {
  readonly ready: Promise<void>;
  readonly #pool: Piscina<ThreadStart, never>;
  readonly #port: MessagePort;
  /** Batches take them in turn. */
  readonly #outboxes: readonly [OutboxReader, OutboxReader];
  /** Until they are given back. */
  #memories: readonly OutboxMemory[];
  /** Batches that were given, and that are over. */
  #given = 0;
  #over = 0;
  readonly #events: ExecutorEvents;
  readonly #take = (record: OutcomeRecord): void => this.#events.outcome(record);
  readonly #arena: Arena;
  readonly #functions: SeenFunctions;
  readonly #packer: BatchPacker;
  readonly #taskClients: TaskClients;
  #session: SlotSession | null = null;
  readonly #seat: Seat;
  readonly #segments: Set<number> = new Set();
  readonly #portClosed: Promise<void>;
  #worker: string | null = null;
  #isReady: () => void = () => undefined;
  #isUnready: (error: FlockError) => void = () => undefined;
  #isDisposed: () => void = () => undefined;
  #ended = false;

  constructor(options: ThreadOptions, parts: ExecutorParts, events: ExecutorEvents) {
    this.#events = events;
    this.#arena = parts.arena;
    this.#packer = parts.packer;
    this.#taskClients = parts.taskClients;
    this.#functions = new SeenFunctions(parts.functions);
    this.#seat = parts.groups.seat((say, transfer) =>
      this.#port.postMessage({ t: "group", say } satisfies MainToSlot, transfer),
    );
    const memories = [sharedOutboxMemory(), sharedOutboxMemory()] as const;
    this.#memories = memories;
    this.#outboxes = [new OutboxReader(memories[0]), new OutboxReader(memories[1])];
    this.#pool = newPool(options.heapLimitMb);
    // The call of its life says the same.
    this.#pool.on("error", () => undefined);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: SlotToMain) => this.#receive(message));
    port1.unref();
    this.#portClosed = new Promise((resolve) => {
      port1.once("close", resolve);
    });
    this.ready = this.#start(options, port2, memories);
    this.ready.catch(() => undefined); // who waits for it is told
  }

  get begun(): number {
    return this.#oldest().begun;
  }

  get heeding(): number {
    return this.#oldest().heeding;
  }

  run(items: readonly ReadyItem[], terms: BatchTerms): void {
    const outbox = (this.#given++ % 2) as 0 | 1;
    this.#outboxes[outbox].reset();
    const segments: NewSegments = [];
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      this.#packer.add(item, item.inputs.length === 0 ? NONE : this.#inputs(item, segments));
    }
    const supplies = this.#supplies(items, terms.worker, segments);
    if (supplies !== null) this.#post({ t: "supplies", supplies });
    const batch = this.#packer.take(terms.inlineLimitBytes, outbox);
    this.#port.postMessage({ t: "batch", batch } satisfies MainToSlot, [batch.memory]);
  }

  abort(position: number, index: number, task: number, attempt: number, reason: StopReason): void {
    this.#outboxes[((this.#over + position) % 2) as 0 | 1].skip(index);
    this.#post({ t: "abort", task, attempt, reason });
  }

  tell(task: number, attempt: number, data: Uint8Array): void {
    this.#post({ t: "tell", task, attempt, data });
  }

  retiring(on: boolean): void {
    this.#post({ t: "retiring", on });
  }

  look(): void {
    if (this.#oldest().read(this.#take)) this.#events.outcomesTold();
  }

  skip(): void {
    this.#over++;
  }

  plug(plugin: SlotPlugin): void {
    this.#post({ t: "plug", plugin });
  }

  unplug(serial: number): void {
    this.#post({ t: "unplug", serial });
  }

  dispose(): Promise<void> {
    this.#post({ t: "dispose" });
    return new Promise((resolve) => {
      this.#isDisposed = resolve;
    });
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#events.gone();
    this.#seat.end("was stopped, and its slot with it");
    await this.#pool.destroy();
    this.#port.close();
    this.#taskClients.over(this.#session);
    const memories = this.#memories;
    this.#memories = [];
    // What it left is read in this turn of the event loop.
    setImmediate(() => memories.forEach(reuseOutboxMemory));
  }

  #start(options: ThreadOptions, port: MessagePort, outboxes: ThreadStart["outboxes"]): Promise<void> {
    const life = this.#pool.run({ start: options.config, port, outboxes }, { transferList: [port] });
    return new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#isUnready = reject;
      life.catch((error: unknown) => {
        reject(error);
        void this.#died(error);
      });
    });
  }

  #inputs(item: ReadyItem, segments: NewSegments): PackInput[] {
    return item.inputs.map((input) =>
      typeof input === "number" || "item" in input ? input : this.#stored(input, segments),
    );
  }

  #stored({ place: { segment, offset, length, generation } }: Lease, segments: NewSegments): StoredInput {
    const memory = segment === IN_FILE ? null : this.#unseenSegment(segment);
    if (memory !== null) segments.push({ index: segment, memory });
    return { serial: generation, segment, offset, bytes: length };
  }

  /** Null when the thread has all that it needs. */
  #supplies(items: readonly ReadyItem[], worker: string, segments: NewSegments): Supplies | null {
    const functions = this.#functions.unseen(items);
    const forget = this.#functions.stale();
    if (functions.length + forget.length + segments.length === 0 && worker === this.#worker) return null;
    this.#worker = worker;
    return { worker, functions, forget, segments, drop: [] };
  }

  #unseenSegment(index: number): SharedArrayBuffer | null {
    if (this.#segments.has(index)) return null;
    this.#segments.add(index);
    return this.#arena.segment(index);
  }

  #receive(message: SlotToMain): void {
    if (this.#ended) return;
    switch (message.t) {
      case "done":
        this.look();
        this.#over++;
        this.#events.batchDone();
        break;
      case "allocate":
        this.#place(message.index, message.bytes);
        break;
      case "records":
        readRecords(message.records, this.#take);
        this.#events.outcomesTold();
        break;
      case "log":
        this.#events.log(message.task, message.attempt, message.stream, message.text);
        break;
      case "ready":
        this.#isReady();
        break;
      case "unready":
        this.#isUnready(new FlockError("FLOCK_PRELOAD_FAILED", message.message));
        void this.#pool.destroy();
        break;
      case "report":
        this.#events.report(message.task, message.attempt, message.data);
        break;
      case "plugged":
        this.#events.plugged(message.serial, message.failure);
        break;
      case "connect":
        this.#post({ t: "connection", connection: this.#taskClients.connection });
        break;
      case "tensors":
        this.#events.tensors(message.tensors);
        break;
      case "group":
        this.#seat.hear(message.say);
        break;
      case "session":
        this.#session = { id: message.id, secret: message.secret };
        break;
      case "disposed":
        this.#isDisposed();
        break;
      default:
        break;
    }
  }

  #place(index: number, bytes: number): void {
    const place = this.#events.allocate(index, bytes);
    const memory = place === null || place.segment === IN_FILE ? null : this.#unseenSegment(place.segment);
    this.#post({ t: "place", index, place, memory });
  }

  #post(message: MainToSlot): void {
    this.#port.postMessage(message);
  }

  #oldest(): OutboxReader {
    return this.#outboxes[(this.#over % 2) as 0 | 1];
  }

  /** The thread is no more. */
  async #died(error: unknown): Promise<void> {
    if (this.#ended) return;
    // What it said before its end arrives before its port closes.
    await this.#portClosed;
    if (this.#hasEnded()) return;
    this.#ended = true;
    this.look();
    this.#isDisposed();
    // The pool has put a thread of its own in the place of the dead one.
    void this.#pool.destroy();
    this.#taskClients.over(this.#session);
    this.#seat.end("ended its thread");
    this.#events.gone();
    this.#events.ended(endingOf(error));
  }

  #hasEnded(): boolean {
    return this.#ended;
  }
}

const NONE: readonly never[] = [];

function newPool(heapLimitMb: number): Piscina<ThreadStart, never> {
  return new Piscina<ThreadStart, never>({
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
