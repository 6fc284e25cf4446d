// All slots of a worker, and the glance at their counters while batches run.
import {
  FlockError,
  NO_PAYLOAD,
  type PayloadRef,
  type PayloadStore,
  type TaskId,
  type Trust,
  type WorkerTensors,
} from "@taskflock/protocol";
import type { Logger } from "pino";
import type { Arena } from "../arena.ts";
import type { FunctionLibrary } from "../function-library.ts";
import { type AssetFolder, newAssetFolder } from "../functions/assets.ts";
import { pinnedTo } from "../gpus/environment.ts";
import type { Groups } from "../groups/groups.ts";
import type { RunItem } from "../machine/index.ts";
import type { ProfileReport } from "../profile-tree.ts";
import type { BatchTerms } from "../slot/batch.ts";
import type { StopReason } from "../slot/protocol.ts";
import type { Lease, Store } from "../store.ts";
import { BatchPacker, type LinkedInput } from "./batch-packer.ts";
import type { Executor, ExecutorEvents, ExecutorParts, ThreadOptions } from "./executor.ts";
import { isOverWithin } from "./over-within.ts";
import { PluginTable } from "./plugin-table.ts";
import { ProcessExecutor } from "./process-executor.ts";
import {
  DISPOSE_MS,
  type ExecutorKind,
  type Flight,
  type MakeExecutor,
  Slot,
  type SlotNature,
  STUCK_AFTER_MS,
} from "./slot.ts";
import type { SlotEvents } from "./slot-events.ts";
import { TaskClients } from "./task-clients.ts";
import { ThreadExecutor } from "./thread-executor.ts";

export interface SlotsOptions {
  /** Of the worker; unique. */
  readonly incarnation: string;
  /** Of the scheduler, for clients inside of tasks. */
  readonly address: string;
  readonly trust: Trust;
  readonly token: string;
  readonly slots: number;
  readonly heapLimitMb: number;
  readonly cacheBytes: number;
  readonly checkArguments: boolean;
  /** Where inputs and results that are files lie; "" when there are none. */
  readonly spillFolder: string;
  /** Where uploaded files lie. */
  readonly filesFolder: string;
  /** The name that the worker asks the scheduler for. */
  readonly name: string;
  /** Modules that each slot loads before anything else. */
  readonly preload: readonly string[];
  /** GPUs that it gives out, as CUDA_VISIBLE_DEVICES names them. */
  readonly devices: readonly string[];
}

export interface SlotsParts {
  readonly arena: Arena;
  readonly store: Store;
  readonly payloads: PayloadStore;
  readonly functions: FunctionLibrary;
  readonly groups: Groups;
  readonly events: SlotEvents;
  /** TensorFlow.js was loaded in a slot, perhaps in one of several that say the same. */
  tensorsLoaded(tensors: WorkerTensors): void;
  readonly logger: Logger;
}

/** How often running batches are looked at: what finished is told, and which item runs. */
const LOOK_MS = 5;
/** Looks in vain after which nobody looks until the next batch: a timer for each tiny task would cost more than the task. */
const IDLE_LOOKS = 20;
/** How long all slots may take to end: those that are in order take down what was set up in them. */
const CLOSE_MS: number = DISPOSE_MS + STUCK_AFTER_MS;
const NONE: readonly never[] = [];
const NUMBERED: SlotNature = { actor: false, pinned: false };

export class Slots {
  readonly #options: SlotsOptions;
  readonly #parts: SlotsParts;
  readonly #executorParts: ExecutorParts;
  readonly #slots: Slot[] = [];
  /** Beyond the numbered ones: of actors, and those that see devices; by number. */
  readonly #others: Map<number, Slot> = new Map();
  /** Devices that those see. */
  readonly #pinned: Map<number, readonly number[]> = new Map();
  /** Of those, ones that are being disposed of. */
  readonly #closing: Set<Promise<void>> = new Set();
  readonly #assets: AssetFolder;
  readonly plugins: PluginTable = new PluginTable();
  /** Process slots that live. */
  readonly #processes: Set<ProcessExecutor> = new Set();
  #look: NodeJS.Timeout | null = null;
  #idleLooks = 0;

