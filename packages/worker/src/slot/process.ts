// The program of a process slot (`isolation: "process"`): the same runner as in a thread, with copies over the IPC channel
// instead of shared memory. It ends when its worker does.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type EncodedValue, FlockError } from "@taskflock/protocol/code";
import { writeSpillFile } from "../spill/spill-file.ts";
import { IN_FILE, type Supplies } from "./batch.ts";
import { SlotEquipment } from "./equipment.ts";
import { arenaFull } from "./failure.ts";
import { useFilesFolder } from "./files.ts";
import { GroupPort } from "./group-port.ts";
import { OUTCOME, OutboxWriter, privateOutboxMemory } from "./outbox.ts";
import type { OwnProfiler } from "./own-profiler.ts";
import type { MainToSlot, SlotConfig, SlotToMain } from "./protocol.ts";
import { BatchRunner, type SlotHost } from "./runner.ts";
import { listenToTensors } from "./tensors.ts";

type PlaceAnswer = Extract<MainToSlot, { t: "place" }>;

class ProcessSlot implements SlotHost {
  readonly outbox: OutboxWriter;
  /** Shared inputs by serial: which of them are kept is the main thread's decision. */
  readonly segments: Map<number, ArrayBufferLike> = new Map();
  readonly runner: BatchRunner;
  readonly equipment: SlotEquipment;
  readonly groups: GroupPort = new GroupPort(post);
  placed: (answer: PlaceAnswer) => void = () => undefined;
  readonly #spillFolder: string;

  constructor(config: SlotConfig) {
    this.#spillFolder = config.spillFolder;
    this.outbox = new OutboxWriter(privateOutboxMemory(), (records) => post({ t: "records", records }));
    this.runner = new BatchRunner(config, this);
    this.equipment = new SlotEquipment(config, post);
    useFilesFolder(config.filesFolder);
    listenToTensors((tensors) => post({ t: "tensors", tensors }));
  }

  supply(supplies: Supplies): void {
    for (const index of supplies.drop) this.segments.delete(index);
    for (const { index, memory } of supplies.segments) {
      // Memory of its own: what arrived is part of the message, and lies where it happened to.
      if (memory instanceof Uint8Array) this.segments.set(index, new Uint8Array(memory).buffer);
    }
    this.runner.supply(supplies);
  }

  post(message: SlotToMain): void {
    post(message);
  }

  heeds(index: number): void {
    post({ t: "heeds", index });
  }

  begun(index: number): boolean {
    post({ t: "begun", index });
    return true;
  }

  /** Sends the bytes, or writes them to a file where the worker's memory has no room. */
  async storeLarge(index: number, result: EncodedValue, durationUs: number): Promise<void> {
    const { place } = await new Promise<PlaceAnswer>((resolve) => {
      this.placed = resolve;
      post({ t: "allocate", index, bytes: result.bytes });
    });
    if (place === null) throw arenaFull(result.bytes);
    if (place.segment !== IN_FILE) {
      post({ t: "large", index, durationUs, bytes: result.toBytes() });
      return;
    }
    writeSpillFile(join(this.#spillFolder, String(place.generation)), result.toBytes());
    this.outbox.write(index, OUTCOME.stored, result.bytes, durationUs, null);
  }

  settled(): void {
    const records = this.outbox.drain();
    if (records.length > 0) post({ t: "records", records });
  }
}

function post(message: SlotToMain): void {
  process.send?.(message);
}

let slot: ProcessSlot | undefined;
/** What is done one after the other, in the order in which it was asked for. */
let line: Promise<void> = Promise.resolve();
let profiler: OwnProfiler | null = null;
/** A profile's begin and its end, one after the other: code that does not return lets both be heard at once. */
let profiled: Promise<void> = Promise.resolve();

function receive(message: MainToSlot): void {
  if (message.t === "start") {
    begin(new ProcessSlot(message.config));
    return;
  }
  if (slot === undefined) throw new FlockError("FLOCK_INTERNAL", "A message reached a slot that was not started.");
  const { runner, equipment } = slot;
  if (message.t === "abort") runner.abort(message.task, message.attempt, message.reason);
  else if (message.t === "tell") runner.heard(message.task, message.attempt, message.data);
  else if (message.t === "retiring") runner.retiring(message.on);
  else if (message.t === "place") slot.placed(message);
  else if (message.t === "connection") runner.connection.told(message.connection);
  else if (message.t === "group") slot.groups.told(message.say);
  else if (message.t === "dispose") void dispose(slot);
  else if (message.t === "profile") sample(message.intervalUs);
  else enqueue(() => next(message, runner, equipment));
}

function begin(begun: ProcessSlot): void {
  slot = begun;
  if (begun.equipment.isReady) post({ t: "ready" });
  else enqueue(() => begun.equipment.begin());
}

async function dispose({ runner, equipment }: ProcessSlot): Promise<void> {
  try {
    await runner.dispose();
    await equipment.dispose();
  } finally {
    post({ t: "disposed" });
  }
}

function enqueue(job: () => Promise<void>): void {
  line = line.then(job).catch((error: unknown) => {
    process.stderr.write(`A process slot failed: ${String(error)}\n`);
    process.exit(1);
  });
}

async function next(message: MainToSlot, runner: BatchRunner, equipment: SlotEquipment): Promise<void> {
  if (message.t === "supplies") slot?.supply(message.supplies);
  else if (message.t === "plug") await equipment.plug(message.plugin);
  else if (message.t === "unplug") await equipment.unplug(message.serial);
  else if (message.t === "batch") {
    await runner.run(message.batch);
    post({ t: "done" });
  }
}

function sample(intervalUs: number): void {
  const asked = (): Promise<void> => profile(intervalUs);
  profiled = profiled.then(asked, asked);
}

async function profile(intervalUs: number): Promise<void> {
  const before = profiler;
  if (intervalUs > 0 && before === null) {
    const { OwnProfiler } = await import("./own-profiler.ts");
    profiler = new OwnProfiler();
    profiler.start(intervalUs);
  } else if (intervalUs === 0 && before !== null) {
    profiler = null;
    post({ t: "profiled", report: before.stop() });
  }
}

/** Code that never returns does not see that the worker is gone; this thread does. */
const watch = `
  const { workerData } = require("node:worker_threads");
  setInterval(() => process.ppid === workerData || process.kill(process.pid, "SIGKILL"), 1000);
`;
new Worker(watch, { eval: true, workerData: process.ppid, resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();

process.on("message", receive);
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group; the worker decides what becomes of its slots.
process.on("SIGINT", () => undefined);
