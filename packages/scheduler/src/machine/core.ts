// What the machine is made of: its tables, the lists of work left for the end of a message, and the few moves that
// everything else is written in. No rule of scheduling stands here.

import {
  type Cause,
  type EventKind,
  FlockError,
  type FunctionId,
  type Micros,
  type RunId,
  type SchedulerToClient,
  type SchedulerToWorker,
  type SessionId,
  TASK_GENERATIONS,
  TASK_SLOTS,
  type TaskId,
  type TaskNumber,
  type WorkerId,
} from "@taskflock/protocol/words";
import type { Actor } from "./actors.ts";
import { CodePlaces } from "./code-places.ts";
import { cut } from "./cut.ts";
import { DetailStore } from "./details.ts";
import { Equipment } from "./equipment.ts";
import { EventLog } from "./event-log.ts";
import { Kept } from "./kept.ts";
import { LogStore } from "./log-store.ts";
import type { Transfer } from "./moves.ts";
import { PastEdges } from "./page-edges.ts";
import { FailureLog } from "./page-failures.ts";
import { GoneWorkers } from "./page-gone.ts";
import { PastRuns } from "./page-past-runs.ts";
import { RememberedFailures } from "./page-remembered.ts";
import { SpanLog } from "./page-spans.ts";
import { MovedBook } from "./page-transfers.ts";
import type { SchedulerConfig, SchedulerPort } from "./port.ts";
import {
  type FunctionRecord,
  type Lane,
  LINK_UP,
  makeLane,
  type Options,
  type Run,
  type Session,
  Task,
} from "./records.ts";
import { SharedTable } from "./shared-objects.ts";
import { FREE, STATE_COUNT, type State, stateNames } from "./states.ts";
import { Story } from "./story.ts";
import type { Watched } from "./stragglers.ts";
import { type Timer, Timers } from "./timers.ts";
import { isTransition } from "./transitions.ts";
import type { Watcher } from "./watch.ts";
import { IdleWorkers, RestingWorkers, WorkerHeap } from "./worker-heap.ts";
import type { Worker } from "./worker-record.ts";

/** UTF-16 units. */
const MAX_NOTICE = 4096;

/** TASK_SLOTS is a power of two; the remainder of a large number costs much more. */
function slotOf(id: TaskId): number {
  return id & (TASK_SLOTS - 1);
}

export class Core {
  readonly config: SchedulerConfig;
  readonly port: SchedulerPort;
  now: Micros = 0 as Micros;
  cause: Cause = 0 as Cause;

  /** Tasks by slot; a slot's generation grows with each use, so that an old id finds nothing. */
  readonly slots: (Task | null)[] = [];
  readonly generations: number[] = [];
  readonly freeSlots: number[] = [];
  readonly counts: number[] = new Array<number>(STATE_COUNT).fill(0);
  seq = 0;
  /** Tasks that have ended so far, each counted once. */
  ended = 0;
  /** Lanes, workers and tasks looked at to decide what goes where: the measure of the scheduler's own effort. */
  looks = 0;
  lastOrder = 0;

  readonly sessions: Map<SessionId, Session> = new Map();
  readonly workers: Map<WorkerId, Worker> = new Map();
  readonly functions: Map<string, FunctionRecord> = new Map();
  readonly functionsById: Map<FunctionId, FunctionRecord> = new Map();
  readonly runs: Set<Run> = new Set();
  lastFunction: FunctionId = 0 as FunctionId;
  lastRun: RunId = 0 as RunId;
  /** Shared keys of tasks that can still serve a new reference. */
  readonly keys: Map<string, Task> = new Map();

  readonly lanes: Map<string, Lane> = new Map();
  /** The lane of tasks that any worker can run. */
  readonly open: Lane = makeLane("", [], null, false, null);
  /** Lanes that may have both a task and a worker for it. */
  readonly ready: Set<Lane> = new Set();
  readonly parkedLanes: Set<Lane> = new Set();
  /** Workers that are saved for the next task of a lane. */
  readonly savings: Map<Lane, Worker> = new Map();
  readonly resting: RestingWorkers = new RestingWorkers();
  readonly heap: WorkerHeap = new WorkerHeap();
  /** Workers with a free slot; and with so much waiting that some of it is worth moving. */
  readonly idle: IdleWorkers = new IdleWorkers();
  readonly surplus: Set<Worker> = new Set();
  readonly dirty: Worker[] = [];
  readonly retiring: Set<Worker> = new Set();
  /** Workers where something ended, so that there may be room for tasks assigned ahead. */
  readonly dirtyAhead: Set<Worker> = new Set();

