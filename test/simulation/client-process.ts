// A modelled client: submits what its plan says, keeps futures, fetches results, lets go, and remembers what it was told.

import type {
  Answer,
  ClientToScheduler,
  FunctionNumber,
  Holder,
  OptionsNumber,
  Question,
  RunNumber,
  SchedulerToClient,
  TaskId,
  TaskNumber,
} from "@taskflock/protocol/words";
import { isRelayed, NO_PAYLOAD } from "@taskflock/protocol/words";
import { ModelLink, type PeerEnd } from "./link.ts";
import { type ModelFuture, newFuture, type PlannedBurst, type PlannedTask } from "./model-future.ts";
import { type ClientSurroundings, Outbox } from "./outbox.ts";
import type { Content, Packed } from "./payloads.ts";
import { PayloadTable, unpack } from "./payloads.ts";
import { type SharedLedger, Sharer } from "./sharer.ts";
import { SharingEnd } from "./sharing-end.ts";
import { makesActor, type TaskSpec } from "./tasks.ts";

type Heard = (answer: Answer, content: Content | null) => void;
interface Asked {
  readonly make: () => Question;
  readonly heard: Heard;
}

/** What is answered of workers that have left, of tasks that were released or are yet to come, and of names that others use. */
const innocent: ReadonlySet<string> = new Set([
  ...["FLOCK_WORKER_UNKNOWN", "FLOCK_TASK_UNKNOWN", "FLOCK_DATASET_UNKNOWN", "FLOCK_DATASET_EXISTS"],
  ...["FLOCK_PLUGIN_EXISTS", "FLOCK_PLUGIN_UNKNOWN", "FLOCK_PLUGIN_FAILED", "FLOCK_FILE_UNKNOWN", "FLOCK_FILE_FAILED"],
]);

export class ClientProcess implements PeerEnd {
  readonly name: string;
  readonly link: ModelLink;
  readonly payloads: PayloadTable;
  readonly futures = new Map<number, ModelFuture>();
  /** Questions without an answer so far. */
  readonly asked = new Map<number, Asked>();
  state: "alive" | "left" | "lost" = "alive";
  readonly sharer: Sharer;
  readonly #around: ClientSurroundings;
  readonly #bursts: readonly PlannedBurst[];
  readonly #numbers = new Map<TaskSpec, TaskNumber>();
  readonly #functions = new Set<number>();
  readonly #options = new Map<string, OptionsNumber>();
  readonly #runs = new Set<number>([0]);
  readonly #outbox: Outbox;
  #began = false;
  #lastNumber = 0;
  #lastQuestion = 0;

  constructor(name: string, bursts: readonly PlannedBurst[], around: ClientSurroundings, ledger: SharedLedger) {
    this.name = name;
    this.#bursts = bursts;
    this.#around = around;
    this.payloads = new PayloadTable(name);
    this.link = new ModelLink("client", this, around.scheduler, around.world, around.random);
    this.#outbox = new Outbox(this.link, this.payloads, around.scenario.admissionBytes);
    this.sharer = new Sharer(new SharingEnd(this), ledger, around.world, around.random);
    this.link.open();
  }

