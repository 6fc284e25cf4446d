// A machine on a stage: events by name, a port that records, and an account of every payload.

import {
  type Attempt,
  type Cause,
  type ClientToScheduler,
  defaultTaskOptions,
  type FunctionNumber,
  type Micros,
  type OptionsNumber,
  type PayloadRef,
  type RunNumber,
  type SchedulerToClient,
  type SchedulerToWorker,
  type SessionId,
  type Stopped,
  type TaskId,
  type TaskNumber,
  type TaskOptionsData,
  type WorkerId,
  type WorkerToScheduler,
} from "@taskflock/protocol/words";
import {
  defaultSchedulerConfig,
  type SchedulerConfig,
  type SchedulerEvent,
  SchedulerMachine,
  type SchedulerPort,
} from "../src/machine/index.ts";

export type Assigned = Extract<SchedulerToWorker, { t: "assign" }>;
type EventBody = SchedulerEvent extends infer E ? (E extends SchedulerEvent ? Omit<E, "at" | "cause"> : never) : never;
interface SubmitFields {
  readonly deps?: readonly number[];
  readonly fn?: number;
  readonly options?: number;
  readonly run?: number;
  readonly key?: string;
  readonly fingerprint?: string;
}

export class Stage implements SchedulerPort {
  readonly machine: SchedulerMachine;
  /** Undelivered messages by receiver. */
  readonly workerBox: Map<number, SchedulerToWorker[]> = new Map();
  readonly clientBox: Map<number, SchedulerToClient[]> = new Map();
  readonly speakable: Set<string> = new Set();
  readonly closed: number[] = [];
  readonly live: Set<number> = new Set();
  readonly events: SchedulerEvent[] = [];
  now = 1000;
  alarm: number | null = null;
  check: "touched" | "all" | "none" = "all";
  #payload = 0;
  #cause = 0;

  constructor(config: Partial<SchedulerConfig> = {}) {
    this.machine = new SchedulerMachine(
      { ...defaultSchedulerConfig, storyLines: 5000, failuresRemembered: 0, ...config },
      this,
    );
  }

  // ------------------------------------------------------------- the port

  toWorker(worker: WorkerId, message: SchedulerToWorker): void {
    if (!this.speakable.has(`w${worker}`)) throw new Error(`spoke to worker ${worker}: ${message.t}`);
    if (message.t === "function") this.#mustLive(message.code);
    if (message.t === "assign") {
      this.#mustLive(message.args);
      for (const input of message.inputs) this.#mustLive(input.inline);
    }
    box(this.workerBox, worker).push(message);
  }

  toClient(session: SessionId, message: SchedulerToClient): void {
    if (!this.speakable.has(`c${session}`)) throw new Error(`spoke to session ${session}: ${message.t}`);
    if (message.t === "done") this.#mustLive(message.result);
    if (message.t === "located") this.#mustLive(message.inline);
    if (message.t === "failed") this.#mustLive(message.failure.error);
    if (message.t === "answer") this.#mustLive(message.data);
    box(this.clientBox, session).push(message);
  }

  wakeAt(at: Micros | null): void {
    this.alarm = at;
  }

  free(payload: PayloadRef): void {
    if (!this.live.delete(payload)) throw new Error(`payload ${payload} freed twice, or never given`);
  }

  closeWorker(worker: WorkerId): void {
    this.closed.push(worker);
  }

