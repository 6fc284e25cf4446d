// A worker that does what it is told, one thing at a time, with an outcome that a number decides.

import type {
  Attempt,
  PayloadRef,
  SchedulerToWorker,
  TaskId,
  WorkerId,
  WorkerToScheduler,
} from "@taskflock/protocol/words";
import type { Assigned } from "./machine-stage.ts";

/** What a worker needs of the world: whether a peer has bytes, and new bytes of its own. */
export interface Surroundings {
  holds(worker: WorkerId, task: TaskId): boolean;
  payload(): PayloadRef;
}

export class FakeWorker {
  readonly id: number;
  readonly slots: number;
  linked = true;
  left = false;
  retiring = false;
  version = 0;
  limit = 4096;
  readonly holds = new Map<TaskId, { bytes: number; version: number }>();
  readonly inlineHere = new Set<TaskId>();
  readonly tasks = new Map<TaskId, { assign: Assigned; running: boolean }>();
  readonly functions = new Set<number>();
  readonly expected = new Map<TaskId, number>();
  out: WorkerToScheduler[] = [];

  readonly #world: Surroundings;

  constructor(id: number, slots: number, world: Surroundings) {
    this.id = id;
    this.slots = slots;
    this.#world = world;
  }

  obey(message: SchedulerToWorker): void {
    switch (message.t) {
      case "function":
        this.functions.add(message.fn);
        break;
      case "forgetFunction":
        this.functions.delete(message.fn);
        break;
      case "assign":
        if (!this.functions.has(message.fn)) throw new Error("assigned before its function was sent");
        this.tasks.set(message.task, { assign: message, running: false });
        break;
      case "drop":
        this.holds.delete(message.task);
        this.expected.delete(message.task);
        break;
      case "stop":
        this.#stop(message.task, message.attempt, message.why);
        break;
      case "expect":
      case "acquire":
        this.expected.set(message.task, message.bytes);
        break;
      case "retire":
        this.retiring = true;
        break;
      case "configure":
        this.limit = message.inlineLimitBytes;
        break;
      case "leave":
        this.left = true;
    }
  }

  #stop(task: TaskId, attempt: Attempt, why: "cancelled" | "stolen"): void {
    const here = this.tasks.get(task);
    if (here === undefined || here.assign.attempt !== attempt || (why === "stolen" && here.running)) return;
    this.tasks.delete(task);
    this.out.push({ t: "stopped", task, attempt, why });
  }

  /** Goes on with one thing it has to do. */
  work(pick: number): boolean {
    if (this.left) return false;
    const upload = at([...this.expected], pick);
    if (upload !== undefined && pick % 3 === 0) {
      this.#receiveBytes(upload[0], upload[1], pick);
      return true;
    }
    const all = [...this.tasks.values()];
    const running = all.filter((t) => t.running);
    if (running.length > 0 && (running.length >= this.slots || pick % 2 === 0)) {
      this.#end(at(running, pick)!.assign, pick);
      return true;
    }
    const queued = this.retiring ? [] : all.filter((t) => !t.running && this.#mayBegin(t.assign));
    const next = at(queued, pick);
    if (next === undefined) return running.length > 0 || this.expected.size > 0;
    this.#begin(next, pick);
    return true;
  }

  #receiveBytes(task: TaskId, bytes: number, pick: number): void {
    this.expected.delete(task);
    if (pick % 5 === 0) this.out.push({ t: "notHeld", task, message: "the arena is full", code: null });
    else this.#hold(task, bytes);
  }

  #hold(task: TaskId, bytes: number): void {
    const version = ++this.version;
    this.holds.set(task, { bytes, version });
    this.out.push({ t: "held", task, bytes, version });
  }

  /** Not while an input is still to be made here. */
  #mayBegin(assign: Assigned): boolean {
    return assign.inputs.every((i) => i.inline !== 0 || i.holders.length > 0 || !this.tasks.has(i.task));
  }

  #begin(item: { assign: Assigned; running: boolean }, pick: number): void {
    const { task, attempt, inputs } = item.assign;
    for (const input of inputs) {
      if (input.inline !== 0 || this.holds.has(input.task) || this.inlineHere.has(input.task)) continue;
      const source = input.holders.find((h) => this.#world.holds(h.worker, input.task));
      if (source !== undefined && pick % 11 !== 0) {
        this.#hold(input.task, input.bytes);
        continue;
      }
      for (const { worker: holder, version } of input.holders) {
        this.out.push({ t: "missing", task: input.task, holder, version, why: "gone" });
      }
      this.tasks.delete(task);
      this.out.push({ t: "stopped", task, attempt, why: input.holders.length > 0 ? "input" : "predecessor" });
      return;
    }
    item.running = true;
    this.out.push({ t: "started", task, attempt });
  }

  #end({ task, attempt }: Assigned, pick: number): void {
    this.tasks.delete(task);
    const durationUs = 1 + (pick % 3) * 30_000;
    if (pick % 13 === 0) {
      const failure = { code: null, name: "Error", message: "no", error: this.#world.payload(), errorBytes: 3 };
      this.out.push({ t: "errored", task, attempt, failure, retryable: pick % 2 === 0, durationUs });
    } else if (pick % 3 === 0 && this.limit > 0) {
      this.inlineHere.add(task);
      const result = this.#world.payload();
      this.out.push({ t: "finished", task, attempt, bytes: 5 + (pick % 9), result, version: 0, durationUs });
    } else {
      const version = ++this.version;
      const bytes = 5000 + (pick % 9) * 1_000_000;
      this.holds.set(task, { bytes, version });
      this.out.push({ t: "finished", task, attempt, bytes, result: 0 as never, version, durationUs });
    }
  }
}

export function at<T>(items: readonly T[], pick: number): T | undefined {
  return items[pick % items.length];
}
