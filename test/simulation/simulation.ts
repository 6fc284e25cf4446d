// One run: the real scheduler machine and the real worker machines in a modelled world, judged by what the model allows.

import type { SessionId, WorkerId } from "@taskflock/protocol/words";
import { FlockError } from "@taskflock/protocol/words";
import type { SchedulerConfig } from "@taskflock/scheduler/machine";
import { ClientProcess } from "./client-process.ts";
import { unpublishAll } from "./data-errands.ts";
import { unequipAll } from "./equipment-errands.ts";
import { doErrand } from "./errands.ts";
import type { FaultKind, PlannedFault } from "./faults.ts";
import type { ModelLink } from "./link.ts";
import type { PlannedBurst } from "./model-future.ts";
import { Network } from "./network.ts";
import { judgeExecutions, judgeFutures } from "./oracle.ts";
import { mix, Random } from "./random.ts";
import { drawScenario, type Scenario } from "./scenario.ts";
import { SchedulerShell, type ShellOptions, schedulerConfig } from "./scheduler-shell.ts";
import { SharedLedger } from "./sharer.ts";
import { WorkerProcess, type WorkerSurroundings, type WorkerTraits } from "./worker-process.ts";
import { World } from "./world.ts";

export interface Report {
  readonly seed: number;
  readonly tasks: number;
  readonly computed: number;
  readonly events: number;
  readonly disturbed: boolean;
  /** How often each thing happened that is to be tried. */
  readonly seen: Readonly<Record<string, number>>;
  /** Tasks that were begun a second time although nothing went wrong. */
  readonly doubled: number;
  /** Of all machines at the end and of all that happened. */
  readonly digest: string;
  readonly shell: SchedulerShell;
  readonly config: SchedulerConfig;
}

export interface SimulationOptions {
  readonly tamper?: ShellOptions["tamper"];
  /** Takes away from what was drawn. */
  readonly trim?: (scenario: Scenario) => Scenario;
}

/** More than any run needs; one that takes more goes round in circles. */
const EVENT_LIMIT = 600_000;
/** Of the event log, in the story of a run that failed. */
const EVENTS_SHOWN = 30;

/** Throws when the run does what it must not; the error's message tells what, and where everybody stood. */
export function simulate(seed: number, options: SimulationOptions = {}): Report {
  const drawn = drawScenario(seed);
  const simulation = new Simulation(options.trim?.(drawn) ?? drawn, options);
  try {
    return simulation.run();
  } catch (error) {
    throw new Error(simulation.describe(error), { cause: error });
  }
}

const faultsOfClients: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "cutClient",
  "abandonClient",
  "blockClient",
  "crashClient",
  "restart",
  "restartWorker",
]);

class Simulation implements WorkerSurroundings {
  readonly scenario: Scenario;
  readonly world = new World();
  readonly random: Random;
  readonly scheduler: SchedulerShell;
  readonly network: Network;
  readonly workers: WorkerProcess[] = [];
  readonly clients: ClientProcess[] = [];
  readonly ledger: SharedLedger = new SharedLedger((id) => this.scheduler.machine.sessions().includes(id as SessionId));
  readonly #counts = new Map<string, number>();
  readonly #faultsDone = new Map<FaultKind, number>();
  #midway = 0;
  #calm = false;
  /** A client restarted the cluster: whatever is there may have been cancelled. */
  restarted = false;