  #mustLive(payload: PayloadRef): void {
    if (payload !== 0 && !this.live.has(payload)) throw new Error(`payload ${payload} was sent after it was freed`);
  }

  // ------------------------------------------------------------- events

  step(body: EventBody): void {
    const event = { ...body, at: this.now as Micros, cause: ++this.#cause as Cause } as SchedulerEvent;
    this.events.push(event);
    if (event.e === "woken") this.alarm = null;
    this.machine.step(event);
    if (this.check !== "none") this.machine.checkInvariants(this.check);
  }

  payload(): PayloadRef {
    this.live.add(++this.#payload);
    return this.#payload as PayloadRef;
  }

  /** Lets time pass, alarms included. */
  pass(us: number): void {
    const until = this.now + us;
    while (this.alarm !== null && this.alarm <= until) {
      this.now = Math.max(this.now, this.alarm);
      this.step({ e: "woken" });
    }
    this.now = until;
  }

  /** A client with function 1 ("f") defined. */
  client(id = 1): void {
    this.speakable.add(`c${id}`);
    this.step({ e: "clientJoined", session: id as SessionId, name: `client-${id}` });
    this.define(id, 1, "f");
  }

  define(id: number, fn: number, name: string): void {
    const code = this.payload();
    this.say(id, { t: "function", fn: fn as FunctionNumber, hash: `hash-${name}`, name, code, codeBytes: 100 });
  }

  options(id: number, number: number, data: Partial<TaskOptionsData>): void {
    this.say(id, { t: "options", options: number as OptionsNumber, data: { ...defaultTaskOptions, ...data } });
  }

  submit(id: number, n: number, fields: SubmitFields = {}): void {
    this.say(id, this.submission(n, fields));
  }

  submission(n: number, fields: SubmitFields = {}): ClientToScheduler {
    return {
      t: "submit",
      n: n as TaskNumber,
      fn: (fields.fn ?? 1) as FunctionNumber,
      functions: [],
      args: this.payload(),
      argsBytes: 10,
      deps: (fields.deps ?? []) as TaskNumber[],
      options: (fields.options ?? 0) as OptionsNumber,
      run: (fields.run ?? 0) as RunNumber,
      key: fields.key ?? null,
      fingerprint: fields.fingerprint ?? null,
    };
  }

  scatter(
    id: number,
    n: number,
    bytes: number,
    fields: { broadcast?: boolean; small?: boolean; key?: string; workers?: string[]; kept?: boolean } = {},
  ): void {
    const data = fields.small === true ? this.payload() : (0 as PayloadRef);
    const key = fields.key ?? null;
    const { broadcast = false, workers = [], kept = false } = fields;
    const told = { n: n as TaskNumber, key, fingerprint: key, name: "data", bytes, data, broadcast, workers, kept };
    this.say(id, { t: "scatter", ...told });
  }

  say(id: number, ...messages: ClientToScheduler[]): void {
    this.step({ e: "clientMessages", session: id as SessionId, messages });
  }

  release(id: number, ...ns: number[]): void {
    this.say(id, ...ns.map((n) => ({ t: "release", n: n as TaskNumber }) as const));
  }

  cancel(id: number, n: number): void {
    this.say(id, { t: "cancel", n: n as TaskNumber, reason: "no more" });
  }

  locate(id: number, n: number): void {
    this.say(id, { t: "locate", n: n as TaskNumber });
  }

  worker(
    id: number,
    fields: {
      slots?: number;
      name?: string;
      resources?: Record<string, number>;
      nanny?: boolean;
      peerAddress?: string;
    } = {},
  ): void {
    const { slots = 1, name = `w${id}`, resources = {}, nanny = true, peerAddress = `h:${id}` } = fields;
    const hello = {
      name,
      incarnation: `${id}`,
      nanny,
      pid: id,
      slots,
      resources,
      memoryLimitBytes: 1e9,
      peerAddress,
    };
    this.step({ e: "workerJoined", worker: id as WorkerId, hello, relayKey: `key${id}` });
    this.snapshot(id);
  }

  snapshot(id: number, fields: Partial<Extract<WorkerToScheduler, { t: "snapshot" }>> = {}): void {
    this.speakable.add(`w${id}`);
    this.tell(id, { t: "snapshot", holds: [], tasks: [], functions: [], expects: [], equipment: [], ...fields });
  }

  tell(id: number, ...messages: WorkerToScheduler[]): void {
    this.step({ e: "workerMessages", worker: id as WorkerId, messages });
  }

  lose(id: number, how = "SIGKILL", planned = false): void {
    this.speakable.delete(`w${id}`);
    this.step({ e: "workerLost", worker: id as WorkerId, how, planned });
  }

  cut(id: number): void {
    this.speakable.delete(`w${id}`);
    this.step({ e: "workerCut", worker: id as WorkerId });
  }

  // ------------------------------------------------------------- what workers say of what they were given

  /** Takes the assignments the worker has received and not taken yet. */
  assigned(id: number): Assigned[] {
    return this.take(id, "assign") as Assigned[];
  }

  take(id: number, t: SchedulerToWorker["t"]): SchedulerToWorker[] {
    const all = box(this.workerBox, id);
    const found = all.filter((m) => m.t === t);
    this.workerBox.set(
      id,
      all.filter((m) => m.t !== t),
    );
    return found;
  }

  started(id: number, { task, attempt }: Assigned): void {
    this.tell(id, { t: "started", task, attempt });
  }

  /** With an inline result. */
  finish(id: number, { task, attempt }: Assigned, durationUs = 10): void {
    this.tell(id, { t: "finished", task, attempt, bytes: 8, result: this.payload(), version: 0, durationUs });
  }

  /** With a result that stays at the worker. */
  store(id: number, { task, attempt }: Assigned, bytes = 10_000, version = 1, durationUs = 10): void {
    this.tell(id, { t: "finished", task, attempt, bytes, result: 0 as PayloadRef, version, durationUs });
  }

  error(id: number, { task, attempt }: Assigned, retryable = true): void {
    const failure = { code: null, name: "TypeError", message: "bad", error: this.payload(), errorBytes: 5 };
    this.tell(id, { t: "errored", task, attempt, failure, retryable, durationUs: 10 });
  }

  stopped(id: number, task: TaskId, attempt: Attempt, why: Stopped["why"]): void {
    this.tell(id, { t: "stopped", task, attempt, why });
  }

  /** Takes what the client was told. */
  told(id = 1): SchedulerToClient[] {
    return box(this.clientBox, id).splice(0);
  }

  /** `done 1`, `failed 2 FLOCK_…`, `cancelled 3`: in the order said. */
  outcomes(id = 1): string[] {
    return this.told(id).flatMap((m) => {
      if (m.t === "done") return [`done ${m.n}`];
      if (m.t === "failed")
        return [`failed ${m.n} ${m.failure.code ?? m.failure.name}${m.failedKey === null ? "" : ` of ${m.failedKey}`}`];
      return m.t === "cancelled" ? [`cancelled ${m.n}`] : [];
    });
  }

  /** Everybody leaves: nothing may be left over. */
  leftOver(): string[] {
    for (const session of this.machine.sessions()) {
      this.speakable.delete(`c${session}`);
      this.step({ e: "clientGone", session });
    }
    const counts = this.machine.taskCounts();
    const left: string[] = [...this.live].map((payload) => `payload ${payload}`);
    for (const [status, count] of Object.entries(counts)) if (count > 0) left.push(`${count} ${status}`);
    for (const worker of this.machine.workers()) if (worker.storedBytes > 0) left.push(`bytes at ${worker.name}`);
    if (this.machine.clusterInfo().functions > 0) left.push("functions");
    return left;
  }
}

function box<M>(boxes: Map<number, M[]>, id: number): M[] {
  const known = boxes.get(id);
  if (known !== undefined) return known;
  const made: M[] = [];
  boxes.set(id, made);
  return made;
}
