// A modelled client: submits what its plan says, keeps futures, fetches results, lets go, and remembers what it was told.

import type {
  Answer,
  ClientToScheduler,
  FunctionNumber,
  OptionsNumber,
  Question,
  RunNumber,
  SchedulerToClient,
  TaskNumber,
} from "@taskflock/protocol/words";
import { NO_PAYLOAD } from "@taskflock/protocol/words";
import { ClientTransfers } from "./client-transfers.ts";
import { KeptData } from "./kept-data.ts";
import { ModelLink, type PeerEnd } from "./link.ts";
import {
  type FutureEnd,
  type ModelFuture,
  newFuture,
  noteEnd,
  type PlannedBurst,
  type PlannedTask,
} from "./model-future.ts";
import { type ClientSurroundings, Outbox } from "./outbox.ts";
import { type Content, freeIn, type Packed, PayloadTable, unpack } from "./payloads.ts";
import { openRun, tellDetails, tellPlaces } from "./run-errands.ts";
import { type SharedLedger, Sharer } from "./sharer.ts";
import { SharingEnd } from "./sharing-end.ts";
import { makesActor, type TaskSpec } from "./tasks.ts";

type Heard = (answer: Answer, content: Content | null) => void;
interface Asked {
  readonly q: Question["q"];
  readonly make: () => Question;
  readonly heard: Heard;
}

/** What is answered of workers that have left, of tasks that were released or are yet to come, and of names that others use. */
const innocent: ReadonlySet<string> = new Set([
  ...["FLOCK_WORKER_UNKNOWN", "FLOCK_TASK_UNKNOWN", "FLOCK_DATASET_UNKNOWN", "FLOCK_DATASET_EXISTS"],
  ...["FLOCK_PLUGIN_EXISTS", "FLOCK_PLUGIN_UNKNOWN", "FLOCK_PLUGIN_FAILED", "FLOCK_FILE_UNKNOWN", "FLOCK_FILE_FAILED"],
  ...["FLOCK_RUN_UNKNOWN", "FLOCK_ACTOR_LOST", "FLOCK_PROFILE", "FLOCK_CALL_FORGOTTEN"],
]);

export class ClientProcess implements PeerEnd {
  readonly name: string;
  readonly link: ModelLink;
  readonly payloads: PayloadTable;
  readonly futures = new Map<number, ModelFuture>();
  /** Questions without an answer so far. */
  readonly asked = new Map<number, Asked>();
  /** Those that were answered, without an error. */
  readonly answered: Question["q"][] = [];
  state: "alive" | "left" | "lost" = "alive";
  readonly sharer: Sharer;
  readonly around: ClientSurroundings;
  readonly #transfers: ClientTransfers;
  readonly #kept: KeptData;
  /** Numbers that it gave for futures it knows nothing of yet, and what was said of them. */
  readonly #reserved = new Map<number, Packed[]>();
  readonly #waived = new Set<number>();
  readonly #bursts: readonly PlannedBurst[];
  readonly #numbers = new Map<TaskSpec, TaskNumber>();
  readonly #functions = new Set<number>();
  readonly #options = new Map<string, OptionsNumber>();
  readonly #runs = new Set<number>([0]);
  readonly #outbox: Outbox;
  #began = false;
  #lastNumber = 0;
  #lastQuestion = 0;
  /** Runs of others. */
  #lastFollowed = 1_000;

  constructor(name: string, bursts: readonly PlannedBurst[], around: ClientSurroundings, ledger: SharedLedger) {
    this.name = name;
    this.#bursts = bursts;
    this.around = around;
    this.payloads = new PayloadTable(name);
    const random = around.randomOf(name);
    this.link = new ModelLink("client", this, around.scheduler, around.world, random);
    this.#outbox = new Outbox(this.link, this.payloads, around.scenario.admissionBytes);
    this.sharer = new Sharer(new SharingEnd(this), ledger, around.world);
    this.#transfers = new ClientTransfers(this, around, random);
    this.#kept = new KeptData(this, this.#transfers);
    this.link.open();
  }

