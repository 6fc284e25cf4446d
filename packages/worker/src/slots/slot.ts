// One slot as the main thread sees it: the batch it was given, what has come back, and how it is ended and replaced.
import type { TaskId } from "@taskflock/protocol";
import { FlockError } from "@taskflock/protocol";
import type { Arena, Place } from "../arena.ts";
import type { BatchTerms } from "../slot/batch.ts";
import { decodeFailure, failureOf } from "../slot/failure.ts";
import { OUTCOME, type OutcomeRecord, payloadOf } from "../slot/outbox.ts";
import type { StopReason } from "../slot/protocol.ts";
import type { Store } from "../store.ts";
import { deathOf } from "./death.ts";
import type { Ending, Executor, ExecutorEvents, ReadyItem } from "./executor.ts";
import { isOverWithin } from "./over-within.ts";
import type { SlotEvents } from "./slot-events.ts";

/** Where results are kept, and who is told. */
export interface SlotParts {
  readonly arena: Arena;
  readonly store: Store;
  readonly events: SlotEvents;
}

export type ExecutorKind = "thread" | "process";
export type MakeExecutor = (kind: ExecutorKind, slot: number, events: ExecutorEvents) => Executor;

export interface SlotNature {
  /** It begins with its first item, keeps what that makes, and is not put in place again: what the actor knew is gone. */
  readonly actor: boolean;
  /** Its process sees devices: all that it is given runs there. */
  readonly pinned: boolean;
}

/** An item that was given to the slot. */
export interface Flight extends ReadyItem {
  /** Room in the arena that was given for the result. */
  place: Place | null;
  /** The machine knows that it began. */
  told: boolean;
  settled: boolean;
  /** It was told to stop. */
  aborted: boolean;
}

/** A batch that was given to the executor. */
interface Run {
  readonly flights: readonly Flight[];
  /** Flights that are not settled. */
  open: number;
  /** The executor is through with it. */
  through: boolean;
  readonly beganAt: number;
}

/** How long an actor may take to dispose of what it has. */
export const DISPOSE_MS = 5000;
/** How long an ended thread may take before the worker is to be replaced. */
export const STUCK_AFTER_MS = 2000;

export class Slot {
  readonly number: number;
  readonly #make: MakeExecutor;
  readonly #arena: Arena;
  readonly #store: Store;
  readonly #events: SlotEvents;
  readonly #executors: Partial<Record<ExecutorKind, Executor>> = {};
  #kind: ExecutorKind = "thread";
  /** Executors that have run a batch: code that its items left behind may end them. */
  readonly #used: WeakSet<Executor> = new WeakSet();
  /** What the executor has, the oldest first. */
  #runs: Run[] = [];
  #ending = false;
  /** `slotReplaced` is to be said as soon as the executor is through. */
  #answerDue = false;
  #closed = false;

  readonly #nature: SlotNature;

  constructor(number: number, make: MakeExecutor, { arena, store, events }: SlotParts, nature: SlotNature) {
    this.number = number;
    this.#nature = nature;
    this.#make = make;
    this.#arena = arena;
    this.#store = store;
    this.#events = events;
  }

  get isActor(): boolean {
    return this.#nature.actor;
  }

  /** Starts the thread; rejects when it does not start. A child process is started when the first task needs it. */
  async start(): Promise<void> {
    await this.#executor("thread").ready;
  }

  /** True while more can be learnt by `look` than arrives by itself. */
  get worthALook(): boolean {
    return this.#runs.some(({ open, flights }) => open > 0 && (flights.length > 1 || !flights[0]!.told));
  }

  /** Runs the batch, behind the one that is here, if any; all of one isolation. While the slot is replaced nothing runs: all comes back. */
  run(flights: readonly Flight[], terms: BatchTerms): void {
    if (this.#ending) {
      for (const flight of flights) this.#letGo(flight);
      return;
    }
    this.#kind = this.#kindOf(flights[0]);
    this.#runs.push({ flights, open: flights.length, through: false, beganAt: performance.now() });
    this.#executor(this.#kind).run(flights, terms);
  }

  /** True when the item runs, and its code has never asked for its AbortSignal. */
  abort(task: TaskId, reason: StopReason): boolean {
    for (const [position, { flights }] of this.#runs.entries()) {
      const index = flights.findIndex((one) => !one.settled && !one.aborted && one.assign.task === task);
      const flight = flights[index];
      if (flight === undefined) continue;
      const executor = this.#executor(this.#kind);
      flight.aborted = true;
      executor.abort(position, index, task, flight.assign.attempt, reason);
      return position === 0 && executor.begun === index && executor.heeding !== index;
    }
    return false;
  }

  tell(task: number, attempt: number, data: Uint8Array): void {
    this.#executors[this.#kind]?.tell(task, attempt, data);
  }

