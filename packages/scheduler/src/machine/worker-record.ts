// What the scheduler keeps of a worker.

import type {
  Micros,
  Snapshot,
  TaskId,
  WorkerHello,
  WorkerId,
  WorkerMetrics,
  WorkerTensors,
} from "@taskflock/protocol/words";
import type { Profiling } from "./profiles.ts";
import { type FunctionRecord, type Holding, type Lane, makeLane, type Task } from "./records.ts";
import type { Unreached } from "./relays.ts";
import type { Saving } from "./saving.ts";

/** What a worker may do: take tasks; finish and hand over; nothing, it was told to leave. */
export const WORKING = 0;
export const RETIRING = 1;
export const LEAVING = 2;

/** It can be spoken to, and is not on its way out. It may be paused. */
export function isThere(worker: Worker): boolean {
  return worker.up && worker.status === WORKING;
}

export interface Moving {
  target: Worker | null;
  readonly tried: Set<Worker>;
}

export class Worker {
  readonly id: WorkerId;
  readonly hello: WorkerHello;
  readonly name: string;
  readonly slots: number;
  /** Who knows it reaches the worker through the scheduler; empty: nobody does. */
  readonly relayKey: string;
  /** Workers that it cannot reach; null: none was found. */
  unreached: Unreached | null = null;
  /** Results of which it could not reach a holder, and which it has not been told another way to since. */
  readonly relayWanted: Set<TaskId> = new Set();
  /** Its link is up and its snapshot has been taken in: it can be spoken to. */
  up = false;
  /** Its link was cut, and it has not come back since. */
  wasCut = false;
  /** What it holds, as far as it has said so ahead of its next snapshot. */
  reported: Snapshot["holds"][number][] = [];
  status: 0 | 1 | 2 = WORKING;
  /** When it leaves, its nanny is to start it again. */
  restart = false;
  /** Its memory is above its pause limit: it gets nothing new. */
  paused = false;
  /** It has the plugins and files that were there when it joined or came back: before that it gets no tasks. */
  equipped = true;
  /** Of each, how many parts it has taken in. */
  readonly gear: Map<number, number> = new Map();
  readonly free: Map<string, number>;
  assigned: Task[] = [];
  /** Tasks whose second attempt is here; they take slots and resources as the assigned do. */
  readonly seconds: Set<Task> = new Set();
  running = 0;
  /** Of the assigned: waiting for an input that is made here. */
  ahead = 0;
  /** Expected µs of what is assigned; and of what is parked for it. */
  load = 0;
  parkedLoad = 0;
  /** Of the assigned: how many of each function whose results stay here. */
  readonly makes: Map<FunctionRecord, number> = new Map();
  readonly holds: Map<Task, Holding> = new Map();
  /** Actors that live here, or are being made; with what they hold of its resources. */
  readonly actors: Set<Task> = new Set();
  /** Its slots are being sampled. */
  profiling: Profiling | null = null;
  storedBytes = 0;
  /** Of data that is on its way from clients. */
  expectingBytes = 0;
  finished = 0;
  metrics: WorkerMetrics | null = null;
  readonly joinedAt: Micros;
  /** When its last heartbeat came, or it joined. */
  heardAt: Micros;
  tensors: readonly WorkerTensors[] = [];
  functions: Set<FunctionRecord> = new Set();
  /** Inputs on their way here, and for how many assigned tasks. */
  readonly incoming: Map<Task, number> = new Map();
  /** Lanes with resources or names that it can serve. */
  readonly lanes: Set<Lane> = new Set();
  readonly parked: Lane;
  /** Waiting tasks that could be assigned ahead once there is room. */
  aheadWaiting: Task[] = [];
  /** Tasks of lower priority leave it what this one needs. */
  savedFor: Saving | null = null;
  /** Place in the heap of workers with room, or -1; and its key there. */
  heapAt = -1;
  heapKey = 0;
  dirty = false;
  /** Place among those that rest. */
  resting = false;
  above: Worker | null = null;
  below: Worker | null = null;
  /** Place among those with a free slot, or -1; and whether it is among those with a surplus. */
  idleAt = -1;
  hasSurplus = false;
  /** Tasks being taken back elsewhere for its sake. */
  thefts = 0;
  /** A result that it gets a copy of because many wait for it elsewhere; and when it may get another one. */
  copying: TaskId | null = null;
  noCopiesBefore = 0;
  readonly moving: Map<Task, Moving> = new Map();
  retireDirty = false;
  /** It retires, and nothing runs there any more. */
  isDrained = false;

  constructor(id: WorkerId, hello: WorkerHello, relayKey: string, now: Micros) {
    this.id = id;
    this.hello = hello;
    this.name = hello.name;
    this.slots = hello.slots;
    this.relayKey = relayKey;
    this.joinedAt = now;
    this.heardAt = now;
    this.free = new Map(Object.entries(hello.resources));
    this.parked = makeLane("", [], null, false, this);
  }
}