  welcomed(_id: number, resumed: boolean): void {
    if (this.#began && !resumed) {
      // its session expired: every future is lost, and said to be
      this.#end("lost");
      this.link.close();
      return;
    }
    if (!this.#began) {
      this.#began = true;
      for (const burst of this.#bursts)
        this.around.world.after(burst.atUs - this.around.world.now, () => this.#submit(burst));
      return;
    }
    // an answer may have been lost with the former connection
    this.sharer.resumed();
    for (const future of this.futures.values()) if (future.locating) this.say({ t: "locate", n: future.n });
    for (const [id, { make }] of this.asked) this.say({ t: "ask", id, question: make() });
  }

  get isAlive(): boolean {
    return this.state === "alive";
  }

  cut(): void {}

  receive(packed: readonly Packed[]): void {
    for (const one of packed) this.#hearPacked(one);
  }

  #hearPacked(one: Packed): void {
    const early = "n" in one.message ? this.#reserved.get(one.message.n) : undefined;
    if (early !== undefined) early.push(one);
    else this.#hear(unpack(one, this.payloads) as SchedulerToClient);
  }

  /** Fetches whatever it keeps and has not fetched yet. */
  gatherAll(): void {
    for (const future of this.futures.values())
      if (!future.released && future.state === "done" && future.value === null && !makesActor(future.plan.spec))
        this.#locate(future);
  }

  /** Lets go of everything; `politely` future by future, and says goodbye. */
  leave(politely: boolean): void {
    if (this.state !== "alive") return;
    if (politely) {
      for (const future of this.futures.values()) this.#release(future);
      for (const run of this.#runs) if (run !== 0) this.say({ t: "closeRun", run: run as RunNumber, outcome: "done" });
    }
    this.say({ t: "goodbye" });
    this.#end("left");
    this.link.close();
  }

  crash(): void {
    if (this.state !== "alive") return;
    this.#end("lost");
    this.link.kill();
  }

  #end(how: "left" | "lost"): void {
    this.state = how;
    this.#kept.letGo(this.futures.values());
    this.#outbox.close();
  }

  /** `make` is called again when the question is asked again after a cut. */
  ask(question: Question | (() => Question), heard: Heard = () => {}): void {
    if (!this.#began || this.state !== "alive") return; // before its first welcome it cannot say anything
    const id = ++this.#lastQuestion;
    const make = typeof question === "function" ? question : () => question;
    const made = make();
    this.asked.set(id, { q: made.q, make, heard });
    this.say({ t: "ask", id, question: made });
  }

  /** A future of what another task gives, under a number of its own. */
  refer(plan: PlannedTask): ModelFuture {
    return this.#add(plan, true);
  }

  /** For a future of a task that an answer will tell. */
  reserve(): TaskNumber {
    const n = ++this.#lastNumber as TaskNumber;
    this.#reserved.set(n, []);
    return n;
  }

  /** The answer came: now what was said of it meanwhile makes sense. */
  redeem(n: TaskNumber, plan: PlannedTask): ModelFuture {
    const early = this.#reserved.get(n) ?? [];
    this.#reserved.delete(n);
    const future = newFuture(n, plan, true);
    this.futures.set(n, future);
    for (const one of early) this.#hearPacked(one);
    this.follow(future);
    return future;
  }

  /** There is no such task; or there was, and the answer that named it was lost. */
  waive(n: TaskNumber): void {
    this.#reserved.delete(n);
    this.#waived.add(n);
    this.say({ t: "release", n });
  }

  newRun = (): RunNumber => ++this.#lastFollowed as RunNumber;

  /** Under a new number, or under one from before; 0 when it cannot be said. Whoever asks hears the answer. */
  askAs(question: Question, id: number = ++this.#lastQuestion): number {
    if (!this.#began || this.state !== "alive") return 0;
    this.say({ t: "ask", id, question });
    return id;
  }

  say(message: ClientToScheduler): void {
    if (this.state === "alive") this.#outbox.say(message);
  }

  #submit(burst: PlannedBurst): void {
    if (this.state !== "alive") return;
    if (!this.#runs.has(burst.run)) openRun(this, burst);
    this.#runs.add(burst.run);
    tellDetails(this, burst);
    const fresh: ModelFuture[] = [];
    for (const plan of burst.tasks) {
      const future = this.#add(plan, false);
      const { n } = future;
      this.#numbers.set(plan.spec, n);
      if (plan.spec.kind === "scatter") this.#sendScatter(n, plan.spec);
      else this.#sendTask(n, plan.spec, burst.run as RunNumber);
      fresh.push(future);
    }
    for (const future of fresh) this.follow(future);
  }

  #add(plan: PlannedTask, shared: boolean): ModelFuture {
    const future = newFuture(++this.#lastNumber as TaskNumber, plan, shared);
    this.futures.set(future.n, future);
    return future;
  }

  follow(future: ModelFuture): void {
    const { releaseAfterUs, cancelAfterUs } = future.plan;
    if (releaseAfterUs !== null) this.around.world.after(releaseAfterUs, () => this.#release(future));
    if (cancelAfterUs === null) return;
    this.around.world.after(cancelAfterUs, () => {
      if (future.released || this.state !== "alive") return;
      future.cancelAsked = true;
      future.plan.spec.history.cancels++;
      this.say({ t: "cancel", n: future.n, reason: "the model wants so" });
    });
  }

  #sendTask(n: TaskNumber, spec: TaskSpec, run: RunNumber): void {
    for (const fn of [spec.fn, ...spec.functions]) this.#define(fn);
    this.say({
      t: "submit",
      n,
      fn: spec.fn as FunctionNumber,
      functions: spec.functions as FunctionNumber[],
      args: this.payloads.put({ is: "arguments", spec: spec.id }),
      argsBytes: 20,
      deps: spec.inputs.map((input) => this.#numbers.get(input) as TaskNumber),
      options: this.#optionsOf(spec),
      run,
      key: spec.key,
      fingerprint: spec.key === null ? null : `${spec.key}${spec.conflicts ? ", but other work" : ""}`,
    });
  }

  #define(fn: number): void {
    if (this.#functions.has(fn)) return;
    this.#functions.add(fn);
    const hash = `f${fn}`;
    const code = this.payloads.put({ is: "code", hash });
    this.say({ t: "function", fn: fn as FunctionNumber, hash, name: hash, code, codeBytes: 50 });
  }

  #optionsOf(spec: TaskSpec): OptionsNumber {
    const text = JSON.stringify(spec.options);
    const known = this.#options.get(text);
    if (known !== undefined) return known;
    const options = (this.#options.size + 1) as OptionsNumber;
    this.#options.set(text, options);
    this.say({ t: "options", options, data: spec.options });
    return options;
  }

  #sendScatter(n: TaskNumber, spec: TaskSpec): void {
    const { value, bytes, key, broadcast, kept } = spec;
    const data = bytes <= 4096 ? this.payloads.put({ is: "value", value, bytes }) : NO_PAYLOAD;
    this.say({ t: "scatter", n, key, fingerprint: key, name: "data", bytes, data, broadcast, workers: [], kept });
  }

  #release(future: ModelFuture): void {
    if (future.released || this.state !== "alive") return;
    if ((future.plan.spec.kind === "scatter" && future.state === "pending") || this.#kept.isNeeded(future)) {
      // scatter() is awaited: there is no future to let go of before the data is there
      future.releaseDue = true;
      return;
    }
    future.released = true;
    future.locating = false;
    this.#kept.letGo([future]);
    this.say({ t: "release", n: future.n });
    for (const data of this.#kept.due(future)) this.#release(data);
  }

  #locate(future: ModelFuture): void {
    if (future.locating) return;
    future.locating = true;
    this.say({ t: "locate", n: future.n });
  }

  #hear(message: SchedulerToClient): void {
    if (message.t === "answer") {
      if (!this.sharer.hears(message)) this.#answered(message);
      return;
    }
    if (message.t === "runProgress") {
      const { total, done, failed, cancelled } = message.counts;
      if (done + failed + cancelled > total) throw new Error(`${this.name} was told of more than all: ${total}`);
      return;
    }
    if (message.t === "credit") this.#outbox.credited(message.bytes);
    if (message.t === "placesWanted") tellPlaces(this, message.places);
    if (message.t === "credit" || message.t === "notice" || message.t === "log" || message.t === "placesWanted") return;
    if (this.#waived.has(message.n)) {
      freeIn(message, this.payloads);
      return;
    }
    const future = this.futures.get(message.n);
    if (future === undefined)
      throw new Error(`${this.name} was told "${message.t}" of ${message.n}, which it did not submit`);
    switch (message.t) {
      case "report": {
        const content = this.#take(message.data);
        if (content?.is !== "value" || content.value !== future.plan.spec.id)
          throw new Error(`${this.name} heard ${JSON.stringify(content)} of ${message.n}`);
        return;
      }
      case "done":
        this.#onDone(future, message.bytes, message.result);
        return;
      case "failed": {
        const { failure, failedKey } = message;
        const error = this.#take(failure.error);
        if (error !== null && error.is !== "error") throw new Error(`an error of ${future.n} is ${error.is}`);
        const code = failedKey === null ? (failure.code ?? failure.name) : "FLOCK_DEPENDENCY_FAILED";
        this.#onEnd(future, { state: "failed", code, message: failure.message, failedKey });
        return;
      }
      case "cancelled":
        this.#onEnd(future, { state: "cancelled", code: "FLOCK_CANCELLED", message: message.reason, failedKey: null });
        return;
      case "located":
        future.task = message.task;
        if (message.inline !== NO_PAYLOAD) this.got(future, this.#take(message.inline));
        else this.#transfers.fetch(future, message.task, message.holders);
        return;
      case "uploadTo":
        this.#kept.uploadTo(future, message.task, message.holders);
    }
  }

  #answered(answer: Answer): void {
    const { id, error } = answer;
    const content = this.#take(answer.data);
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if (id > this.#lastQuestion) throw new Error(`${this.name} was answered ${id}, and did not ask it`);
    if (asked === undefined) return; // once before a cut, and once after it
    if (error !== null && !innocent.has(error.code))
      throw new Error(`${this.name} was answered ${id} with ${error.message}`);
    if (error === null) this.answered.push(asked.q);
    asked.heard(answer, content);
  }

  #take(ref: number): Content | null {
    if (ref === NO_PAYLOAD) return null;
    const content = this.payloads.get(ref as typeof NO_PAYLOAD);
    this.payloads.free(ref as typeof NO_PAYLOAD);
    return content;
  }

  #onDone(future: ModelFuture, bytes: number, result: number): void {
    const content = this.#take(result);
    if (future.released) return;
    if (future.state === "failed" || future.state === "cancelled")
      throw new Error(`${this.name} was told that ${future.n} is done after it had ${future.state}`);
    future.state = "done";
    if (bytes !== future.plan.spec.bytes) throw new Error(`${this.name}: ${future.n} is said to have ${bytes} bytes`);
    if (content !== null) this.got(future, content);
    else if (future.plan.fetch && future.value === null) this.#locate(future);
    if (future.releaseDue) this.#release(future);
  }

  #onEnd(future: ModelFuture, end: FutureEnd): void {
    if (future.released) return;
    noteEnd(future, this.name, end);
    if (future.releaseDue) this.#release(future);
  }

  got(future: ModelFuture, content: Content | null): void {
    if (content?.is !== "value") throw new Error(`${this.name} got ${content?.is} for ${future.n}`);
    const { value, id } = future.plan.spec;
    if (content.value !== value) throw new Error(`${this.name} got ${content.value} for task ${id}, not ${value}`);
    future.value = content.value;
    future.locating = false;
  }
}