  retiring(on: boolean): void {
    for (const executor of Object.values(this.#executors)) executor.retiring(on);
  }

  /** Reports what finished and which item runs. */
  look(): void {
    const executor = this.#executors[this.#kind];
    if (executor === undefined || this.#ending) return;
    executor.look();
    const flight = this.#runs[0]?.flights[executor.begun];
    if (flight === undefined || flight.told || flight.settled) return;
    flight.told = true;
    this.#events.itemStarted(this.number, flight.assign);
  }

  /** Ends the running code and puts a new thread or process in its place. */
  async end(reason: StopReason): Promise<void> {
    if (this.#ending || this.#closed) return;
    const kind = this.#kind;
    const executor = this.#executors[kind];
    const victim = executor === undefined ? undefined : this.#running(executor);
    if (executor === undefined || this.#isThrough()) {
      // What was to be ended has ended by itself; the executor is about to say so.
      this.#answerDue = true;
      this.#answer();
      return;
    }
    this.#ending = true;
    const over = executor.end();
    delete this.#executors[kind];
    const ended = await isOverWithin(over, STUCK_AFTER_MS);
    this.#lookToTheEnd(executor);
    if (victim !== undefined && !victim.settled) this.#stopped(victim, reason);
    const flights = this.#runs.flatMap((run) => run.flights);
    const release = (): void => flights.forEach((flight) => void this.#letGo(flight));
    if (ended) release();
    else void over.then(release);
    if (!ended) this.#events.stuck(this.number);
    await this.#replace(kind);
  }

  /** An actor is over: it may let go of what it has, for a while. */
  async dispose(): Promise<void> {
    const executor = this.#executors[this.#kind];
    this.#closed = true;
    if (executor !== undefined && this.#isThrough()) await isOverWithin(executor.dispose(), DISPOSE_MS);
    await isOverWithin(this.close(), STUCK_AFTER_MS);
  }

  #kindOf(flight: Flight | undefined): ExecutorKind {
    const isolation = flight?.assign.isolation ?? "thread";
    if (isolation === "call") return this.#kind;
    return this.#nature.pinned || isolation === "process" || isolation === "actor-process" ? "process" : "thread";
  }

  /** Ends whatever runs, for good. `orderly`: what was set up where nothing runs may be taken down. */
  async close(orderly = false): Promise<void> {
    this.#closed = true;
    const idle = orderly && this.#runs.length === 0 ? Object.values(this.#executors) : [];
    await isOverWithin(Promise.all(idle.map((executor) => executor.dispose())), DISPOSE_MS);
    await Promise.all(Object.values(this.#executors).map((executor) => executor.end()));
  }

  /** The item that runs, as far as the machine was told; another may have begun since, and is not to blame. */
  #running(executor: Executor): Flight | undefined {
    executor.look();
    const flight = this.#runs[0]?.flights[Math.max(executor.begun, 0)];
    return flight?.told && !flight.settled ? flight : undefined;
  }

  /** The executor has ended: takes in all that it left, of one batch after the other. */
  #lookToTheEnd(executor: Executor): void {
    executor.look();
    while (this.#runs.length > 1 && this.#runs[0]!.open === 0) {
      this.#runs.shift();
      this.#used.add(executor);
      executor.skip();
      executor.look();
    }
  }

  async #replace(kind: ExecutorKind): Promise<void> {
    this.#runs = [];
    try {
      if (kind === "thread" && !this.#closed && !this.isActor) await this.#executor("thread").ready;
    } catch (error) {
      this.#broke(error);
      return;
    } finally {
      this.#ending = false;
    }
    if (!this.#closed) this.#events.slotReplaced(this.number);
  }

  /** One that is closed while it starts does not start, and that is no defect. */
  #broke(error: unknown): void {
    if (!this.#closed) this.#events.broken(this.number, error);
  }

  #executor(kind: ExecutorKind): Executor {
    const known = this.#executors[kind];
    if (known !== undefined) return known;
    const made: Executor = this.#make(kind, this.number, {
      plugged: () => undefined, // `make` hears of these
      gone: () => undefined,
      tensors: () => undefined,
      outcome: (record) => this.#outcome(record),
      outcomesTold: () => this.#events.outcomesTold(),
      large: (index, bytes, durationUs) => this.#large(index, bytes, durationUs),
      allocate: (index, bytes) => this.#allocate(index, bytes),
      log: (task, attempt, stream, text) => this.#events.log(task, attempt, stream, text),
      report: (task, attempt, data) => this.#events.report(task, attempt, data),
      batchDone: () => {
        this.#used.add(made);
        const run = this.#runs.find(({ through }) => !through);
        if (run !== undefined) run.through = true;
        this.#passOver();
      },
      ended: (ending) => void this.#died(kind, made, ending),
    });
    // `start` and `#replace` look at it; a process that does not start says so by `ended`.
    made.ready.catch(() => undefined);
    this.#executors[kind] = made;
    return made;
  }

  #allocate(index: number, bytes: number): Place | null {
    const flight = this.#runs[0]?.flights[index];
    if (flight === undefined) return null;
    flight.place = this.#store.room(bytes);
    return flight.place;
  }

  #outcome(record: OutcomeRecord): void {
    const run = this.#runs[0];
    const flight = run?.flights[record.index];
    if (run === undefined || flight === undefined || flight.settled) return;
    const { assign } = flight;
    settle(run, flight);
    if (record.kind === OUTCOME.small) {
      this.#events.itemFinished(this.number, assign, record);
    } else if (record.kind === OUTCOME.failed) {
      this.#events.itemFailed(this.number, assign, decodeFailure(payloadOf(record)), record.durationUs);
    } else if (record.kind === OUTCOME.returned) {
      this.#events.itemReturned(this.number, assign);
    } else if (record.kind === OUTCOME.spoiled) {
      this.#events.inputSpoiled(this.number, assign, record.bytes);
    } else if (flight.place !== null) {
      const { place } = flight;
      flight.place = null;
      this.#events.itemStored(this.number, assign, place, record.durationUs);
    }
    this.#letGo(flight);
    this.#passOver();
  }

  #large(index: number, bytes: Uint8Array, durationUs: number): void {
    const run = this.#runs[0];
    const flight = run?.flights[index];
    if (run === undefined || flight === undefined || flight.settled) return;
    const { place } = flight;
    if (place === null) return; // it was asked for before
    flight.place = null;
    settle(run, flight);
    this.#arena.view(place).set(bytes);
    this.#events.itemStored(this.number, flight.assign, place, durationUs);
    this.#letGo(flight);
    this.#passOver();
  }

