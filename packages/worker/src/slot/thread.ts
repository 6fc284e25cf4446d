// The module that a slot's thread runs. Piscina calls its default export once, for the thread's whole life: batches come and go
// on a port of their own, which costs a tenth of a call of the pool each.
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { EncodedValue } from "@taskflock/protocol/code";
import { writeSpillFile } from "../spill/spill-file.ts";
import { type Batch, IN_FILE, type Supplies } from "./batch.ts";
import { SlotEquipment } from "./equipment.ts";
import { arenaFull } from "./failure.ts";
import { useFilesFolder } from "./files.ts";
import { GroupPort } from "./group-port.ts";
import { OUTCOME, OutboxWriter } from "./outbox.ts";
import type { MainToSlot, SlotConfig, SlotToMain, ThreadStart } from "./protocol.ts";
import { BatchRunner, type SlotHost } from "./runner.ts";
import { listenToTensors } from "./tensors.ts";

/** What is done between two batches. */
type Job = () => Promise<void>;
type PlaceAnswer = Extract<MainToSlot, { t: "place" }>;

class ThreadSlot implements SlotHost {
  outbox: OutboxWriter;
  readonly #outboxes: readonly OutboxWriter[];
  readonly #waiting: (Batch | Job)[] = [];
  #busy = false;
  readonly segments: Map<number, ArrayBufferLike> = new Map();
  readonly #config: SlotConfig;
  readonly #port: MessagePort;
  readonly #runner: BatchRunner;
  readonly #equipment: SlotEquipment;
  readonly #groups: GroupPort;
  readonly #broke: (error: unknown) => void;
  #placed: ((answer: PlaceAnswer) => void) | undefined;

  constructor({ start, port, outboxes }: ThreadStart, broke: (error: unknown) => void) {
    this.#config = start;
    this.#port = port;
    this.#broke = broke;
    this.#outboxes = outboxes.map(
      (memory) => new OutboxWriter(memory, (records) => this.post({ t: "records", records })),
    );
    this.outbox = this.#outboxes[0]!;
    this.#runner = new BatchRunner(start, this);
    this.#equipment = new SlotEquipment(start, (message) => this.post(message));
    this.#groups = new GroupPort((message, transfer) => port.postMessage(message, transfer));
    useFilesFolder(start.filesFolder);
    listenToTensors((tensors) => this.post({ t: "tensors", tensors }));
    port.on("message", (message: MainToSlot) => this.#receive(message));
    if (this.#equipment.isReady) this.post({ t: "ready" });
    else this.#line(() => this.#equipment.begin());
  }

  post(message: SlotToMain): void {
    this.#port.postMessage(message);
  }

  heeds(index: number): void {
    this.outbox.heed(index);
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
    if (place.segment === IN_FILE) {
      writeSpillFile(join(this.#config.spillFolder, String(place.generation)), result.toBytes());
      this.outbox.write(index, OUTCOME.stored, result.bytes, durationUs, null);
      return;
    }
    if (memory !== null) this.segments.set(place.segment, memory);
    result.writeTo(new Uint8Array(this.segments.get(place.segment)!, place.offset, result.bytes), 0);
    this.outbox.write(index, OUTCOME.stored, result.bytes, durationUs, null);
  }

  settled(): void {
    // The main thread reads the shared outbox.
  }

  #receive(message: MainToSlot): void {
    switch (message.t) {
      case "batch":
        this.#line(message.batch);
        break;
      case "plug":
        this.#line(() => this.#equipment.plug(message.plugin));
        break;
      case "unplug":
        this.#line(() => this.#equipment.unplug(message.serial));
        break;
      case "supplies":
        this.#supply(message.supplies);
        break;
      case "place":
        this.#placed?.(message);
        break;
      case "dispose":
        void this.#runner
          .dispose()
          .then(() => this.#equipment.dispose())
          .finally(() => this.post({ t: "disposed" }));
        break;
      case "abort":
        this.#runner.abort(message.task, message.attempt, message.reason);
        break;
      case "tell":
        this.#runner.heard(message.task, message.attempt, message.data);
        break;
      case "retiring":
        this.#runner.retiring(message.on);
        break;
      case "connection":
        this.#runner.connection.told(message.connection);
        break;
      case "group":
        this.#groups.told(message.say);
        break;
      default:
        break;
    }
  }

  #line(next: Batch | Job): void {
    this.#waiting.push(next);
    if (!this.#busy) this.#runAll();
  }

  /** One batch after the other; when one has to wait for something, the rest follows then. */
  #runAll(): void {
    this.#busy = true;
    try {
      for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
        if (typeof batch === "function") {
          batch().then(
            () => this.#runAll(),
            (error: unknown) => this.#fail(error),
          );
          return;
        }
        this.outbox = this.#outboxes[batch.outbox]!;
        this.outbox.reset();
        const pending = this.#runner.run(batch);
        if (pending !== undefined) {
          pending.then(
            () => this.#goOn(),
            (error: unknown) => this.#fail(error),
          );
          return;
        }
        this.post({ t: "done" });
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#busy = false;
  }

  #goOn(): void {
    this.post({ t: "done" });
    this.#runAll();
  }

  /** A defect of ours: ends the thread's call. What was said before arrives before the port closes. */
  #fail(error: unknown): void {
    this.#port.close();
    this.#broke(error);
  }

  #supply(supplies: Supplies): void {
    for (const { index, memory } of supplies.segments) {
      if (memory instanceof SharedArrayBuffer) this.segments.set(index, memory);
    }
    this.#runner.supply(supplies);
  }
}

/** Never resolves: the thread's end is the call's. */
export default function runInThread(start: ThreadStart): Promise<never> {
  return new Promise((_, reject) => {
    new ThreadSlot(start, reject);
  });
}