  constructor(options: SlotsOptions, parts: SlotsParts) {
    this.#options = options;
    this.#parts = parts;
    const { arena, functions, groups, payloads } = parts;
    const taskClients = new TaskClients(options, parts.logger);
    this.#executorParts = { arena, functions, groups, packer: new BatchPacker(payloads), taskClients };
    this.#assets = newAssetFolder(options.incarnation);
    for (let number = 0; number < options.slots; number++) this.#slots.push(this.#newSlot(number));
  }

  /** Resolves when every slot can run tasks. */
  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.start()));
  }

  run(slot: number, items: readonly RunItem[], terms: BatchTerms): void {
    const given = this.#slots[slot] ?? this.#others.get(slot) ?? this.#open(slot, items[0]!);
    const flights: Flight[] = new Array(items.length);
    for (let i = 0; i < items.length; i++) flights[i] = this.#flight(items[i]!);
    given.run(flights, terms);
    if (given.worthALook) this.#look ??= setInterval(() => this.#lookAtAll(), LOOK_MS).unref();
  }

  /** True when there is no use in waiting for the item's code: it never asked for its AbortSignal. An actor's state is worth the wait. */
  abort(slot: number, task: TaskId, reason: StopReason): boolean {
    const aborted = this.#slot(slot);
    return aborted.abort(task, reason) && !aborted.isActor;
  }

  tell(slot: number, task: TaskId, attempt: number, data: Uint8Array): void {
    this.#slot(slot).tell(task, attempt, data);
  }

  retiring(on: boolean): void {
    for (const slot of [...this.#slots, ...this.#others.values()]) slot.retiring(on);
  }

  end(slot: number, reason: StopReason): void {
    void this.#slot(slot).end(reason);
  }

  /** Ends all slots; resolves when nothing runs any more, or nothing but native code that cannot be ended. */
  async close(): Promise<void> {
    if (this.#look !== null) clearInterval(this.#look);
    for (const number of [...this.#others.keys()]) this.closeSlot(number);
    await Promise.all(this.#closing);
    const orderly = this.plugins.wasUsed || this.#options.preload.length > 0;
    await isOverWithin(Promise.all(this.#slots.map((slot) => slot.close(orderly))), CLOSE_MS);
    await this.#executorParts.taskClients.settled();
    this.#assets.remove();
  }

  /** What runs in this slot, which is beyond the numbered ones, runs in a process that sees these devices. */
  pin(number: number, devices: readonly number[]): void {
    this.#pinned.set(number, devices);
  }

  /** The slot, which is beyond the numbered ones, ends: an actor may dispose of what it has. */
  closeSlot(number: number): void {
    const slot = this.#others.get(number);
    this.#pinned.delete(number);
    if (slot === undefined) return;
    this.#others.delete(number);
    const over = slot.dispose().finally(() => void this.#closing.delete(over));
    this.#closing.add(over);
  }

  /** Process slots; the threads are the profiler's own matter. Those that begin later are not sampled. */
  startProfile(intervalUs: number): void {
    for (const process of this.#processes) process.startProfile(intervalUs);
  }

  /** What process slots did; null for one that ended. One whose code does not return never resolves. */
  takeProfiles(): Promise<ProfileReport | null>[] {
    return [...this.#processes].map((process) => process.takeProfile());
  }

  #slot(number: number): Slot {
    const slot = this.#slots[number] ?? this.#others.get(number);
    if (slot === undefined) throw new FlockError("FLOCK_INTERNAL", `Slot ${number} was given nothing yet.`);
    return slot;
  }

  /** One beyond the numbered ones begins with its first item. */
  #open(number: number, { assign: { isolation } }: RunItem): Slot {
    const actor = isolation === "actor" || isolation === "actor-process";
    const made = this.#newSlot(number, { actor, pinned: this.#pinned.has(number) });
    this.#others.set(number, made);
    return made;
  }

  #newSlot(number: number, nature: SlotNature = NUMBERED): Slot {
    const make: MakeExecutor = (kind, slot, events) => this.#make(kind, slot, nature.actor, events);
    return new Slot(number, make, this.#parts, nature);
  }

  #lookAtAll(): void {
    let worthIt = false;
    for (const slot of this.#slots) {
      if (!slot.worthALook) continue;
      slot.look();
      worthIt ||= slot.worthALook;
    }
    this.#idleLooks = worthIt ? 0 : this.#idleLooks + 1;
    if (this.#idleLooks < IDLE_LOOKS || this.#look === null) return;
    clearInterval(this.#look);
    this.#look = null;
  }

  #flight(item: RunItem): Flight {
    const { assign, running } = item;
    const { functions } = this.#parts;
    return {
      assign,
      fn: functions.get(assign.fn),
      functions: assign.functions.length === 0 ? NONE : assign.functions.map((fn) => functions.get(fn)),
      inputs: assign.inputs.length === 0 ? NONE : assign.inputs.map((_, index) => this.#input(item, index)),
      place: null,
      told: running,
      settled: false,
      aborted: false,
    };
  }

  #input({ assign, inline, links }: RunItem, index: number): PayloadRef | Lease | LinkedInput {
    if (index === 0 && assign.isolation === "call") return NO_PAYLOAD; // the actor itself, which the slot has
    const item = links[index] ?? -1;
    if (item >= 0) return { item };
    const payload = inline[index] ?? NO_PAYLOAD;
    if (payload !== NO_PAYLOAD) return payload;
    const { task } = assign.inputs[index]!;
    const lease = this.#parts.store.lease(task);
    if (lease === null) throw new FlockError("FLOCK_INTERNAL", `Input ${task} of a task to be run is not stored here.`);
    return lease;
  }

  #make(kind: ExecutorKind, slot: number, actor: boolean, events: ExecutorEvents): Executor {
    const { cacheBytes, checkArguments, heapLimitMb, spillFolder } = this.#options;
    const options: ThreadOptions = {
      heapLimitMb,
      environment: this.#environmentOf(slot),
      config: {
        ...{ slot, actor, cacheBytes, checkArguments },
        assetFolder: this.#assets.path,
        ...{ spillFolder, filesFolder: this.#options.filesFolder },
        ...{ worker: this.#options.name, preload: this.#options.preload },
      },
    };
    const heard: ExecutorEvents = {
      ...events,
      plugged: (serial, failure) => this.plugins.plugged(made, serial, failure),
      gone: () => this.plugins.ended(made),
      tensors: (tensors) => {
        const where = kind === "process" && this.#pinned.has(slot) ? "gpu" : kind;
        this.#parts.tensorsLoaded({ where, ...tensors });
      },
    };
    const made: Executor =
      kind === "thread" ? new ThreadExecutor(options, this.#executorParts, heard) : this.#process(options, heard);
    this.plugins.begun(made);
    return made;
  }

  /** Of a process: it sees its own devices, or, where others have some, none. */
  #environmentOf(slot: number): Readonly<Record<string, string>> {
    const { devices } = this.#options;
    if (devices.length === 0) return {};
    return pinnedTo((this.#pinned.get(slot) ?? []).map((device) => devices[device]!));
  }

  #process(options: ThreadOptions, events: ExecutorEvents): ProcessExecutor {
    const executor = new ProcessExecutor(options, this.#executorParts, events, this.#parts.logger);
    this.#processes.add(executor);
    void executor.exited.then(() => this.#processes.delete(executor));
    return executor;
  }
}
