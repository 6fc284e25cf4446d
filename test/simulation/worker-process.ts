// A modelled worker process: the real machine, with modelled slots, store, transfers and link around it.

import type {
  Attempt,
  Cause,
  Equip,
  Holder,
  Micros,
  PayloadRef,
  SchedulerToWorker,
  TaskId,
  WorkerHello,
  WorkerId,
} from "@taskflock/protocol/words";
import { GPU_RESOURCE, isRelayed, NO_PAYLOAD, RESOURCE_UNIT } from "@taskflock/protocol/words";
import type { WorkerEvent, WorkerPort } from "@taskflock/worker/machine";
import { defaultWorkerConfig, WorkerMachine } from "@taskflock/worker/machine";
import { Arena } from "./arena.ts";
import type { ClientProcess } from "./client-process.ts";
import { transfer } from "./client-transfers.ts";
import { ModelLink, type PeerEnd } from "./link.ts";
import type { Network } from "./network.ts";
import type { Content, Packed } from "./payloads.ts";
import { PayloadTable, pack, unpack } from "./payloads.ts";
import type { Random } from "./random.ts";
import type { SchedulerShell } from "./scheduler-shell.ts";
import type { TaskBook } from "./tasks.ts";
import { type BareWorkerEvent, ModelSlot, type SlotHost } from "./worker-slots.ts";
import type { World } from "./world.ts";

export interface WorkerTraits {
  readonly name: string;
  readonly slots: number;
  readonly resources: Readonly<Record<string, number>>;
}

/** What a worker process sees of the world around it. */
export interface WorkerSurroundings {
  readonly world: World;
  readonly network: Network;
  readonly book: TaskBook;
  readonly scheduler: SchedulerShell;
  readonly disturbed: boolean;
  /** Everybody's own numbers, so that one who is not there changes nobody's luck. */
  randomOf(name: string): Random;
  /** A client that is there, or was. */
  clientNamed(name: string): ClientProcess | null;
  /** The process that goes by this id, if it lives. */
  workerAt(id: WorkerId): WorkerProcess | null;
  /** How likely a transfer fails for no reason, or for want of room. */
  transferTrouble(): number;
  /** A holder was lost when it had begun to send. */
  lostMidway(): void;
  /** How likely a stored input cannot be read any more. */
  spoilTrouble(): number;
  died(process: WorkerProcess, how: string): void;
  /** It left, and its nanny is to start another. */
  startAgain(process: WorkerProcess): void;
}

export class WorkerProcess implements PeerEnd, SlotHost {
  readonly traits: WorkerTraits;
  readonly world: World;
  readonly random: Random;
  readonly book: TaskBook;
  readonly arena: Arena;
  readonly payloads: PayloadTable;
  readonly machine: WorkerMachine;
  readonly link: ModelLink;
  readonly incarnation: string;
  inlineLimitBytes = 4096;
  state: "alive" | "left" | "dead" = "alive";
  /** Everything that was ever given to its slots. */
  readonly given = new Set<number>();
  readonly #around: WorkerSurroundings;
  /** Numbered ones, those of actors, and those that see GPUs, which are kept. */
  readonly #slots: Map<number, ModelSlot>;
  readonly #actors = new Set<number>();
  readonly #functions = new Set<number>();
  readonly #fetches = new Map<TaskId, object>();
  readonly #expected = new Set<TaskId>();
  readonly #equipment = new Map<number, { parts: number }>();
  /** Attempts that were assigned, have no outcome and were not told to stop. */
  readonly #attempts = new Map<TaskId, number>();
  #snapshotFrame = 0;
  #profiling = false;
  #alarm = 0;
  #steps = 0;

