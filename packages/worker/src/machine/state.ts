import type {
  Assign,
  Cause,
  FunctionId,
  Micros,
  PayloadRef,
  TaskId,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import { FlockError, NO_PAYLOAD } from "@taskflock/protocol/words";
import type { Gear } from "./equipment.ts";
import { IndexedHeap } from "./heap.ts";
import type { WorkerConfig, WorkerPort } from "./port.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { Actor, Datum, Slot, TaskRecord } from "./records.ts";
import { newActor, newSlot, stateNames } from "./records.ts";
import { StoryRing } from "./story.ts";

/** All that the worker's machine knows. The handlers beside it are its only writers. */
export class WorkerState {
  readonly config: WorkerConfig;
  readonly port: WorkerPort;
  readonly story: StoryRing;
  /** Of the event in hand. */
  at: Micros = 0 as Micros;
  cause: Cause = 0 as Cause;

  /** The current attempt of each task. Abandoned attempts live in their slot only. */
  readonly tasks: Map<TaskId, TaskRecord> = new Map();
  readonly data: Map<TaskId, Datum> = new Map();
  readonly slots: Slot[] = [];
  /** Actors by the task that made each, and by slot; those with calls that can run. */
  readonly actors: Map<TaskId, Actor> = new Map();
  readonly actorSlots: Map<number, Actor> = new Map();
  readonly actorsReady: Set<Actor> = new Set();
  /** Slots that see devices, by number; and what waits for devices. */
  readonly deviceSlots: Map<number, Slot> = new Map();
  readonly devicesWanted: ReadyQueue = new ReadyQueue();
  /** The highest number of a slot so far: one beyond the numbered ones is never used again. */
  lastSlot: number;
  /** Code of the functions known here. */
  readonly functions: Map<FunctionId, PayloadRef> = new Map();
  /** Plugins and files, in the order in which they came. */
  readonly equipment: Map<number, Gear> = new Map();
  /** Functions whose last result was too large to travel with its outcome. */
  readonly large: Set<FunctionId> = new Set();

  readonly ready: ReadyQueue = new ReadyQueue();
  readonly timers: IndexedHeap<TaskRecord> = new IndexedHeap({
    before: (a, b) => a.deadline < b.deadline || (a.deadline === b.deadline && a.seq < b.seq),
    placeOf: (item) => item.timerPlace,
    setPlace: (item, place) => {
      item.timerPlace = place;
    },
  });
  readonly fetchQueue: IndexedHeap<Datum> = new IndexedHeap({
    before: (a, b) => a.order < b.order || (a.order === b.order && a.task < b.task),
    placeOf: (item) => item.fetchPlace,
    setPlace: (item, place) => {
      item.fetchPlace = place;
    },
  });
  fetching = 0;
  /** Of those: their bytes, and how many are from each holder. */
  fetchingBytes = 0;
  readonly fetchingFrom: Map<WorkerId, number> = new Map();

  /** Attempts by state, abandoned ones included. */
  readonly counts: number[] = new Array<number>(stateNames.length).fill(0);
  /** Tasks whose attempt here will give no result: what was promised on it is looked at before the step ends. */
  readonly lost: TaskId[] = [];
  /** Attempts that this step moved, for the invariants. */
  readonly touched: TaskRecord[] = [];
  arrivals = 0;
  /** Of the holdings: raised whenever something is held anew. */
  version = 0;
  alarm: Micros | null = null;
  retiring = false;
  left = false;
  /** Why a planned stop was asked for; said again to a scheduler that does not know it. */
  retireReason: string | null = null;
  /** Why nothing new is begun, while the process's memory is above its pause limit. */
  paused: string | null = null;
  /** A fresh scheduler waits for its first snapshot until nothing of the former one's runs here. */
  snapshotDue = false;

  constructor(config: WorkerConfig, port: WorkerPort) {
    this.config = config;
    this.port = port;
    this.story = new StoryRing(config.storyLines);
    this.lastSlot = config.slots - 1;
    for (let slot = 0; slot < config.slots; slot++) this.slots.push(newSlot(slot));
  }

  send(message: WorkerToScheduler): void {
    this.port.toScheduler(message);
  }

  free(payload: PayloadRef): void {
    if (payload !== NO_PAYLOAD) this.port.free(payload);
  }

  /** The slot of an event. */
  slot(index: number): Slot {
    const slot = this.slots[index] ?? this.actorSlots.get(index)?.slot ?? this.deviceSlots.get(index);
    if (slot === undefined) throw new FlockError("FLOCK_INVARIANT", `the worker has no slot ${index}`);
    return slot;
  }

  /** Numbered slots, those of actors, and those that see devices. */
  *everySlot(): Iterable<Slot> {
    yield* this.slots;
    for (const { slot } of this.actorSlots.values()) yield slot;
    yield* this.deviceSlots.values();
  }

  /** The queue that the attempt waits in once it is ready; null for a call whose actor has ended. */
  queueFor({ assign }: TaskRecord): ReadyQueue {
    const { isolation } = assign;
    if (isolation === "thread" || isolation === "process")
      return this.wantsDevices(assign) ? this.devicesWanted : this.ready;
    const actor = this.actors.get(isolation === "call" ? assign.inputs[0]!.task : assign.task);
    if (actor === undefined) return this.ready;
    this.actorsReady.add(actor);
    return actor.ready;
  }

  /** It runs where it sees devices. */
  wantsDevices({ gpu }: Pick<Assign, "gpu">): boolean {
    return gpu > 0 && this.config.devices > 0;
  }

  openActor(task: TaskId): void {
    const actor = newActor(task, ++this.lastSlot);
    this.actors.set(task, actor);
    this.actorSlots.set(actor.slot.index, actor);
  }

  /** The actor ends, if there is one. What it holds outside of this machine is let go. */
  closeActor(actor: Actor | undefined): void {
    if (actor === undefined || !this.actorSlots.has(actor.slot.index)) return;
    if (this.actors.get(actor.task) === actor) this.actors.delete(actor.task);
    this.actorSlots.delete(actor.slot.index);
    this.actorsReady.delete(actor);
    this.port.closeSlot(actor.slot.index);
  }
}

/** An error that tells what happened to the task before. */
export function broken(s: WorkerState, task: TaskId, what: string): FlockError {
  const story = s.story.of(task).map((l) => `  ${l.at} #${l.cause} ${l.from} -> ${l.to} (${l.detail})`);
  return new FlockError("FLOCK_INVARIANT", [`task ${task} on the worker: ${what}`, ...story].join("\n"));
}
