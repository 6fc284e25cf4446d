// A shell made of plain lists around the worker's machine: it records what is asked, and answers when the test says so.

import type {
  Assign,
  Attempt,
  FunctionId,
  Holder,
  Input,
  Micros,
  PayloadRef,
  SchedulerToWorker,
  SendFunction,
  TaskId,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import type { RunItem, WorkerConfig, WorkerEvent, WorkerPort } from "../src/machine/index.ts";
import { defaultWorkerConfig, WorkerMachine } from "../src/machine/index.ts";

type Bare<E> = E extends WorkerEvent ? Omit<E, "at" | "cause"> : never;
export type BareEvent = Bare<WorkerEvent>;

interface BenchSlot {
  /** Of the batch at hand. */
  items: RunItem[];
  /** The batch behind it. */
  next: RunItem[] | null;
  /** Items of the batch that are over. */
  over: number;
  /** Places of items whose result can be handed on. */
  handed: Set<number>;
  busy: boolean;
  ending: "cancelled" | "timeout" | null;
}

function newSlot(): BenchSlot {
  return { items: [], next: null, over: 0, handed: new Set(), busy: false, ending: null };
}

export class MachineBench {
  readonly machine: WorkerMachine;
  /** Calls that no expectation has taken yet, oldest first. */
  calls: string[] = [];
  readonly sent: WorkerToScheduler[] = [];
  readonly payloads = new Set<PayloadRef>();
  readonly slots: BenchSlot[];
  readonly fetches = new Map<TaskId, Holder>();
  readonly uploads = new Set<TaskId>();
  readonly stored = new Map<TaskId, number>();
  readonly functions = new Set<FunctionId>();
  alarm: Micros | null = null;
  left = false;
  now = 0;
  #cause = 0;
  #payload = 0;

  constructor(config: Partial<WorkerConfig> = {}) {
    this.machine = new WorkerMachine({ ...defaultWorkerConfig, ...config }, this.#port());
    const slots = config.slots ?? 1;
    this.slots = Array.from({ length: slots }, newSlot);
    this.event({ e: "linkUp", fresh: true, inlineLimitBytes: 100, snapshotPending: false });
  }

  event(event: BareEvent): void {
    if (event.e === "woken") this.alarm = null;
    const stamped = { ...event, at: this.now as Micros, cause: ++this.#cause } as unknown as WorkerEvent;
    this.machine.step(stamped);
    this.machine.checkInvariants("touched");
    this.machine.checkInvariants();
  }

  say(...messages: SchedulerToWorker[]): void {
    this.event({ e: "schedulerMessages", messages });
  }

  /** New bytes, as a frame brings them. */
  payload(): PayloadRef {
    const ref = ++this.#payload as PayloadRef;
    this.payloads.add(ref);
    return ref;
  }

  assign(task: number, more: Partial<Assign> = {}): Assign {
    return {
      t: "assign",
      task: task as TaskId,
      attempt: 1 as Attempt,
      key: `task-${task}`,
      fn: 1 as FunctionId,
      functions: [],
      args: this.payload(),
      argsBytes: 10,
      inputs: [],
      order: task,
      timeoutMs: 0,
      cancelGraceMs: 1000,
      isolation: "thread",
      solo: false,
      expectedUs: 0,
      gpu: 0,
      ...more,
    };
  }

  /** True when the slot could only return the item at hand, because one before it gave no result to hand on. */
  lacksInput(slot: number): boolean {
    const state = this.slots[slot];
    return state?.items[0]?.links.some((place) => place >= 0 && !state.handed.has(place)) ?? false;
  }

  giveBack(slot: number): void {
    const { task, attempt } = this.#item(slot).assign;
    this.event({ e: "itemReturned", slot, task, attempt });
    this.#freeWhenEmpty(slot);
  }

  /** The item at hand finds that an input of it cannot be read. */
  spoil(slot: number, input: number): void {
    const { task, attempt } = this.#item(slot).assign;
    this.event({ e: "inputSpoiled", slot, task, attempt, input: input as TaskId });
    this.#freeWhenEmpty(slot);
  }

  finish(slot: number, bytes: number, inline = bytes <= 100): void {
    const { assign } = this.#item(slot);
    const state = this.slots[slot];
    if (inline) state?.handed.add(state.over - 1);
    if (!inline) this.stored.set(assign.task, bytes);
    const result = inline ? this.payload() : (0 as PayloadRef);
    const { task, attempt } = assign;
    const finished = { t: "finished", task, attempt, bytes, result, version: 0, durationUs: 5 } as const;
    this.event({ e: "itemsFinished", slot, items: [finished] });
    this.#freeWhenEmpty(slot);
  }

  fail(slot: number, code: "FLOCK_CANCELLED" | "FLOCK_TIMEOUT" | "FLOCK_TASK_YIELDED" | null = null): void {
    const { task, attempt } = this.#item(slot).assign;
    const failure = { code, name: "Error", message: "failed", error: this.payload(), errorBytes: 5 };
    this.event({ e: "itemFailed", slot, task, attempt, failure, retryable: true, durationUs: 5 });
    if (this.slots[slot]?.ending === null) this.#freeWhenEmpty(slot);
  }

  /** Does what `endSlot` asked for: the item that runs fails, the slot is new. */
  replace(slot: number): void {
    const state = this.slots[slot] as BenchSlot;
    if (state.items.length > 0 && !this.lacksInput(slot))
      this.fail(slot, state.ending === "timeout" ? "FLOCK_TIMEOUT" : "FLOCK_CANCELLED");
    state.items = [];
    state.next = null;
    state.busy = false;
    state.ending = null;
    this.event({ e: "slotReplaced", slot });
  }

  /** The calls since the last take. */
  take(): string[] {
    const calls = this.calls;
    this.calls = [];
    return calls;
  }

  /** Texts of what was sent since the last take, with all else that was asked left aside. */
  takeSent(): string[] {
    return this.take()
      .filter((call) => call.startsWith("> "))
      .map((call) => call.slice(2));
  }

  /** What is left anywhere: empty when all was given back. */
  leftOver(): string[] {
    const left: string[] = [];
    if (this.payloads.size > 0) left.push(`payloads ${[...this.payloads].join()}`);
    if (this.stored.size > 0) left.push(`stored ${[...this.stored.keys()].join()}`);
    if (this.fetches.size > 0) left.push(`fetches ${[...this.fetches.keys()].join()}`);
    if (this.uploads.size > 0) left.push(`uploads ${[...this.uploads].join()}`);
    if (this.functions.size > 0) left.push(`functions ${[...this.functions].join()}`);
    if (this.alarm !== null) left.push(`alarm at ${this.alarm}`);
    const { waiting, ready, inSlots, stored, inline } = this.machine.counts;
    if (waiting + ready + inSlots + stored + inline > 0) left.push("records");
    return left;
  }

  #item(slot: number): RunItem {
    const state = this.slots[slot];
    const item = state?.items.shift();
    if (state === undefined || item === undefined) throw new Error(`nothing runs in slot ${slot}`);
    state.over++;
    return item;
  }

  #freeWhenEmpty(slot: number): void {
    const state = this.slots[slot] as BenchSlot;
    if (state.items.length > 0 || state.ending !== null) return;
    this.#begin(state, state.next);
    this.event({ e: "batchDone", slot });
  }

  #begin(state: BenchSlot, items: RunItem[] | null): void {
    state.busy = items !== null;
    state.items = items ?? [];
    state.next = null;
    state.over = 0;
    state.handed.clear();
  }

  #talk(): Pick<WorkerPort, "tell" | "retiring"> {
    return {
      tell: (slot, task, attempt, data) => {
        if (!this.payloads.has(data)) throw new Error(`payload ${data} is not there`);
        this.calls.push(`tell ${slot}: ${task}.${attempt}`);
      },
      retiring: (on) => void this.calls.push(`retiring ${on}`),
    };
  }

  #port(): WorkerPort {
    return {
      toScheduler: (message) => {
        this.sent.push(message);
        this.calls.push(`> ${describe(message)}`);
      },
      run: (slot, items) => {
        // An actor's begins with its first item.
        this.slots[slot] ??= newSlot();
        const state = this.slots[slot];
        if (state.next !== null || state.ending) throw new Error(`slot ${slot} can take no batch`);
        this.#checkLent(items);
        this.calls.push(`${state.busy ? "then" : "run"} ${slot}: ${items.map((i) => i.assign.task).join(" ")}`);
        if (state.busy) state.next = [...items];
        else this.#begin(state, [...items]);
      },
      abortItem: (slot, task, reason) => void this.calls.push(`abort ${slot}: ${task} ${reason}`),
      endSlot: (slot, reason) => this.#endSlot(slot, reason),
      closeSlot: (slot) => void this.calls.push(`close ${slot}`),
      pin: (slot, devices) => void this.calls.push(`pin ${slot}: ${devices.join()}`),
      ...this.#talk(),
      fetch: (task, _bytes, holder) => {
        if (this.fetches.has(task) || this.stored.has(task)) throw new Error(`${task} is fetched already`);
        this.fetches.set(task, holder);
        this.calls.push(`fetch ${task} from ${holder.worker}`);
      },
      stopFetch: (task) => {
        if (!this.fetches.delete(task)) throw new Error(`${task} is not fetched`);
        this.calls.push(`stopFetch ${task}`);
      },
      equip: ({ gear, part }) => void this.calls.push(`equip ${gear}.${part}`),
      unequip: (gear) => void this.calls.push(`unequip ${gear}`),
      profile: (intervalUs) => void this.calls.push(`profile ${intervalUs}`),
      serveRelay: (key) => void this.calls.push(`relay ${key}`),
      expectUpload: (task) => {
        this.uploads.add(task);
        this.calls.push(`expect ${task}`);
      },
      dropStored: (task) => {
        if (!this.stored.delete(task) && !this.uploads.delete(task)) throw new Error(`${task} is not stored`);
        this.calls.push(`drop ${task}`);
      },
      free: (payload) => {
        if (!this.payloads.delete(payload)) throw new Error(`payload ${payload} is freed twice`);
      },
      defineFunction: (message) => void this.functions.add(message.fn),
      forgetFunction: (fn) => void this.functions.delete(fn),
      configure: (bytes) => void this.calls.push(`configure ${bytes}`),
      wakeAt: (at) => {
        this.alarm = at;
      },
      leave: () => {
        this.left = true;
      },
    };
  }

  #endSlot(slot: number, reason: "cancelled" | "timeout"): void {
    const state = this.slots[slot] as BenchSlot;
    if (state.ending !== null) throw new Error(`slot ${slot} ends already`);
    state.ending = reason;
    this.calls.push(`end ${slot}: ${reason}`);
  }

  #checkLent(items: readonly RunItem[]): void {
    for (const [place, { assign, inline, links }] of items.entries()) {
      if (!this.payloads.has(assign.args)) throw new Error(`arguments of ${assign.task} are gone`);
      for (const [i, input] of assign.inputs.entries()) {
        const payload = inline[i] as PayloadRef;
        const link = links[i] ?? -1;
        if (link >= 0) {
          if (link >= place || items[link]?.assign.task !== input.task)
            throw new Error(`${assign.task} has a wrong link`);
          continue;
        }
        if (assign.isolation === "call" && i === 0) continue; // the actor itself
        if (payload === 0 ? !this.stored.has(input.task) : !this.payloads.has(payload))
          throw new Error(`input ${input.task} of ${assign.task} is not here`);
      }
    }
  }
}