  constructor(traits: WorkerTraits, around: WorkerSurroundings) {
    this.traits = traits;
    this.world = around.world;
    this.random = around.randomOf(traits.name);
    this.book = around.book;
    this.#around = around;
    this.incarnation = `${traits.name}@${around.world.now}`;
    this.arena = new Arena(traits.name);
    this.payloads = new PayloadTable(traits.name);
    const { slots, resources } = traits;
    const config = {
      ...defaultWorkerConfig,
      slots,
      devices: Math.floor((resources[GPU_RESOURCE] ?? 0) / RESOURCE_UNIT),
      maxFetches: 3,
      maxBatch: 16,
      maxSnapshotHolds: 2,
      storyLines: 1_000,
    };
    this.machine = new WorkerMachine(config, this.#port());
    this.#slots = new Map(Array.from({ length: slots }, (_, index) => [index, new ModelSlot(this, index)]));
    this.link = new ModelLink("worker", this, around.scheduler, around.world, this.random);
    this.link.open();
  }

  get name(): string {
    return this.traits.name;
  }

  get id(): WorkerId {
    return this.link.id as WorkerId;
  }

  hello(): WorkerHello {
    const { name, slots, resources } = this.traits;
    return {
      name,
      incarnation: this.incarnation,
      nanny: true,
      pid: 1,
      slots,
      resources,
      memoryLimitBytes: 2 ** 30,
      peerAddress: `${name}:1`,
    };
  }

  step(event: BareWorkerEvent): void {
    if (this.state === "dead") return;
    const stamped = { ...event, at: this.world.now as Micros, cause: ++this.#steps as Cause } as WorkerEvent;
    this.machine.step(stamped);
    this.machine.checkInvariants(this.#steps % 256 === 0 ? "all" : "touched");
  }

  welcomed(_id: number, resumed: boolean, received: number): void {
    if (!resumed) {
      this.inlineLimitBytes = 4096;
      this.#attempts.clear();
      this.#snapshotFrame = 0;
    }
    this.step({
      e: "linkUp",
      fresh: !resumed,
      inlineLimitBytes: 4096,
      snapshotPending: received < this.#snapshotFrame,
    });
  }

  cut(): void {
    this.step({ e: "linkDown" });
  }

  /** A scheduler that keeps track stops an attempt before it sends the next one to the same worker, and says nothing twice. */
  #checkWhatIsSaid(message: SchedulerToWorker): void {
    if (message.t === "stop" && this.#attempts.get(message.task) === message.attempt)
      this.#attempts.delete(message.task);
    if (message.t === "expect" && this.#expected.has(message.task))
      throw new Error(`${this.name} is told twice to expect ${message.task}`);
    if (message.t !== "assign") return;
    const before = this.#attempts.get(message.task);
    if (before !== undefined && before !== message.attempt)
      throw new Error(
        `${this.name} is given attempt ${message.attempt} of ${message.key} and still has attempt ${before}`,
      );
    this.#attempts.set(message.task, message.attempt);
  }

  receive(packed: readonly Packed[]): void {
    const messages = packed.map((p) => unpack(p, this.payloads) as SchedulerToWorker);
    for (const message of messages) this.#checkWhatIsSaid(message);
    this.step({ e: "schedulerMessages", messages });
  }

  die(how: string): void {
    if (this.state !== "alive") return;
    this.state = "dead";
    for (const slot of this.#slots.values()) slot.stop();
    this.link.kill();
    this.#around.died(this, how);
  }

  wantsToRetire(): void {
    if (this.state === "alive") this.step({ e: "retireWanted", reason: "the model says so" });
  }

  /** It takes nothing new for a while, and may be paused again meanwhile. */
  pause(forUs: number): void {
    if (this.state !== "alive") return;
    this.step({ e: "pausing", paused: true, reason: "the model's memory is full" });
    this.world.after(forUs, () => {
      if (this.state === "alive") this.step({ e: "pausing", paused: false, reason: "the model's memory is free" });
    });
  }

  /** One of its results cannot be read any more, it notices. */
  spoil(): void {
    const { holds } = this.machine.snapshot();
    if (this.state === "alive" && holds.length > 0) this.step({ e: "spoiled", task: this.random.pick(holds).task });
  }

  spoilsInput(): boolean {
    return this.random.chance(this.#around.spoilTrouble());
  }

  /** A client brings bytes that were announced; false: they were not, or not yet. */
  upload(task: TaskId, content: Content & { bytes: number }): boolean {
    if (this.state !== "alive" || !this.#expected.delete(task)) return false;
    if (this.random.chance(this.#around.transferTrouble())) {
      this.step({ e: "uploadFailed", task, message: "the model has no room", code: null });
    } else {
      this.arena.store(task, content);
      this.step({ e: "uploaded", task, bytes: content.bytes });
    }
    return true;
  }

  /** What is still held by a process that lives. */
  leftOver(): string[] {
    if (this.state !== "alive") return [];
    const left: string[] = [];
    const { waiting, ready, inSlots, stored, inline, functions, fetching, toFetch } = this.machine.counts;
    const records = waiting + ready + inSlots + stored + inline + functions + fetching + toFetch;
    if (records > 0)
      left.push(`records ${JSON.stringify(this.machine.counts)} ${JSON.stringify(this.machine.snapshot())}`);
    if (this.payloads.count > 0) left.push(`payloads ${this.payloads.left()}`);
    if (this.arena.count > 0) left.push(`${this.arena.count} results in its store`);
    if (this.#actors.size > 0) left.push(`${this.#actors.size} actors`);
    if (this.#equipment.size > 0) left.push(`equipment ${[...this.#equipment.keys()].join()}`);
    if (this.#fetches.size > 0) left.push(`${this.#fetches.size} fetches`);
    if (this.#expected.size > 0) left.push(`uploads of ${[...this.#expected].join()} expected`);
    return left.map((text) => `${this.name}: ${text}`);
  }

  #port(): WorkerPort {
    return {
      toScheduler: (message) => {
        if (message.t === "finished" || message.t === "errored" || message.t === "stopped")
          this.#attempts.delete(message.task);
        const frame = this.link.sendUp(pack(message, this.payloads));
        if (message.t === "snapshot") this.#snapshotFrame = frame;
      },
      run: (slot, items) => {
        for (const { assign } of items) {
          for (const fn of [assign.fn, ...assign.functions])
            if (!this.#functions.has(fn)) throw new Error(`${this.name} does not know function ${fn} of ${assign.key}`);
          const args = this.payloads.get(assign.args);
          if (args.is === "arguments") this.given.add(args.spec);
        }
        if (!this.#slots.has(slot)) this.#slots.set(slot, new ModelSlot(this, slot));
        if (items.some(({ assign }) => assign.isolation.startsWith("actor"))) this.#actors.add(slot);
        this.#slots.get(slot)?.run(items);
      },
      abortItem: (slot, task, reason) => this.#slots.get(slot)?.abort(task, reason),
      endSlot: (slot, reason) => this.#slots.get(slot)?.end(reason),
      tell: (_slot, _task, _attempt, data) => {
        if (this.payloads.get(data).is !== "value") throw new Error(`${this.name} is told no value`);
      },
      retiring: (on) => {
        for (const slot of this.#slots.values()) slot.retiring(on);
      },
      closeSlot: (slot) => this.#closeSlot(slot),
      pin: (slot, devices) => {
        if (this.#slots.has(slot) || devices.length === 0) throw new Error(`${this.name} pins slot ${slot} too late`);
      },
      fetch: (task, _bytes, holder) => this.#fetch(task, holder),
      stopFetch: (task) => {
        if (!this.#fetches.delete(task)) throw new Error(`${this.name} stops a fetch of ${task} that does not run`);
      },
      serveRelay: () => {},
      profile: (intervalUs) => this.#profile(intervalUs),
      equip: (message) => this.#equip(message),
      unequip: (gear) => {
        if (!this.#equipment.delete(gear)) throw new Error(`${this.name} has no equipment ${gear}`);
      },
      expectUpload: (task) => void this.#expected.add(task),
      dropStored: (task) => {
        if (!this.#expected.delete(task)) this.arena.drop(task);
      },
      defineFunction: (message) => void this.#functions.add(message.fn),
      forgetFunction: (fn) => void this.#functions.delete(fn),
      configure: (bytes) => {
        this.inlineLimitBytes = bytes;
      },
      free: (payload: PayloadRef) => this.payloads.free(payload),
      wakeAt: (at) => this.#wakeAt(at),
      leave: (restart) => {
        this.state = "left";
        this.link.close();
        if (restart) this.#around.startAgain(this);
      },
    };
  }

  #closeSlot(slot: number): void {
    this.#slots.get(slot)?.stop();
    this.#slots.delete(slot);
    this.#actors.delete(slot);
  }

  /** Part by part, each once; it takes a while, and may fail. */
  #equip({ gear, part, functions, data }: Equip): void {
    const held = this.#equipment.get(gear) ?? { parts: 0 };
    if (held.parts !== part) throw new Error(`${this.name} is given part ${part} of equipment ${gear} again`);
    for (const fn of functions) if (!this.#functions.has(fn)) throw new Error(`${this.name} lacks function ${fn}`);
    this.payloads.get(data);
    held.parts++;
    this.#equipment.set(gear, held);
    this.world.after(this.random.skewed(10, 50_000), () => {
      if (this.#equipment.get(gear) !== held || this.state !== "alive") return;
      const failure = this.random.chance(0.05) ? { name: "Error", message: "the model wants so", stack: "" } : null;
      this.step({ e: "equipped", gear, part, slots: this.traits.slots, failure });
    });
  }

  #fetch(task: TaskId, holder: Holder): void {
    if (this.#fetches.has(task) || this.arena.has(task)) throw new Error(`${this.name} has ${task} already`);
    const token = {};
    this.#fetches.set(task, token);
    const relayed = isRelayed(holder.address);
    transfer(this.#around, this.random, { reader: this.name, holder, task, relayed }, (content, trouble) => {
      if (this.#fetches.get(task) !== token || this.state === "dead") return;
      this.#fetches.delete(task);
      if (content?.is === "value") {
        this.arena.store(task, content);
        const one = { from: holder.worker, bytes: content.bytes, us: 10 };
        const [sources, large] = [[{ ...one, count: 1, failures: 0 }], [{ ...one, task, agoUs: 0 }]];
        this.link.sendUp(pack({ t: "moved", sources, large }, this.payloads));
        this.step({ e: "fetched", task, bytes: content.bytes });
        return;
      }
      const full = trouble === "trouble" && this.random.chance(0.2);
      this.step({ e: "fetchFailed", task, holder, full, why: trouble === "trouble" ? "gone" : trouble });
    });
  }

  /** What was sampled, when that ends; nothing if it was never told to begin. */
  #profile(intervalUs: number): void {
    if (intervalUs > 0) {
      this.#profiling = true;
      return;
    }
    const data = this.#profiling
      ? this.payloads.put({ is: "value", value: this.book.specs.length, bytes: 8 })
      : NO_PAYLOAD;
    const message = this.#profiling ? "" : "no profile is taken";
    this.#profiling = false;
    this.link.sendUp(pack({ t: "profiled", data, dataBytes: 8, message }, this.payloads));
    if (data !== NO_PAYLOAD) this.payloads.free(data);
  }

  /** What a task printed. */
  log(task: TaskId, attempt: Attempt, text: string): void {
    this.link.sendUp(pack({ t: "log", task, attempt, stream: "stdout", text }, this.payloads));
  }

  /** What a task reports: which one it is. */
  report(task: TaskId, attempt: Attempt, value: number): void {
    const data = this.payloads.put({ is: "value", value, bytes: 8 });
    this.link.sendUp(pack({ t: "report", task, attempt, data, dataBytes: 8 }, this.payloads));
    this.payloads.free(data);
  }

  #wakeAt(at: Micros | null): void {
    const alarm = ++this.#alarm;
    if (at === null) return;
    this.world.after(at - this.world.now, () => {
      if (alarm === this.#alarm) this.step({ e: "woken" });
    });
  }
}
