// The records of the machine: plain fields, one shape each. What keeps them consistent stands in the other files;
// `invariants.ts` says what must hold between them.

import {
  type Attempt,
  type ErrorCode,
  type Failure,
  type Micros,
  NO_PAYLOAD,
  type PayloadRef,
  type RunId,
  type RunInfo,
  type RunNumber,
  type SessionId,
  type TaskId,
  type TaskNumber,
  type TaskOptionsData,
} from "@taskflock/protocol/words";
import type { Definition, FunctionRecord } from "./function-record.ts";
import type { NumberedTasks } from "./numbered-tasks.ts";
import type { Refs } from "./refs.ts";
import type { Unreached } from "./relays.ts";
import { FREE, type State } from "./states.ts";
import type { Timer } from "./timers.ts";
import type { Worker } from "./worker-record.ts";

export type { Definition, FunctionRecord };

/** One (dependent, dependency) pair; `at` is its place in `dependency.dependents`. */
export interface Edge {
  readonly dependent: Task;
  readonly dependency: Task;
  at: number;
}
/** A worker that has a result, since that version of its holdings; `at` is its place in `task.holders`. */
export interface Holding {
  readonly worker: Worker;
  version: number;
  at: number;
}
export interface Ref {
  readonly session: Session;
  readonly n: TaskNumber;
}
/** The bytes of an error, shared by the task that failed and all that failed because of it. */
export interface SharedError {
  readonly payload: PayloadRef;
  uses: number;
}
export type Outcome =
  | {
      readonly kind: "failed";
      readonly failure: Failure;
      readonly shared: SharedError | null;
      readonly worker: string;
      readonly attempt: number;
      readonly failedKey: string | null;
    }
  | { readonly kind: "cancelled"; readonly reason: string };
/** Scattered data on its way: who uploads it, and the workers that have not answered yet. */
export interface Upload {
  uploader: Ref;
  readonly broadcast: boolean;
  /** Names of the workers that may receive it; none: any. */
  readonly workers: readonly string[];
  readonly targets: Set<Worker>;
  /** Those that were asked so far. */
  readonly tried: Set<Worker>;
  refusal: string;
  refusalCode: ErrorCode;
  /** How often all receivers failed, and none of them said why: of data that its client keeps. */
  rounds: number;
  /** Of data that was there and was lost: until then its client is to have sent it again. Else of the next round, or null. */
  timer: Timer | null;
  /** It was there before. */
  readonly again: boolean;
}
/** What went wrong with a task so far; most tasks have none. */
export interface Troubles {
  retries: number;
  failures: number;
  /** Workers that died with the task perhaps running, without having said so. */
  suspicions: number;
  readonly deaths: string[];
  /** Times in a row that a worker gave it back for want of an input. */
  returns: number;
}

export const noEdges: Edge[] = [];
export const noHoldings: Holding[] = [];
export const noDefinitions: readonly Definition[] = [];

/** Bits of `Task.flags`. */
export const SOLO = 1;
/** Not assigned ahead again before it has been queued. */
export const NO_AHEAD = 2;
/** Assigned while an input was not made yet. */
export const AHEAD = 4;
/** Its outcome has been said to those who had a reference. */
export const ANNOUNCED = 8;
/** It stands in its run's counts of ended tasks. */
export const COUNTED = 16;
/** Function and arguments are there: it can be computed (again). */
export const LINEAGE = 32;
/** The reference it was made for is still held. */
export const HELD = 64;
/** It is counted in `worker.makes`. */
export const MAKES = 128;
/** It runs at another worker, too: `extras.second`. */
export const SECOND = 2048;

/** An attempt beside the first one, at another worker. */
export interface Second {
  readonly worker: Worker;
  readonly attempt: Attempt;
  /** Expected µs as it was counted into its worker's load. */
  readonly cost: number;
  /** The worker said that it began. */
  running: boolean;
}

/** What it makes is an actor: an object that lives at the worker where it was made. */
export const ACTOR = 256;
/** A call of the actor that its first input is. */
export const CALL = 512;
/** Not in anybody's way: it runs in a thread of the actor's own, and stands in no queue (actors.ts). */
export const APART: number = ACTOR | CALL;