export function holder(worker: number, version = 1): Holder {
  return { worker: worker as WorkerId, address: `w${worker}:1`, version };
}

/** An input with holders, or, without, one that is made here. */
export function from(task: number, ...workers: number[]): Input {
  return { task: task as TaskId, bytes: 1000, inline: 0 as PayloadRef, holders: workers.map((w) => holder(w)) };
}

export function send(bench: MachineBench, fn: number): SendFunction {
  return { t: "function", fn: fn as FunctionId, hash: `h${fn}`, name: "f", code: bench.payload(), codeBytes: 3 };
}

function describe(message: WorkerToScheduler): string {
  switch (message.t) {
    case "stopped":
      return `stopped ${message.task}.${message.attempt} ${message.why}`;
    case "finished":
      return `finished ${message.task}.${message.attempt} ${message.result === 0 ? `v${message.version}` : "inline"}`;
    case "errored":
      return `errored ${message.task}.${message.attempt} ${message.failure.code}`;
    case "started":
      return `started ${message.task}.${message.attempt}`;
    case "held":
      return `held ${message.task} v${message.version}`;
    case "notHeld":
      return `notHeld ${message.task}`;
    case "missing":
      return `missing ${message.task} at ${message.holder} v${message.version}`;
    case "snapshotPart":
      return `part ${message.holds.map((h) => `${h.task}v${h.version}`).join()}`;
    case "snapshot": {
      const tasks = message.tasks.map((t) => `${t.task}.${t.attempt}${t.running ? "*" : ""}`);
      return `snapshot ${message.holds.map((h) => `${h.task}v${h.version}`).join()}|${tasks.join()}|${message.functions.join()}`;
    }
    default:
      return message.t;
  }
}