  readonly story: Story;
  readonly events: EventLog;
  readonly logs: LogStore;
  readonly details: DetailStore;
  readonly places: CodePlaces = new CodePlaces();
  /** Those who wait for the next event or line; and what there was when they were looked at last. */
  readonly watchers: Watcher[] = [];
  watchedEvent = 0;
  watchedLine = 0;
  readonly timers: Timers = new Timers();
  armed: Micros | null = null;
  /** Tasks that run, and since when, the first to begin first; attempts that ended; workers that are gone. */
  readonly begun: Map<Task, Micros> = new Map();
  readonly spans: SpanLog = new SpanLog();
  readonly failures: FailureLog = new FailureLog();
  readonly pastEdges: PastEdges = new PastEdges();
  readonly remembered: RememberedFailures;
  readonly gone: GoneWorkers = new GoneWorkers();
  readonly pastRuns: PastRuns = new PastRuns();
  /** What workers fetched of each other. */
  readonly moved: MovedBook = new MovedBook();
  /** Attempts that run, the first to begin first. */
  readonly watched: Watched[] = [];
  /** Not looked at before; and the alarm for the next look. */
  looksDue = 0;
  lookTimer: Timer | null = null;
  /** Results with many copies, and since when nothing reads them: null while something does, or nobody has looked. */
  readonly copied: Map<TaskId, Micros | null> = new Map();
  copiesDue = 0;
  inlineBytes = 0;
  /** Workers have been told to keep their small results. */
  limited = false;

  // Work left for the end of the message, so that rules do not call each other in circles.
  /** Perhaps not wanted any more. */
  readonly loose: Task[] = [];
  /** Perhaps without its last copy. */
  readonly lost: Task[] = [];
  /** Has an input that failed before. */
  readonly broken: Task[] = [];
  /** Waiting, and perhaps to be assigned ahead. */
  readonly candidates: Task[] = [];

  /** Questions for a result's place that wait for the other lists. */
  readonly relocate: { readonly session: Session; readonly n: TaskNumber }[] = [];

  /** Tasks that failed and keep their lineage, the first to fail first; and the bytes of their arguments. */
  readonly failedCalls: Set<Task> = new Set();
  failedCallBytes = 0;
  /** Data on its way; without targets it waits for a worker. */
  readonly uploads: Set<Task> = new Set();
  /** What the cluster itself refers to. */
  readonly kept: Kept = new Kept();
  /** Plugins and uploaded files. */
  readonly equipment: Equipment = new Equipment();
  /** Copies that people asked for and that are under way; and tasks of theirs whose copies are gone. */
  readonly transfers: Map<Task, Transfer[]> = new Map();
  readonly stranded: Task[] = [];
  /** Those that are there or are to be made; and those of which something changed in this step. */
  readonly actors: Map<Task, Actor> = new Map();
  readonly actorsTouched: Set<Actor> = new Set();
  /** Actors for which no worker was found yet, by what they ask for. */
  readonly actorsWaiting: Map<Lane, Set<Task>> = new Map();
  /** A worker came or went, or something that was held is free: those actors may find a place. */
  placesChanged = false;
  readonly waiters: { readonly session: SessionId; readonly id: number; readonly count: number }[] = [];
  /** Who waits for workers of these names. */
  readonly returning: { readonly session: SessionId; readonly id: number; readonly names: readonly string[] }[] = [];
  readonly progress: Set<Run> = new Set();
  readonly shared: SharedTable = new SharedTable();

  constructor(config: SchedulerConfig, port: SchedulerPort) {
    this.config = config;
    this.port = port;
    this.story = new Story(config.storyLines);
    this.events = new EventLog(config.eventsKept);
    this.remembered = new RememberedFailures(config.failuresRemembered);
    this.logs = new LogStore(config.logUnitsKept);
    this.details = new DetailStore(config.detailUnitsOfRun, config.detailUnitsKept);
  }