  welcomed(_id: number, resumed: boolean): void {
    if (this.#began && !resumed) {
      // its session expired: every future it has is lost, and it is told so
      this.#end("lost");
      this.link.close();
      return;
    }
    if (!this.#began) {
      this.#began = true;
      for (const burst of this.#bursts)
        this.#around.world.after(burst.atUs - this.#around.world.now, () => this.#submit(burst));
      return;
    }
    // an answer may have been lost with the former connection
    this.sharer.resumed();
    for (const future of this.futures.values()) if (future.locating) this.#say({ t: "locate", n: future.n });
    for (const [id, { make }] of this.asked) this.#say({ t: "ask", id, question: make() });
  }

  cut(): void {}

  receive(packed: readonly Packed[]): void {
    for (const one of packed) this.#hear(unpack(one, this.payloads) as SchedulerToClient);
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
      for (const run of this.#runs) if (run !== 0) this.#say({ t: "closeRun", run: run as RunNumber, outcome: "done" });
    }
    this.#say({ t: "goodbye" });
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
    this.#outbox.close();
  }

  retire(names: readonly string[]): void {
    this.ask({ q: "retire", workers: names });
  }

  /** `make` is called again when the question is asked again after a cut. */
  ask(question: Question | (() => Question), heard: Heard = () => {}): void {
    // before its first welcome a client cannot say anything
    if (!this.#began || this.state !== "alive") return;
    const id = ++this.#lastQuestion;
    const make = typeof question === "function" ? question : () => question;
    this.asked.set(id, { make, heard });
    this.#say({ t: "ask", id, question: make() });
  }

  /** A future of what another task gives, under a number of its own. */
  refer(plan: PlannedTask): ModelFuture {
    return this.#add(plan, true);
  }

  /** A future that turned out not to be: the scheduler was told nothing of it. */
  forget(future: ModelFuture): void {
    future.released = true;
  }

  follow(future: ModelFuture): void {
    this.#followPlan(future);
  }

  /** Under a new number, or under one from before; 0 when it cannot be said. Whoever asks hears the answer. */
  askAs(question: Question, id: number = ++this.#lastQuestion): number {
    if (!this.#began || this.state !== "alive") return 0;
    this.#say({ t: "ask", id, question });
    return id;
  }

  #say(message: ClientToScheduler): void {
    if (this.state === "alive") this.#outbox.say(message);
  }

  #submit(burst: PlannedBurst): void {
    if (this.state !== "alive") return;
    if (!this.#runs.has(burst.run)) {
      this.#runs.add(burst.run);
      const { run, keepMs } = burst;
      this.#say({ t: "openRun", run: run as RunNumber, name: `run ${run}`, weight: run, steps: 0, keepMs });
    }
    const fresh: ModelFuture[] = [];
    for (const plan of burst.tasks) {
      const future = this.#add(plan, false);
      const { n } = future;
      this.#numbers.set(plan.spec, n);
      if (plan.spec.kind === "scatter") this.#sendScatter(n, plan.spec);
      else this.#sendTask(n, plan.spec, burst.run as RunNumber);
      fresh.push(future);
    }
    for (const future of fresh) this.#followPlan(future);
  }

  #add(plan: PlannedTask, shared: boolean): ModelFuture {
    const future = newFuture(++this.#lastNumber as TaskNumber, plan, shared);
    this.futures.set(future.n, future);
    return future;
  }

  #followPlan(future: ModelFuture): void {
    const { releaseAfterUs, cancelAfterUs } = future.plan;
    if (releaseAfterUs !== null) this.#around.world.after(releaseAfterUs, () => this.#release(future));
    if (cancelAfterUs === null) return;
    this.#around.world.after(cancelAfterUs, () => {
      if (future.released || this.state !== "alive") return;
      future.cancelAsked = true;
      future.plan.spec.history.cancels++;
      this.#say({ t: "cancel", n: future.n, reason: "the model wants so" });
    });
  }

  #sendTask(n: TaskNumber, spec: TaskSpec, run: RunNumber): void {
    for (const fn of [spec.fn, ...spec.functions]) this.#define(fn);
    this.#say({
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
    this.#say({ t: "function", fn: fn as FunctionNumber, hash, name: hash, code, codeBytes: 50 });
  }

  #optionsOf(spec: TaskSpec): OptionsNumber {
    const text = JSON.stringify(spec.options);
    const known = this.#options.get(text);
    if (known !== undefined) return known;
    const options = (this.#options.size + 1) as OptionsNumber;
    this.#options.set(text, options);
    this.#say({ t: "options", options, data: spec.options });
    return options;
  }

  #sendScatter(n: TaskNumber, spec: TaskSpec): void {
    const { value, bytes, key, broadcast } = spec;
    const data = bytes <= 4096 ? this.payloads.put({ is: "value", value, bytes }) : NO_PAYLOAD;
    this.#say({ t: "scatter", n, key, fingerprint: key, name: "data", bytes, data, broadcast, workers: [] });
  }

  #release(future: ModelFuture): void {
    if (future.released || this.state !== "alive") return;
    if (future.plan.spec.kind === "scatter" && future.state === "pending") {
      // scatter() is awaited: there is no future to let go of before the data is there
      future.releaseDue = true;
      return;
    }
    future.released = true;
    future.locating = false;
    this.#say({ t: "release", n: future.n });
  }

  #locate(future: ModelFuture): void {
    if (future.locating) return;
    future.locating = true;
    this.#say({ t: "locate", n: future.n });
  }

  #hear(message: SchedulerToClient): void {
    if (message.t === "answer") {
      if (!this.sharer.hears(message)) this.#answered(message);
      return;
    }
    if (message.t === "credit") this.#outbox.credited(message.bytes);
    if (message.t === "credit" || message.t === "notice" || message.t === "runProgress" || message.t === "log") return;
    const future = this.futures.get(message.n);
    if (future === undefined)
      throw new Error(`${this.name} was told "${message.t}" of ${message.n}, which it did not submit`);
    switch (message.t) {
      case "done":
        this.#onDone(future, message.bytes, message.result);
        return;
      case "failed": {
        const { failure, failedKey } = message;
        const error = this.#take(failure.error);
        if (error !== null && error.is !== "error") throw new Error(`an error of ${future.n} is ${error.is}`);
        const code = failedKey === null ? (failure.code ?? failure.name) : "FLOCK_DEPENDENCY_FAILED";
        this.#onEnd(future, "failed", code, failure.message, failedKey);
        return;
      }
      case "cancelled":
        this.#onEnd(future, "cancelled", "FLOCK_CANCELLED", message.reason, null);
        return;
      case "located":
        future.task = message.task;
        if (message.inline !== NO_PAYLOAD) this.#gotBytes(future, this.#take(message.inline));
        else this.#fetch(future, message.task, message.holders);
        return;
      case "uploadTo":
        future.task = message.task;
        for (const holder of message.holders) this.#upload(future, message.task, holder);
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
    if (content !== null) this.#gotBytes(future, content);
    else if (future.plan.fetch && future.value === null) this.#locate(future);
    if (future.releaseDue) this.#release(future);
  }

  #onEnd(
    future: ModelFuture,
    state: "failed" | "cancelled",
    code: string,
    message: string,
    failedKey: string | null,
  ): void {
    if (future.released) return;
    if (future.state === "done") {
      // said to be done, and lost since: only who asks for the bytes learns it
      future.lostTo = code;
      future.locating = false;
      future.failedKey = failedKey;
      return;
    }
    if (future.state !== "pending" && (future.state !== state || future.code !== code))
      throw new Error(`${this.name} was told two ends of ${future.n}: ${future.code}, then ${code}`);
    future.state = state;
    future.code = code;
    future.message = message;
    future.failedKey = failedKey;
    if (future.releaseDue) this.#release(future);
  }

  #gotBytes(future: ModelFuture, content: Content | null): void {
    if (content?.is !== "value") throw new Error(`${this.name} got ${content?.is} for ${future.n}`);
    const { value, id } = future.plan.spec;
    if (content.value !== value) throw new Error(`${this.name} got ${content.value} for task ${id}, not ${value}`);
    future.value = content.value;
    future.locating = false;
  }

  /** Tries the holders one after the other. */
  #fetch(future: ModelFuture, task: TaskId, holders: readonly Holder[]): void {
    const [holder, ...others] = holders;
    if (holder === undefined || future.released || future.value !== null) return;
    this.#around.world.after(this.#around.random.skewed(50, 20_000), () => {
      if (this.state !== "alive" || future.released || future.value !== null) return;
      const peer = this.#around.workerAt(holder.worker);
      const apart = peer !== null && !this.#reaches(holder, peer.name);
      const content = apart ? null : (peer?.arena.serve(task) ?? null);
      if (content !== null && !this.#around.random.chance(this.#around.transferTrouble())) {
        this.#gotBytes(future, content);
      } else if (others.length > 0) this.#fetch(future, task, others);
      else
        this.#say({
          t: "unavailable",
          n: future.n,
          holder: holder.worker,
          version: holder.version,
          why: apart ? "unreachable" : "gone",
        });
    });
  }

  #reaches(holder: Holder, name: string): boolean {
    return isRelayed(holder.address) || this.#around.reaches(this.name, name);
  }

  /** The receiver may learn of it much later than the client does, so it is tried as long as there is no outcome. */
  #upload(future: ModelFuture, task: TaskId, holder: Holder): void {
    this.#around.world.after(this.#around.random.skewed(100, 10_000), () => {
      if (this.state !== "alive" || future.released || future.state !== "pending") return;
      const { value, bytes } = future.plan.spec;
      const worker = this.#around.workerAt(holder.worker);
      if (worker !== null && !this.#reaches(holder, worker.name)) {
        this.#say({ t: "unavailable", n: future.n, holder: holder.worker, version: 0, why: "unreachable" });
        return;
      }
      const done = worker?.upload(task, { is: "value", value, bytes }) ?? false;
      if (!done && worker !== null) this.#upload(future, task, holder);
    });
  }
}
