// One run: the real scheduler machine and the real worker machines in a modelled world, judged by what the model allows.

import type { SessionId, TaskNumber, WorkerId } from "@taskflock/protocol/words";
import { FlockError } from "@taskflock/protocol/words";
import type { SchedulerConfig } from "@taskflock/scheduler/machine";
import { ClientProcess } from "./client-process.ts";
import { dataErrand, unpublishAll } from "./data-errands.ts";
import { equipmentErrand, unequipAll } from "./equipment-errands.ts";
import type { ModelLink } from "./link.ts";
import { judgeExecutions, judgeFutures } from "./oracle.ts";
import { mix, Random } from "./random.ts";
import { drawScenario, type Faults, noFaults, type Scenario } from "./scenario.ts";
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
  readonly restarted: boolean;
  /** Tasks that were begun a second time although nothing went wrong. */
  readonly doubled: number;
  /** Values that clients had of data that was published, also by others. */
  readonly sharedValues: number;
  /** Copies that were made because a client asked for them, and moves. */
  readonly copied: number;
  /** Of all machines at the end and of all that happened. */
  readonly digest: string;
  readonly shell: SchedulerShell;
  readonly config: SchedulerConfig;
}

export interface SimulationOptions {
  readonly tamper?: ShellOptions["tamper"];
}

/** More than any run needs; one that takes more goes round in circles. */
const EVENT_LIMIT = 600_000;

/** Throws when the run does what it must not; the error's message tells what, and where everybody stood. */
export function simulate(seed: number, options: SimulationOptions = {}): Report {
  const simulation = new Simulation(seed, options);
  try {
    return simulation.run();
  } catch (error) {
    throw new Error(simulation.describe(error), { cause: error });
  }
}

class Simulation implements WorkerSurroundings {
  readonly seed: number;
  readonly world = new World();
  readonly random: Random;
  readonly scheduler: SchedulerShell;
  readonly scenario: Scenario;
  readonly workers: WorkerProcess[] = [];
  readonly clients: ClientProcess[] = [];
  readonly ledger: SharedLedger = new SharedLedger((id) => this.scheduler.machine.sessions().includes(id as SessionId));
  #faults: Faults;
  #calm = false;
  /** A client restarted the cluster: whatever is there may have been cancelled. */
  restarted = false;