  /** Gives back what the item leased, and room for a result that it did not use. */
  #letGo(flight: Flight): void {
    const { inputs } = flight;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      if (typeof input !== "number" && "release" in input) input.release();
    }
    if (flight.place !== null) this.#store.giveBack(flight.place);
    flight.place = null;
  }

  /** Lets go of what the executor is through with, once all outcomes are there. */
  #passOver(): void {
    const run = this.#runs[0];
    if (run === undefined || !run.through || run.open > 0 || this.#ending) return;
    this.#runs.shift();
    this.#events.batchDone(this.number);
    this.#answer();
  }

  #answer(): void {
    if (!this.#answerDue || this.#runs.length > 0) return;
    this.#answerDue = false;
    this.#events.slotReplaced(this.number);
  }

  #isThrough(): boolean {
    return this.#runs.every(({ open }) => open === 0);
  }

  #stopped(flight: Flight, reason: StopReason): void {
    const { key, timeoutMs } = flight.assign;
    const error =
      reason === "timeout"
        ? new FlockError("FLOCK_TIMEOUT", `Task ${key} ran longer than ${timeoutMs} ms, and its slot was ended.`)
        : new FlockError("FLOCK_CANCELLED", `Task ${key} was cancelled, and its slot was ended.`);
    this.#fail(flight, error);
  }

  #fail(flight: Flight, error: FlockError): void {
    const run = this.#runs.find(({ flights }) => flights.includes(flight))!;
    const durationUs = Math.round((performance.now() - run.beganAt) * 1000);
    settle(run, flight);
    this.#events.itemFailed(this.number, flight.assign, failureOf(error), durationUs);
  }

  /** The code ended its own thread or process. */
  async #died(kind: ExecutorKind, executor: Executor, ending: Ending): Promise<void> {
    if (this.#executors[kind] !== executor) return;
    delete this.#executors[kind];
    if (this.#closed || this.#ending) return;
    const current = kind === this.#kind;
    if (current) this.#lookToTheEnd(executor);
    if (!current || this.#isThrough()) {
      // Nothing was lost; the next batch finds a new one.
      if (current) for (const _ of this.#runs.splice(0)) this.#events.batchDone(this.number);
      this.#answer();
      if (this.isActor) this.#events.slotReplaced(this.number);
      else if (kind === "thread") this.#succeed(executor);
      return;
    }
    this.#ending = true;
    const flight = this.#blamed(executor);
    if (flight !== undefined && !flight.settled) this.#fail(flight, deathOf(flight.assign, ending));
    for (const run of this.#runs) for (const left of run.flights) this.#letGo(left);
    await this.#replace(kind);
  }

  /** One that did not even start has no successor, which would not start either: whoever waits for it is told. */
  #succeed(dead: Executor): void {
    const start = async (): Promise<void> => {
      if (!this.#closed) await this.#executor("thread").ready;
    };
    dead.ready.then(
      () => start().catch((error: unknown) => this.#broke(error)),
      () => undefined,
    );
  }

  /**
   * The item that ended its executor. When none has begun, code that earlier ones left running did; an executor without earlier ones
   * was ended by its first item, which must not come back for ever.
   */
  #blamed(executor: Executor): Flight | undefined {
    const { begun } = executor;
    if (begun < 0 && this.#used.has(executor)) return undefined;
    return this.#runs[0]?.flights[Math.max(begun, 0)];
  }
}

function settle(run: Run, flight: Flight): void {
  flight.settled = true;
  run.open--;
}