  constructor(scenario: Scenario, options: SimulationOptions) {
    const { seed, clientPatienceUs, workerPatienceUs } = scenario;
    this.scenario = scenario;
    this.random = new Random(mix(seed, 77));
    this.network = new Network(this.world, seed, scenario.apart);
    const shellOptions: ShellOptions = {
      clientPatienceUs,
      workerPatienceUs,
      config: schedulerConfig(scenario),
      onWorkerLost: (id, assigned) => this.#noteLoss(id, assigned),
      tamper: options.tamper,
    };
    this.scheduler = new SchedulerShell(this.world, shellOptions, (link) => this.#helloOf(link));
  }

  get book(): Scenario["book"] {
    return this.scenario.book;
  }

  get crowded(): boolean {
    return this.scenario.admissionBytes < 2 ** 20;
  }

  get disturbed(): boolean {
    return this.scenario.disturbed;
  }

  run(): Report {
    for (const traits of this.scenario.workers) this.#startWorker(traits);
    for (const { name, bursts } of this.scenario.clients) this.#startClient(name, bursts);
    for (const fault of this.scenario.faults) this.world.after(fault.atUs, () => this.#goWrong(fault));
    for (const errand of this.scenario.errands)
      this.world.after(errand.atUs, () => {
        const client = this.clientNamed(errand.client);
        if (client !== null) doErrand(client, errand, this.book);
      });
    this.#go(this.scenario.activeUs);
    this.#calmDown();
    this.#go(Number.POSITIVE_INFINITY);
    for (const client of this.clients) if (client.state === "alive") client.gatherAll();
    this.#go(Number.POSITIVE_INFINITY);
    judgeFutures(this.clients, this);
    if (!this.disturbed) {
      judgeExecutions(this.clients, this.book.specs);
      const unanswered = this.clients.flatMap(({ asked }) => [...asked.values()].map(({ q }) => q));
      if (unanswered.length > 0) throw new Error(`questions without an answer: ${unanswered.join()}`);
    }
    this.#sweep();
    for (const client of this.clients) client.leave(this.random.chance(0.5));
    this.#go(Number.POSITIVE_INFINITY);
    const last = this.#startClient("last", []);
    this.#go(Number.POSITIVE_INFINITY);
    unpublishAll(last);
    unequipAll(last);
    this.#go(Number.POSITIVE_INFINITY);
    last.leave(true);
    this.#go(Number.POSITIVE_INFINITY);
    this.#judgeLeftOver();
    return this.#report();
  }

  workerAt(id: WorkerId): WorkerProcess | null {
    return this.workers.find((w) => w.id === id && w.state === "alive") ?? null;
  }

  clientNamed(name: string): ClientProcess | null {
    return this.clients.find((client) => client.name === name) ?? null;
  }

  randomOf(name: string): Random {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return new Random(mix(this.scenario.seed, count, ...[...name].map((letter) => letter.codePointAt(0) ?? 0)));
  }

  transferTrouble(): number {
    return this.#calm ? 0 : this.scenario.transferTrouble;
  }

  spoilTrouble(): number {
    return this.#calm ? 0 : this.scenario.spoilTrouble;
  }

  lostMidway(): void {
    this.#midway++;
  }

  died(process: WorkerProcess, how: string): void {
    const { random, traits, link } = process;
    // Its nanny says so, mostly, and starts another; always, once it is calm: some task may run under that name only.
    const says = random.skewed(10, 10_000);
    if (this.#calm || random.chance(0.8)) this.world.after(says, () => this.scheduler.exited(link, how));
    if (this.#calm || random.chance(0.8))
      this.world.after(says + random.skewed(1_000, 50_000), () => this.#startWorker(traits));
  }

  startAgain({ traits, random }: WorkerProcess): void {
    this.world.after(random.skewed(1_000, 60_000), () => this.#startWorker(traits));
  }

  describe(error: unknown): string {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = [
      `seed ${this.scenario.seed}, at ${this.world.now} µs, step ${this.scheduler.steps} of the scheduler: ${text}`,
    ];
    if (error instanceof FlockError) return lines.join("\n");
    for (const client of this.clients) {
      for (const future of client.futures.values()) {
        if (future.state !== "pending" || future.released || client.state !== "alive" || lines.length > 40) continue;
        lines.push(`${client.name} waits for ${future.n}: task ${future.plan.spec.id}`);
        for (const l of this.scheduler.storyOf(client.link, future.n))
          lines.push(`    ${l.at} #${l.cause} ${l.from} -> ${l.to} ${l.detail}`);
      }
    }
    const { tasks, workers } = this.scheduler.machine.clusterInfo();
    lines.push(JSON.stringify(tasks));
    for (const w of workers)
      lines.push(
        `${w.name} (${w.worker}) ${w.status}: ${w.assigned} assigned, ${w.running} running, ${w.stored} stored`,
      );
    for (const { at, kind, who, text } of this.scheduler.machine.eventsSince(0, 100_000).slice(-EVENTS_SHOWN))
      lines.push(`${at} ${kind} ${who}: ${text}`);
    return lines.join("\n");
  }

  #go(until: number): void {
    if (!this.world.run(until, EVENT_LIMIT)) throw new Error(`it does not come to an end: ${EVENT_LIMIT} events`);
  }

  #startClient(name: string, bursts: readonly PlannedBurst[]): ClientProcess {
    const client = new ClientProcess(name, bursts, this, this.ledger);
    this.clients.push(client);
    return client;
  }

  #startWorker(traits: WorkerTraits): void {
    this.workers.push(new WorkerProcess(traits, this));
  }

  #helloOf(link: ModelLink): ReturnType<WorkerProcess["hello"]> {
    const worker = this.workers.find((w) => w.link === link);
    if (worker === undefined) throw new Error("a hello of nobody");
    return worker.hello();
  }

  #noteLoss(id: WorkerId, assigned: ReadonlySet<number>): void {
    for (const spec of assigned) this.book.get(spec).history.suspected++;
    const worker = this.workers.find((w) => w.id === id);
    if (worker === undefined) return;
    for (const spec of worker.given) this.book.get(spec).history.losses++;
  }

  #goWrong({ kind, roll }: PlannedFault): void {
    const random = new Random(roll);
    this.#faultsDone.set(kind, (this.#faultsDone.get(kind) ?? 0) + 1);
    const living = this.workers.filter((w) => w.state === "alive");
    const worker = living.length === 0 ? null : random.pick(living);
    const client = this.clients.length === 0 ? null : random.pick(this.clients);
    if (kind === "split") this.network.split([...this.clients, ...living], random);
    else if (kind === "joinWorker") this.#joinOne(random);
    else if (client !== null && faultsOfClients.has(kind)) this.#goWrongAtClient(kind, client, worker, random);
    else if (worker !== null) this.#goWrongAtWorker(kind, worker, client, random);
  }

