// The slots of a modelled worker: they compute what the book says, take the time it says, and misbehave as it says.

import type { Attempt, Failure, PayloadRef, TaskId } from "@taskflock/protocol/words";
import type { RunItem, WorkerEvent } from "@taskflock/worker/machine";
import type { Arena } from "./arena.ts";
import type { PayloadTable } from "./payloads.ts";
import type { Random } from "./random.ts";
import type { TaskBook, TaskSpec } from "./tasks.ts";
import { isCall, makesActor, resultOf } from "./tasks.ts";
import type { World } from "./world.ts";

type Bare<E> = E extends WorkerEvent ? Omit<E, "at" | "cause"> : never;
export type BareWorkerEvent = Bare<WorkerEvent>;

export interface SlotHost {
  readonly world: World;
  readonly random: Random;
  readonly book: TaskBook;
  readonly arena: Arena;
  readonly payloads: PayloadTable;
  inlineLimitBytes: number;
  step(event: BareWorkerEvent): void;
  /** What it is about to read is damaged. */
  spoilsInput(): boolean;
  die(how: string): void;
  log(task: TaskId, attempt: Attempt, text: string): void;
  report(task: TaskId, attempt: Attempt, value: number): void;
}

interface Running {
  readonly item: RunItem;
  readonly spec: TaskSpec;
  readonly value: number;
  readonly since: number;
}

export class ModelSlot {
  readonly #host: SlotHost;
  readonly #index: number;
  #items: RunItem[] = [];
  /** The batch behind it. */
  #waiting: readonly RunItem[] | null = null;
  /** Of the batch: results that can be handed on, by place. */
  readonly #handed = new Map<number, number>();
  #places = new Map<RunItem, number>();
  #current: Running | null = null;
  readonly #aborted = new Set<RunItem>();
  #abortReason: "cancelled" | "timeout" = "cancelled";
  /** Raised whenever what was planned does not hold any more. */
  #era = 0;
  /** Of an actor's slot: what made it, and the last call that began. */
  #actor: TaskSpec | null = null;
  #lastCall = -1;
  #busy = false;
  #ending = false;
  #replacing = false;
  #retires = false;

  constructor(host: SlotHost, index: number) {
    this.#host = host;
    this.#index = index;
  }