  constructor(seed: number, options: SimulationOptions) {
    this.seed = seed;
    this.random = new Random(mix(seed, 77));
    this.scenario = drawScenario(seed);
    this.#faults = this.scenario.faults;
    const shellOptions: ShellOptions = {
      clientPatienceUs: 200_000,
      workerPatienceUs: this.random.pick([5_000, 30_000, 300_000]),
      config: schedulerConfig(this.scenario),
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
    return this.scenario.faults !== noFaults;
  }

  run(): Report {
    for (const traits of this.scenario.workers) this.#startWorker(traits);
    for (const [i, bursts] of this.scenario.clients.entries())
      this.clients.push(new ClientProcess(`client${i}`, bursts, this, this.ledger));
    if (this.disturbed) this.#planFaults();
    for (const client of this.clients) this.#planQuestions(client);
    for (const client of this.clients) this.#planSharing(client);
    this.#go(this.scenario.activeUs);
    this.#calmDown();
    this.#go(Number.POSITIVE_INFINITY);
    for (const client of this.clients) if (client.state === "alive") client.gatherAll();
    this.#go(Number.POSITIVE_INFINITY);
    judgeFutures(this.clients, this);
    if (!this.disturbed) {
      judgeExecutions(this.clients, this.book.specs);
      const unanswered = this.clients.filter((client) => client.asked.size > 0);
      if (unanswered.length > 0)
        throw new Error(`${unanswered.map((c) => c.name).join()}: questions without an answer`);
    }
    this.#sweep();
    for (const client of this.clients) client.leave(this.random.chance(0.5));
    this.#go(Number.POSITIVE_INFINITY);
    const last = new ClientProcess("last", [], this, this.ledger);
    this.clients.push(last);
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

  reaches(reader: string, holder: string): boolean {
    if (reader === holder) return true;
    let hash = this.seed;
    for (const letter of `${reader}>${holder}`) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return (hash >>> 8) / 2 ** 24 >= this.scenario.apart;
  }

  transferTrouble(): number {
    return this.#faults.transfer;
  }

  spoilTrouble(): number {
    return this.#faults.spoil > 0 ? 0.02 : 0;
  }

  died(process: WorkerProcess, how: string): void {
    // its nanny says so, mostly, and starts another; always, once it is calm: some task may run under that name only
    if (this.random.chance(0.8))
      this.world.after(this.random.skewed(10, 10_000), () => this.scheduler.exited(process.link, how));
    if (this.#calm || this.random.chance(0.8))
      this.world.after(this.random.skewed(1_000, 60_000), () => this.#startWorker(process.traits));
  }

  startAgain({ traits }: WorkerProcess): void {
    this.world.after(this.random.skewed(1_000, 60_000), () => this.#startWorker(traits));
  }

  describe(error: unknown): string {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = [
      `seed ${this.seed}, at ${this.world.now} µs, step ${this.scheduler.steps} of the scheduler: ${text}`,
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
    return lines.join("\n");
  }

  #go(until: number): void {
    if (!this.world.run(until, EVENT_LIMIT)) throw new Error(`it does not come to an end: ${EVENT_LIMIT} events`);
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

  /** Something goes wrong, again and again, until the active time is over. */
  #planFaults(): void {
    const { random, scenario } = this;
    const repeat = (perMs: number, act: () => void): void => {
      if (perMs === 0) return;
      const next = (): void => {
        const wait = (-Math.log(1 - random.next()) / perMs) * 1000;
        if (this.world.now + wait > scenario.activeUs) return;
        this.world.after(wait, () => {
          act();
          next();
        });
      };
      next();
    };
    const { faults } = scenario;
    repeat(faults.cutClient, () => random.pick(this.clients).link.cut());
    repeat(faults.cutWorker, () => this.#anyWorker()?.link.cut());
    repeat(faults.killWorker, () => this.#anyWorker()?.die("SIGKILL"));
    repeat(faults.pauseWorker, () => this.#anyWorker()?.pause());
    repeat(faults.spoil, () => this.#anyWorker()?.spoil());
    repeat(faults.retireWorker, () => this.#retireOne());
    repeat(faults.joinWorker, () =>
      this.#startWorker({ ...random.pick(scenario.workers), name: `w${random.between(0, 6)}` }),
    );
    repeat(faults.restart, () => {
      this.restarted = true;
      random.pick(this.clients).ask({ q: "restart" });
    });
    repeat(faults.restartWorker, () => {
      const workers = this.#anyWorker()?.name ?? "w0";
      random.pick(this.clients).ask({ q: "restartWorkers", workers: [workers] });
    });
    repeat(faults.blockClient, () => this.#blockOne());
    repeat(faults.crashClient, () => random.pick(this.clients).crash());
  }

  #anyWorker(): WorkerProcess | null {
    const living = this.workers.filter((w) => w.state === "alive");
    return living.length === 0 ? null : this.random.pick(living);
  }

  #planQuestions(client: ClientProcess): void {
    const { random, scenario } = this;
    for (let i = random.skewed(1, 12) - 1; i > 0; i--)
      this.world.after(random.between(3_000, scenario.activeUs), () => dataErrand(client, this.book, random));
    for (let i = random.between(0, 2); i > 0; i--)
      this.world.after(random.between(3_000, scenario.activeUs), () => equipmentErrand(client, random));
    for (const question of [{ q: "ping" }, { q: "cluster" }, { q: "waitForWorkers", count: 1 }] as const)
      this.world.after(random.between(3_000, scenario.activeUs), () => client.ask(question));
    for (let i = random.between(0, 5); i > 0; i--) {
      const n = random.skewed(1, 300) as TaskNumber;
      const question = random.chance(0.5)
        ? ({ q: "why", n } as const)
        : ({ q: "whyKey", key: `${random.pick(["f1", "f2", "f3"])}-1-${n}` } as const);
      this.world.after(random.between(3_000, scenario.activeUs), () => client.ask(question));
    }
  }

  #planSharing(client: ClientProcess): void {
    const { random, scenario } = this;
    for (let i = random.skewed(1, 60) - 1; i > 0; i--)
      this.world.after(random.between(0, scenario.activeUs), () => client.sharer.act());
  }

  /** A last client empties the queues. */
  #sweep(): void {
    const sweeper = new ClientProcess("sweeper", [], this, this.ledger);
    this.clients.push(sweeper);
    this.#go(Number.POSITIVE_INFINITY);
    sweeper.sharer.sweep();
    this.#go(Number.POSITIVE_INFINITY);
    this.ledger.judge();
  }

  #retireOne(): void {
    const worker = this.#anyWorker();
    if (worker === null) return;
    const way = this.random.between(0, 2);
    if (way === 0) worker.wantsToRetire();
    else if (way === 1) this.scheduler.step({ e: "retireWorkers", workers: [worker.name] });
    else this.random.pick(this.clients).retire([worker.name]);
  }

  #blockOne(): void {
    const { link } = this.random.pick(this.clients);
    this.scheduler.setReading(link, false);
    this.world.after(this.random.skewed(100, 50_000), () => this.scheduler.setReading(link, true));
  }

  /** From now on nothing goes wrong. */
  #calmDown(): void {
    this.#faults = noFaults;
    this.#calm = true;
    this.#go(Number.POSITIVE_INFINITY);
    // what was said in worse times has arrived by now: nobody retires these any more
    const { workers } = this.scheduler.machine.clusterInfo();
    const working = new Set(workers.filter((w) => w.status === "running").map((w) => w.name));
    for (let i = 0; i < 5; i++) {
      if (this.disturbed || !working.has(`w${i}`))
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
    if (payloads.count > 0) throw new Error(`payloads are left at the scheduler: ${payloads.left()}`);
    for (const worker of info.workers) {
      const used = Object.values(worker.resourcesUsed).reduce((a, b) => a + b, 0);
      if (used + worker.assigned + worker.running + worker.stored + worker.storedBytes > 0)
        throw new Error(`the scheduler counts something at ${worker.name}: ${JSON.stringify(worker)}`);
    }
    const left = this.workers.flatMap((w) => w.leftOver());
    for (const client of this.clients)
      if (client.payloads.count > 0) left.push(`${client.name}: ${client.payloads.left()}`);
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
    const futures = this.clients.flatMap((client) => [...client.futures.values()]);
    const { seed, disturbed, restarted, scheduler } = this;
    return {
      seed,
      tasks: specs.length,
      computed,
      events: this.world.happened,
      disturbed,
      sharedValues: futures.filter(({ shared, value }) => shared && value !== null).length,
      copied: scheduler.machine.eventsSince(0, 100_000).filter(({ kind }) => kind === "copied").length,
      restarted,
      doubled: disturbed ? 0 : doubled.length,
      digest,
      shell: scheduler,
      config: schedulerConfig(this.scenario),
    };
  }
}