  #goWrongAtClient(kind: FaultKind, client: ClientProcess, worker: WorkerProcess | null, random: Random): void {
    if (kind === "cutClient") client.link.cut();
    else if (kind === "abandonClient") client.link.abandon();
    else if (kind === "crashClient") client.crash();
    else if (kind === "restartWorker") client.ask({ q: "restartWorkers", workers: [worker?.name ?? "w0"] });
    else if (kind === "restart") {
      this.restarted = true;
      client.ask({ q: "restart" });
    } else {
      this.scheduler.setReading(client.link, false);
      this.world.after(random.skewed(100, 50_000), () => this.scheduler.setReading(client.link, true));
    }
  }

  #goWrongAtWorker(kind: FaultKind, worker: WorkerProcess, client: ClientProcess | null, random: Random): void {
    if (kind === "cutWorker") worker.link.cut();
    else if (kind === "abandonWorker") worker.link.abandon();
    else if (kind === "killWorker") worker.die("SIGKILL");
    else if (kind === "pauseWorker") worker.pause(random.skewed(100, 50_000));
    else if (kind === "spoil") worker.spoil();
    else if (kind === "retireWorker") {
      const way = random.between(0, 2);
      if (way === 0) worker.wantsToRetire();
      else if (way === 1) this.scheduler.step({ e: "retireWorkers", workers: [worker.name] });
      else client?.ask({ q: "retire", workers: [worker.name] });
    }
  }

  #joinOne(random: Random): void {
    if (this.scenario.workers.length > 0)
      this.#startWorker({ ...random.pick(this.scenario.workers), name: `w${random.between(0, 6)}` });
  }

  /** A last client empties the queues. */
  #sweep(): void {
    const sweeper = this.#startClient("sweeper", []);
    this.#go(Number.POSITIVE_INFINITY);
    sweeper.sharer.sweep();
    this.#go(Number.POSITIVE_INFINITY);
    this.ledger.judge();
  }

  /** From now on nothing goes wrong. */
  #calmDown(): void {
    this.#calm = true;
    this.#go(Number.POSITIVE_INFINITY);
    // What was said in worse times has arrived by now: nobody retires these any more.
    this.#startMissing(this.disturbed);
    this.#go(Number.POSITIVE_INFINITY);
    // A name is taken as long as whoever had it hands over what it holds.
    this.#startMissing(false);
  }

  #startMissing(always: boolean): void {
    const { workers } = this.scheduler.machine.clusterInfo();
    const working = new Set(workers.filter((w) => w.status === "running").map((w) => w.name));
    for (let i = 0; i < 5; i++) {
      if (always || !working.has(`w${i}`))
        this.#startWorker({ name: `w${i}`, slots: 2, resources: { GPU: 10_000, ROOM: 10_000_000 } });
    }
  }

  #judgeLeftOver(): void {
    const { machine, payloads } = this.scheduler;
    machine.checkInvariants("all");
    const info = machine.clusterInfo();
    const tasks = Object.values(info.tasks).reduce((a, b) => a + b, 0);
    if (tasks + info.sessions + info.functions + info.runs.length > 0)
      throw new Error("the scheduler has not forgotten everything");
    if (payloads.count > machine.rememberedErrors())
      throw new Error(`payloads are left at the scheduler: ${payloads.left()}`);
    for (const worker of info.workers) {
      const used = Object.values(worker.resourcesUsed).reduce((a, b) => a + b, 0);
      if (used + worker.assigned + worker.running + worker.stored + worker.storedBytes > 0)
        throw new Error(`the scheduler counts something at ${worker.name}: ${JSON.stringify(worker)}`);
    }
    const left = this.workers.flatMap((w) => w.leftOver());
    for (const client of this.clients)
      if (client.payloads.count > 0 && client.state !== "lost") left.push(`${client.name}: ${client.payloads.left()}`);
    for (const worker of this.workers) if (worker.state === "alive") worker.machine.checkInvariants();
    if (left.length > 0) throw new Error(`something is left:\n${left.join("\n")}`);
  }

  #report(): Report {
    const digests = [this.scheduler.machine.digest(), ...this.workers.map((w) => w.machine.digest())];
    const text = `${digests.join()} ${this.world.happened} ${this.world.now}`;
    const digest = mix(...[...text].map((c) => c.charCodeAt(0))).toString(16);
    const { specs } = this.book;
    const computed = specs.reduce((sum, spec) => sum + spec.history.begun, 0);
    const doubled = specs.filter(
      ({ options, history: h }) => options.speculate && h.begun > 1 + h.threw + h.interrupted,
    );
    const { disturbed, scheduler } = this;
    const { seed } = this.scenario;
    return {
      seed,
      tasks: specs.length,
      computed,
      events: this.world.happened,
      disturbed,
      seen: this.#seen(),
      doubled: disturbed ? 0 : doubled.length,
      digest,
      shell: scheduler,
      config: schedulerConfig(this.scenario),
    };
  }

  /** How often what took part took part. */
  #seen(): Record<string, number> {
    const futures = this.clients.flatMap((client) => [...client.futures.values()]);
    const logged: Record<string, number> = {};
    for (const { kind } of this.scheduler.machine.eventsSince(0, 100_000))
      logged[`event ${kind}`] = (logged[`event ${kind}`] ?? 0) + 1;
    for (const q of this.clients.flatMap(({ answered }) => answered))
      logged[`ask ${q}`] = (logged[`ask ${q}`] ?? 0) + 1;
    return {
      ...logged,
      ...this.scheduler.seen,
      ...this.ledger.seen,
      ...Object.fromEntries([...this.#faultsDone].map(([kind, count]) => [`fault ${kind}`, count])),
      sharedValues: futures.filter(({ shared, value }) => shared && value !== null).length,
      attachedValues: futures.filter(({ attached, value }) => attached && value !== null).length,
      lostMidway: this.#midway,
    };
  }
}
