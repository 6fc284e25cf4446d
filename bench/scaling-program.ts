// What a task costs the scheduler's machine, by the number of workers and of tasks: the real machine, with workers that finish what
// they are given. `node scaling-program.mjs WORKERS TASKS` prints µs of CPU per task: submitted, assigned, finished, released. The
// threads of the garbage collector count; other programs on the machine do not.

import type {
  Assign,
  Cause,
  ClientToScheduler,
  Finished,
  FunctionNumber,
  Micros,
  OptionsNumber,
  PayloadRef,
  RunNumber,
  SchedulerToWorker,
  SessionId,
  TaskNumber,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import {
  defaultSchedulerConfig,
  type SchedulerEvent,
  SchedulerMachine,
  type SchedulerPort,
} from "@taskflock/scheduler/machine";

const SESSION = 1 as SessionId;
const PER_FRAME = 512;
const TASK_US = 100;
const BYTES = 12;
const MEASURED_TASKS = 500_000;

class FakeCluster implements SchedulerPort {
  readonly #machine: SchedulerMachine = new SchedulerMachine(defaultSchedulerConfig, this);
  /** What each worker was given and has not finished. */
  readonly #given: Map<WorkerId, Assign[]> = new Map();
  #next = 1;
  #done = 0;
  #cause = 0;
  #spentUs = 0;

  constructor(workers: number) {
    const joined = { at: micros(), cause: ++this.#cause as Cause, session: SESSION, name: "client" };
    this.#machine.step({ e: "clientJoined", ...joined });
    const definition = { hash: "f", name: "f", code: 1 as PayloadRef, codeBytes: 100 };
    this.#machine.step(this.#say([{ t: "function", fn: 1 as FunctionNumber, ...definition }]));
    for (let id = 1; id <= workers; id++) this.#join(id as WorkerId);
  }

  /** µs of the machine per task. */
  run(tasks: number): number {
    this.#spentUs = 0;
    this.#done = 0;
    const first = this.#next;
    const end = first + tasks;
    while (this.#done < tasks) {
      // Made first and then taken in together: a look at the clock for each would be a part of what is measured.
      const events: SchedulerEvent[] = [];
      for (const [worker, given] of this.#given) if (given.length > 0) events.push(this.#finish(worker, given));
      const count = Math.min(PER_FRAME, end - this.#next);
      if (count > 0) events.push(this.#say(Array.from({ length: count }, () => submit(this.#next++))));
      this.#steps(events);
    }
    for (let n = first; n < end; n += PER_FRAME) {
      const count = Math.min(PER_FRAME, end - n);
      this.#steps([this.#say(Array.from({ length: count }, (_, i) => ({ t: "release", n: (n + i) as TaskNumber })))]);
    }
    return this.#spentUs / tasks;
  }

  toWorker(worker: WorkerId, message: SchedulerToWorker): void {
    if (message.t === "assign") this.#given.get(worker)!.push(message);
  }

  toClient(_session: SessionId, message: { readonly t: string }): void {
    if (message.t === "done") this.#done++;
  }

  wakeAt(): void {}

  free(): void {}

  closeWorker(): void {}

  #join(worker: WorkerId): void {
    this.#given.set(worker, []);
    const place = {
      name: `worker-${worker}`,
      incarnation: "1",
      nanny: false,
      pid: worker,
      peerAddress: `host:${worker}`,
    };
    const hello = { ...place, slots: 1, resources: {}, memoryLimitBytes: 1e9 };
    this.#machine.step({ e: "workerJoined", at: micros(), cause: ++this.#cause as Cause, worker, hello });
    const snapshot = { t: "snapshot" as const, holds: [], tasks: [], functions: [], expects: [], equipment: [] };
    this.#machine.step(this.#hear(worker, [snapshot]));
  }

  #finish(worker: WorkerId, given: Assign[]): SchedulerEvent {
    const messages = given.splice(0, PER_FRAME).map(
      ({ task, attempt }): Finished => ({
        t: "finished",
        task,
        attempt,
        bytes: BYTES,
        result: task as unknown as PayloadRef,
        version: 0,
        durationUs: TASK_US,
      }),
    );
    return this.#hear(worker, messages);
  }

  #hear(worker: WorkerId, messages: readonly WorkerToScheduler[]): SchedulerEvent {
    return { e: "workerMessages", at: micros(), cause: ++this.#cause as Cause, worker, messages };
  }

  #say(messages: readonly ClientToScheduler[]): SchedulerEvent {
    return { e: "clientMessages", at: micros(), cause: ++this.#cause as Cause, session: SESSION, messages };
  }

  #steps(events: readonly SchedulerEvent[]): void {
    const before = process.cpuUsage();
    for (const event of events) this.#machine.step(event);
    const { user, system } = process.cpuUsage(before);
    this.#spentUs += user + system;
  }
}

function micros(): Micros {
  return Math.round(performance.now() * 1000) as Micros;
}

function submit(n: number): ClientToScheduler {
  return {
    t: "submit",
    n: n as TaskNumber,
    fn: 1 as FunctionNumber,
    functions: [],
    args: n as unknown as PayloadRef,
    argsBytes: BYTES,
    deps: [],
    options: 0 as OptionsNumber,
    run: 0 as RunNumber,
    key: null,
    fingerprint: null,
  };
}

const [workers = 10, tasks = 10_000] = process.argv.slice(2).map(Number);
const cluster = new FakeCluster(workers);
// Compiles the code.
for (let round = 0; round < 5; round++) cluster.run(10_000);
// Few tasks again and again: once would be too short to measure.
const rounds = Math.max(1, MEASURED_TASKS / tasks);
let us = 0;
for (let round = 0; round < rounds; round++) us += cluster.run(tasks) / rounds;
process.stdout.write(String(us));