  run(items: readonly RunItem[]): void {
    // it died a moment ago: what it is given comes back with its replacement
    if (this.#replacing) return;
    if (this.#waiting !== null || this.#ending)
      throw new Error(`slot ${this.#index} was given a batch that it cannot take`);
    for (const item of items) {
      for (const [i, input] of item.assign.inputs.entries()) if (isStored(item, i)) this.#host.arena.lease(input.task);
    }
    if (this.#busy) this.#waiting = items;
    else this.#take(items, this.#host.random.between(2, 20));
  }

  #take(items: readonly RunItem[], delay: number): void {
    this.#busy = true;
    this.#items = [...items];
    this.#handed.clear();
    this.#places = new Map(items.map((item, place) => [item, place]));
    this.#later(delay, () => this.#next());
  }

  abort(task: number, reason: "cancelled" | "timeout"): void {
    this.#abortReason = reason;
    const current = this.#current;
    if (current?.item.assign.task === task) {
      if (current.spec.heedsAbort)
        this.#later(this.#host.random.between(5, 500), () => this.#fail(current, null, "AbortError"));
      else this.#later(1, () => this.#host.step({ e: "itemDeaf", slot: this.#index, task: current.item.assign.task }));
      return;
    }
    const items = [...this.#items, ...(this.#waiting ?? [])];
    const meant = items.find((item) => item.assign.task === task && !this.#aborted.has(item));
    if (meant !== undefined) this.#aborted.add(meant);
  }

  /** Ends what runs when it is done ending; the slot may have gone on to another item by then. */
  end(reason: "cancelled" | "timeout"): void {
    if (this.#ending) throw new Error(`slot ${this.#index} was ended twice`);
    this.#ending = true;
    // when it is being replaced already, that is the answer
    if (this.#replacing) return;
    const code = reason === "timeout" ? "FLOCK_TIMEOUT" : "FLOCK_CANCELLED";
    const meant = this.#current;
    this.#later(this.#host.random.between(50, 5_000), () => {
      if (this.#current !== null && this.#current !== meant) this.#current.spec.history.interrupted++;
      this.#replace(code);
    });
  }

  /** What runs may give up its place, to go on elsewhere. */
  retiring(on: boolean): void {
    this.#retires = on;
    const current = this.#current;
    if (!on || current === null || isCall(current.spec) || makesActor(current.spec)) return;
    if (!this.#host.random.chance(0.3)) return;
    this.#later(this.#host.random.between(1, 500), () => {
      if (this.#current !== current || !this.#retires) return;
      current.spec.history.interrupted++;
      this.#fail(current, "FLOCK_TASK_YIELDED", "FlockError");
    });
  }

  /** Its process is gone: nothing of what was planned happens. */
  stop(): void {
    this.#era++;
  }

  #later(delay: number, act: () => void): void {
    const era = this.#era;
    this.#host.world.after(delay, () => {
      if (era === this.#era) act();
    });
  }

  #next(): void {
    const item = this.#items.shift();
    if (item === undefined) {
      const waiting = this.#waiting;
      this.#waiting = null;
      this.#busy = false;
      // It goes on at once; what it says is heard when it is heard.
      if (waiting !== null) this.#take(waiting, 0);
      this.#host.step({ e: "batchDone", slot: this.#index });
      return;
    }
    if (item.links.some((place) => place >= 0 && !this.#handed.has(place))) {
      this.#aborted.delete(item);
      this.#giveBack(item);
      const { task, attempt } = item.assign;
      this.#host.step({ e: "itemReturned", slot: this.#index, task, attempt });
      this.#later(0, () => this.#next());
      return;
    }
    if (this.#aborted.delete(item)) {
      this.#giveBack(item);
      this.#sayFailed(
        item,
        failure(this.#abortReason === "timeout" ? "FLOCK_TIMEOUT" : "FLOCK_CANCELLED", "FlockError"),
        0,
      );
      this.#later(0, () => this.#next());
      return;
    }
    const stored = item.assign.inputs.find((_, i) => isStored(item, i));
    if (stored !== undefined && this.#host.spoilsInput()) {
      this.#giveBack(item);
      const { task, attempt } = item.assign;
      this.#host.step({ e: "inputSpoiled", slot: this.#index, task, attempt, input: stored.task });
      this.#later(0, () => this.#next());
      return;
    }
    this.#begin(item);
  }

  #begin(item: RunItem): void {
    const { host, spec, value } = this.#evaluate(item);
    const current = { item, spec, value, since: host.world.now };
    this.#current = current;
    spec.history.begun++;
    if (host.random.chance(0.02)) host.log(item.assign.task, item.assign.attempt, `task ${spec.id}`);
    if (host.random.chance(0.05)) host.report(item.assign.task, item.assign.attempt, spec.id);
    const duration = Math.max(1, Math.round(spec.durationUs * (0.8 + 0.4 * host.random.next())));
    // the shell looks at the slot's counter now and then
    if (!item.running && host.random.chance(0.5)) {
      const { task, attempt } = item.assign;
      this.#later(host.random.between(0, duration - 1), () => {
        if (this.#current === current) host.step({ e: "itemStarted", slot: this.#index, task, attempt });
      });
    }
    if (spec.history.killed < spec.kills) {
      spec.history.killed++;
      this.#later(duration, () => {
        if (this.#current === current) host.die(`${spec.id} killed it`);
      });
    } else if (!spec.endless) this.#later(duration, () => this.#finish(current));
  }