  newTask(n: TaskNumber, options: Options, run: Run): Task {
    const slot = this.freeSlots.pop() ?? this.slots.length;
    if (slot >= TASK_SLOTS) throw new FlockError("FLOCK_INVARIANT", `More than ${TASK_SLOTS} tasks at one time.`);
    const generation = (this.generations[slot] ?? 0) + 1;
    this.generations[slot] = generation;
    options.lane.users++;
    const task = new Task((generation * TASK_SLOTS + slot) as TaskId, ++this.seq, n, options, run);
    this.slots[slot] = task;
    run.tasks++;
    return task;
  }

  /** The slot may name another task from now on, unless it has no generation left. */
  releaseSlot(task: Task): void {
    const slot = slotOf(task.id);
    this.slots[slot] = null;
    if (this.generations[slot]! < TASK_GENERATIONS - 1) this.freeSlots.push(slot);
    task.run.tasks--;
    this.unuseLane(task.options.lane);
  }

  /** One of those that named the lane does so no more; a lane without any is forgotten. */
  unuseLane(lane: Lane): void {
    lane.users--;
    if (lane.users > 0 || lane.key === "") return;
    this.lanes.delete(lane.key);
    this.ready.delete(lane);
    for (const worker of this.workers.values()) worker.lanes.delete(lane);
  }

  taskById(id: TaskId): Task | null {
    const task = this.slots[slotOf(id)];
    return task !== undefined && task !== null && task.id === id ? task : null;
  }

  /** The only place where a task's state changes. */
  move(task: Task, to: State, detail: string): void {
    const from = task.state;
    if (!isTransition(from, to)) this.#refuse(task, to, detail);
    if (from !== FREE) this.counts[from]!--;
    if (to !== FREE) this.counts[to]!++;
    task.state = to;
    if (task.definition !== null) {
      const { counts } = task.definition.record;
      counts[from]!--;
      counts[to]!++;
    }
    this.story.add(task.id, this.now, this.cause, from, to, detail);
  }

  /** Something is left to do in this step. */
  hasWork(): boolean {
    const { lost, broken, loose, relocate, candidates, dirty } = this;
    const tasks = lost.length + broken.length + loose.length + relocate.length + candidates.length;
    return tasks + dirty.length + this.ready.size + this.actorsTouched.size > 0;
  }

  canTell(session: Session): boolean {
    return session.link === LINK_UP;
  }

  tell(session: Session, message: SchedulerToClient): void {
    this.port.toClient(session.id, message);
  }

  /** Something for a person to read; it may quote names of any number and length. */
  notice(session: Session, text: string): void {
    if (this.canTell(session)) this.tell(session, { t: "notice", level: "warn", text: text.slice(0, MAX_NOTICE) });
  }

  /** For the event log. */
  happened(kind: EventKind, who: string, text: string, key = ""): void {
    this.events.add(this.now, this.cause, kind, who, cut(text, MAX_NOTICE), key);
  }

  /** Says nothing to a worker whose link is cut: its snapshot will show what it missed. */
  send(worker: Worker, message: SchedulerToWorker): void {
    if (worker.up) this.port.toWorker(worker.id, message);
  }

  /** Its load or standing changed; looked at before the next assignment. */
  touchWorker(worker: Worker): void {
    if (worker.dirty) return;
    worker.dirty = true;
    this.dirty.push(worker);
  }

  /** Calls of it may go on; looked at before the next assignment. */
  touchActor(task: Task): void {
    const actor = this.actors.get(task);
    if (actor !== undefined) this.actorsTouched.add(actor);
  }

  #refuse(task: Task, to: State, detail: string): never {
    const lines = this.story.of(task.id).map((l) => `  ${l.at} #${l.cause} ${l.from} -> ${l.to} ${l.detail}`);
    const pair = `${stateNames[task.state]} -> ${stateNames[to]}`;
    const text = `Task ${task.id} cannot go ${pair} (${detail}), event #${this.cause}. Its story:\n${lines.join("\n")}`;
    throw new FlockError("FLOCK_INVARIANT", text);
  }
}