/** What few tasks have: a key of their own, functions among the arguments, several references, a failure. */
export class Extras {
  key: string | null = null;
  fingerprint: string | null = null;
  name = "";
  functions: readonly Definition[] = noDefinitions;
  others: Refs | null = null;
  outcome: Outcome | null = null;
  troubles: Troubles | null = null;
  upload: Upload | null = null;
  /** Data: the client that sent it keeps the bytes for now. */
  isKept = false;
  second: Second | null = null;
  /** The number of the last second attempt there was; 0 without any. */
  lastAttempt: Attempt = 0 as Attempt;
  /** So many copies were asked for: no surplus. */
  copies = 0;
  /** While it has not ended, if its options set one. */
  deadline: Timer | null = null;
  /** While it is queued, and no worker could ever run it. */
  stranded: Timer | null = null;
}

/** The hot record: fields are never added or removed after construction. A million of them are kept and copied, so each field counts. */
export class Task {
  readonly id: TaskId;
  readonly seq: number;
  state: State = FREE;
  flags = 0;
  attempt: Attempt = 0 as Attempt;
  order = 0;
  /** Null for scattered data and for references that could not be honoured. */
  definition: Definition | null = null;
  args: PayloadRef = NO_PAYLOAD;
  argsBytes = 0;
  deps: Edge[] = noEdges;
  dependents: Edge[] = noEdges;
  /** Dependents on their way to a result. */
  needed = 0;
  /** Inputs that are not done; kept while active. */
  waitingOn = 0;
  readonly options: Options;
  readonly run: Run;
  queue: TaskQueue | null = null;
  /** How many references clients hold: the one it was made for (`HELD`), and `others`. */
  refs = 0;
  /** Under which number its session made it; kept for its key when that reference is gone. */
  readonly n: TaskNumber;
  worker: Worker | null = null;
  /** Place in `worker.assigned`. */
  index = 0;
  /** Expected µs as it was counted into its worker's load. */
  cost = 0;
  /** The idle worker for whose sake it is being taken back. */
  thief: Worker | null = null;
  bytes = 0;
  result: PayloadRef = NO_PAYLOAD;
  holders: Holding[] = noHoldings;
  uncommon: Extras | null = null;

  constructor(id: TaskId, seq: number, n: TaskNumber, options: Options, run: Run) {
    this.id = id;
    this.seq = seq;
    this.n = n;
    this.options = options;
    this.run = run;
  }

  /** For writing. */
  get extras(): Extras {
    this.uncommon ??= new Extras();
    return this.uncommon;
  }

  /** Who made it. */
  get session(): Session {
    return this.run.session;
  }

  /** The name part of a derived key. */
  get name(): string {
    return this.definition?.name ?? this.uncommon?.name ?? "";
  }

  get key(): string | null {
    return this.uncommon === null ? null : this.uncommon.key;
  }

  get fingerprint(): string | null {
    return this.uncommon === null ? null : this.uncommon.fingerprint;
  }

  get functions(): readonly Definition[] {
    return this.uncommon === null ? noDefinitions : this.uncommon.functions;
  }

  get others(): Refs | null {
    return this.uncommon === null ? null : this.uncommon.others;
  }

  get outcome(): Outcome | null {
    return this.uncommon === null ? null : this.uncommon.outcome;
  }

  get troubles(): Troubles | null {
    return this.uncommon === null ? null : this.uncommon.troubles;
  }

  get upload(): Upload | null {
    return this.uncommon === null ? null : this.uncommon.upload;
  }
}

export interface Options {
  readonly data: TaskOptionsData;
  readonly lane: Lane;
}

export interface Run {
  readonly id: RunId;
  readonly number: RunNumber;
  readonly session: Session;
  readonly name: string;
  readonly weight: number;
  status: RunInfo["status"];
  steps: number;
  stepsDone: number;
  /** What attempts that ended took of slots, µs. */
  spentUs: number;
  total: number;
  done: number;
  failed: number;
  cancelled: number;
  running: number;
  /** Tasks assigned or running: its share. */
  active: number;
  /** Records of tasks that name it. */
  tasks: number;
  /** Pages of its failed tasks that were put aside (page-remembered.ts). */
  remembered: number;
  readonly startedAt: Micros;
  /** When it was closed, or the last of its tasks ended after that; null while it is open. */
  endedAt: Micros | null;
  /** What makes it outlive its client; or null. */
  detached: Detached | null;
  /** No progress is said before; and whether an alarm is set for then. */
  quietUntil: number;
  alarmed: boolean;
}