  /** Computes from what is really there. */
  #evaluate(item: RunItem): { host: SlotHost; spec: TaskSpec; value: number } {
    const host = this.#host;
    const args = host.payloads.get(item.assign.args);
    if (args.is !== "arguments") throw new Error(`the arguments of ${item.assign.key} are ${args.is}`);
    const spec = host.book.get(args.spec);
    if (isCall(spec)) this.#checkCall(spec);
    const inputs = item.assign.inputs.map((input, i) => {
      if (i === 0 && isCall(spec)) return spec.inputs[0]!.value;
      const link = item.links[i] ?? -1;
      if (link >= 0) return this.#handed.get(link) as number;
      const inline = item.inline[i] as PayloadRef;
      const content = inline === 0 ? host.arena.read(input.task) : host.payloads.get(inline);
      if (content.is !== "value") throw new Error(`an input of ${item.assign.key} is ${content.is}`);
      return content.value;
    });
    return { host, spec, value: resultOf(spec.id, inputs) };
  }

  /** Calls are made of the actor that lives here, in the order of their submission, and never twice. */
  #checkCall(spec: TaskSpec): void {
    if (this.#actor !== spec.inputs[0]) throw new Error(`call ${spec.id} is made where its actor is not`);
    if (spec.history.begun > 0) throw new Error(`call ${spec.id} is made twice`);
    if (spec.id <= this.#lastCall) throw new Error(`call ${spec.id} is made after call ${this.#lastCall}`);
    this.#lastCall = spec.id;
  }

  #finish(current: Running): void {
    const { item, spec, value } = current;
    if (this.#current !== current) return;
    if (spec.history.threw < spec.fails) {
      spec.history.threw++;
      if (spec.exits) this.#replace("FLOCK_TASK_EXITED");
      else this.#fail(current, null, "ModelError");
      return;
    }
    const host = this.#host;
    const { task, attempt } = item.assign;
    const content = { is: "value", value, bytes: spec.bytes } as const;
    const inline = spec.bytes <= host.inlineLimitBytes;
    const result = inline ? host.payloads.put(content) : (0 as PayloadRef);
    if (!inline) host.arena.store(task, content);
    else this.#handed.set(this.#places.get(item) as number, value);
    const durationUs = host.world.now - current.since;
    if (makesActor(spec)) this.#actor = spec;
    this.#over(item);
    const finished = { t: "finished", task, attempt, bytes: spec.bytes, result, version: 0, durationUs } as const;
    host.step({ e: "itemsFinished", slot: this.#index, items: [finished] });
    this.#later(0, () => this.#next());
  }

  #fail(current: Running, code: Failure["code"], name: string): void {
    if (this.#current !== current) return;
    this.#over(current.item);
    this.#sayFailed(current.item, failure(code, name), this.#host.world.now - current.since);
    this.#later(0, () => this.#next());
  }

  /** The slot's code ends here and now; a new slot is ready a little later. */
  #replace(code: "FLOCK_CANCELLED" | "FLOCK_TIMEOUT" | "FLOCK_TASK_EXITED"): void {
    const host = this.#host;
    this.#era++;
    this.#replacing = true;
    if (this.#actor !== null) this.#actor.history.actorEnds++;
    for (const item of [...this.#items, ...(this.#waiting ?? [])]) this.#giveBack(item);
    this.#items = [];
    this.#waiting = null;
    this.#aborted.clear();
    const current = this.#current;
    if (current !== null) {
      this.#over(current.item);
      this.#sayFailed(current.item, failure(code, "FlockError"), host.world.now - current.since);
    }
    this.#later(host.random.between(20, 3_000), () => {
      this.#replacing = false;
      this.#ending = false;
      this.#busy = false;
      host.step({ e: "slotReplaced", slot: this.#index });
    });
  }

  #over(item: RunItem): void {
    this.#current = null;
    this.#giveBack(item);
  }

  #giveBack(item: RunItem): void {
    for (const [i, input] of item.assign.inputs.entries()) if (isStored(item, i)) this.#host.arena.unlease(input.task);
  }

  #sayFailed(item: RunItem, failed: Failure, durationUs: number): void {
    const { task, attempt } = item.assign;
    const error = this.#host.payloads.put({ is: "error", text: failed.message });
    this.#host.step({
      e: "itemFailed",
      slot: this.#index,
      task,
      attempt,
      failure: { ...failed, error, errorBytes: 10 },
      retryable: true,
      durationUs,
    });
  }
}

/** True when the input of that index lies in the arena. */
function isStored({ assign, inline, links }: RunItem, index: number): boolean {
  if (assign.isolation === "call" && index === 0) return false;
  return inline[index] === 0 && (links[index] ?? -1) < 0;
}

function failure(code: Failure["code"], name: string): Failure {
  return { code, name, message: `the model's ${code ?? name}`, error: 0 as PayloadRef, errorBytes: 0 };
}