/** Of a run that outlives its client. */
export interface Detached {
  readonly keepUs: number;
  /** Tasks that its client let go of, and the run holds. */
  readonly released: Set<TaskNumber>;
  /** Others who are told of its progress, each under a number of its own. */
  readonly followers: Map<Session, RunNumber>;
  /** Until it is forgotten; null while it is not over. */
  timer: Timer | null;
}

/** The tasks of one run in one lane. `sorted` from `head` and `heap` together; entries whose task's `queue` is another are stale. */
export interface TaskQueue {
  readonly lane: Lane;
  readonly run: Run;
  count: number;
  sorted: Task[];
  head: number;
  heap: Task[];
  /** Place in `lane.active`, or -1. */
  at: number;
}
/** A class of tasks with the same requirement, so that what cannot run now is not looked at task by task. */
export interface Lane {
  /** Its key in `core.lanes`; "" for the open lane and for those of parked tasks, which stay. */
  readonly key: string;
  /** Sets of options and tasks that name it. */
  users: number;
  readonly resources: readonly (readonly [name: string, amount: number])[];
  readonly workers: ReadonlySet<string> | null;
  readonly allowOthers: boolean;
  /** Tasks parked for this worker, because its data is worth the wait. */
  readonly parkedAt: Worker | null;
  readonly byRun: Map<Run, TaskQueue>;
  readonly active: TaskQueue[];
  count: number;
  /** With resources or names: workers that may have room for one. */
  readonly available: Set<Worker>;
  /** With names: how many of them are there and take tasks. */
  named: number;
  /** With resources or names: workers that could ever serve it; and whether people were told that there is none. */
  members: number;
  warned: boolean;
  /** Some of those that name it may not wait for such a worker without end; and the tasks that do so now. */
  limited: boolean;
  readonly stranded: Set<Task>;
}

/** Where the session's link stands. */
export const LINK_UP = 0;
export const LINK_BLOCKED = 1;
export const LINK_CUT = 2;

export interface Session {
  readonly id: SessionId;
  readonly name: string;
  link: 0 | 1 | 2;
  /** Its client is gone; detached runs keep it. */
  isOrphan: boolean;
  /** It only asks: it has no run and no options, and is no event. */
  readonly isObserver: boolean;
  readonly functions: Map<number, Definition>;
  readonly options: Map<number, Options>;
  readonly runs: Map<number, Run>;
  readonly tasks: NumberedTasks;
  /** Outcomes to be said when the client reads again. */
  readonly due: Set<TaskNumber>;
  /** Workers that it cannot reach; null: none was found. */
  unreached: Unreached | null;
  /** Results whose whereabouts it waits for. */
  readonly locates: Set<TaskNumber>;
  /** Tasks whose reports it asked for; and what it told tasks last, by question: whether it was sent. */
  readonly hears: Set<TaskNumber>;
  readonly told: Map<number, boolean>;
  /** Data it is to upload. */
  readonly uploads: Set<TaskNumber>;
  /** What its unfinished tasks cost; what those that ended did, together; and of that, what it was not told yet (admission.ts). */
  unfinishedBytes: number;
  creditedBytes: number;
  uncreditedBytes: number;
  /** Answers that could not be said: the questions. */
  readonly asks: { readonly id: number; readonly answer: () => QuestionAnswer }[];
}
export interface QuestionAnswer {
  readonly value: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Bytes that belong to it; lent. */
  readonly data?: PayloadRef;
  readonly dataBytes?: number;
}

export function makeLane(
  key: string,
  resources: Lane["resources"],
  workers: ReadonlySet<string> | null,
  allowOthers: boolean,
  parkedAt: Worker | null,
): Lane {
  const available = new Set<Worker>();
  const counts = { users: 0, count: 0, named: 0, members: 0, warned: false, limited: false };
  const tables = { byRun: new Map(), active: [], available, stranded: new Set<Task>() };
  return { key, resources, workers, allowOthers, parkedAt, ...tables, ...counts };
}

export function troublesOf(task: Task): Troubles {
  const { extras } = task;
  extras.troubles ??= { retries: 0, failures: 0, suspicions: 0, deaths: [], returns: 0 };
  return extras.troubles;
}
