// Puts a worker together: machine, slots, arena, peer port and the link to the scheduler.
import { join } from "node:path";
import {
  BulkClient,
  BulkServer,
  FlockError,
  isFlockError,
  openRelay,
  PayloadStore,
  type PeerAccess,
  peerAccess,
  SchedulerLink,
  type WorkerId,
} from "@taskflock/protocol";
import { Arena } from "./arena.ts";
import { WorkerEquipment } from "./equipment.ts";
import { WorkerFiles } from "./files.ts";
import { FunctionLibrary } from "./function-library.ts";
import { assetFolderOf } from "./functions/assets.ts";
import { TensorsTable } from "./gpus/tensors-table.ts";
import { GpuWatch } from "./gpus/watch.ts";
import { Groups } from "./groups/groups.ts";
import { HEARTBEAT_MS, Metrics } from "./heartbeat.ts";
import { defaultWorkerConfig, WorkerMachine } from "./machine/index.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { type CompleteWorkerOptions, completeOptions, helloOf, MAX_TIMER_MS, type WorkerOptions } from "./options.ts";
import { PlannedStop } from "./planned-stop.ts";
import { Profiles } from "./profiles.ts";
import { WorkerShell } from "./shell.ts";
import { Slots } from "./slots/slots.ts";
import { LandingGround } from "./spill/landing.ts";
import { removeStaleFolders, SpillFolder } from "./spill/spill-folder.ts";
import type { SpotPlan } from "./spot/notices.ts";
import { realClock, SpotWatch } from "./spot/watch.ts";
import { Store } from "./store.ts";
import { toldLogger } from "./told-logger.ts";
import { Transfers } from "./transfers.ts";

export interface WorkerExit {
  /**
   * `left`: the scheduler let it go. `deadline`: a planned stop took too long. `gone`: the scheduler is lost, or refuses it.
   * `failed`: a defect. `closed`: `close()` was called.
   */
  readonly how: "left" | "deadline" | "gone" | "failed" | "closed";
  /** Null for `left` and `closed`, and for the deadline that a spot notice set. */
  readonly error: FlockError | null;
  /** The worker asks to be started again: it failed, or native code holds one of its threads. The process may not end by itself. */
  readonly restart: boolean;
}

export interface RunningWorker {
  /** The name in use. */
  readonly name: string;
  /** host:port where its data is fetched. */
  readonly peerAddress: string;
  /** Resolves when the worker has ended, however; never rejects. */
  readonly done: Promise<WorkerExit>;
  /** Planned stop: the scheduler lets it finish what runs and hand over its data. Ends by `done`. */
  retire(reason: string): void;
  /** Ends it now. What runs here counts as lost. */
  close(): Promise<void>;
}

/** Resolves when the scheduler has welcomed the worker; rejects coded when it cannot be reached or refuses. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const worker = new Worker(completeOptions(options));
  try {
    await worker.start();
  } catch (error) {
    await worker.end({ how: "failed", error: asFlockError(error), restart: false });
    throw error;
  }
  return worker;
}

type Link = SchedulerLink<"worker", "toWorker">;

/** Share of the memory limit that transfers may take at a time, of what goes to files because the arena has no room. */
const LANDING_SHARE = 0.1;
/** How long a worker that is to stop waits for a scheduler that is away, milliseconds. */
const LONELY_MS = 2_000;

class Worker implements RunningWorker {
  readonly done: Promise<WorkerExit>;
  peerAddress = "";
  readonly #options: CompleteWorkerOptions;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #arena: Arena;
  readonly #store: Store;
  readonly #functions: FunctionLibrary = new FunctionLibrary();
  readonly #profiles: Profiles;
  readonly #metrics: Metrics;
  readonly #gpuWatch: GpuWatch;
  readonly #tensors: TensorsTable = new TensorsTable({
    print: (line) => this.#options.logger.info(line),
    tell: (tensors) => this.#link?.send({ t: "tensors", tensors }),
  });
  readonly #watch: MemoryWatch;
  readonly #machine: WorkerMachine;
  readonly #shell: WorkerShell;
  readonly #slots: Slots;
  readonly #bulk: BulkClient;
  readonly #groups: Groups;
  readonly #transfers: Transfers;
  readonly #peerAccess: PeerAccess = peerAccess(() => this.#link?.welcome);
  #resolveDone: (exit: WorkerExit) => void = () => undefined;
  #link: Link | null = null;
  #server: BulkServer | null = null;
  #up = false;
  #heartbeat: NodeJS.Timeout | null = null;
  readonly #stop: PlannedStop = new PlannedStop();
  /** It does not wait for a scheduler that is away. */
  #hurries = false;
  #lifetime: NodeJS.Timeout | null = null;
  #spot: SpotWatch | null = null;
  #restart = false;
  /** Its machine ends: whoever asks, it is not started again. */
  #isLast = false;
  #ending: Promise<void> | null = null;

  constructor(options: CompleteWorkerOptions) {
    this.#options = { ...options, logger: toldLogger(options.logger, (line) => this.#shell.ownLine(line)) };
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.#arena = new Arena({ limitBytes: options.arenaLimitBytes });
    const { incarnation, logger, spillDirectory } = options;
    const folder = spillDirectory === null ? null : new SpillFolder(spillDirectory, incarnation);
    this.#store = new Store(this.#arena, {
      folder,
      onTrouble: (error) => logger.warn({ err: error }, "a result could not be moved to a file, and stays in memory"),
    });
    this.#watch = new MemoryWatch(options, {
      mayGrow: (may) => {
        this.#arena.mayGrow = may;
      },
      pausing: (paused, reason) => this.#shell.pausing(paused, reason),
    });
    this.#bulk = new BulkClient({ ...this.#peerAccess, scheduler: options });
    this.#gpuWatch = new GpuWatch(options.gpus, logger);
    this.#metrics = new Metrics(this.#arena, this.#store, this.#bulk.counts, this.#gpuWatch);
    this.#groups = new Groups(this.#bulk, {
      address: () => this.#advertised,
      worker: () => (this.#link?.welcome.id ?? 0) as WorkerId,
    });
    this.#shell = this.#newShell();
    const ground = new LandingGround(this.#arena, this.#store, options.memoryLimitBytes * LANDING_SHARE);
    this.#transfers = new Transfers(ground, this.#bulk, this.#shell);
    // Where results go to files, uploaded files lie beside them; else beside those that come along with functions.
    const filesFolder = join(folder?.path ?? assetFolderOf(incarnation), "files");
    this.#slots = new Slots(
      {
        ...this.#options,
        ...{ spillFolder: folder?.path ?? "", filesFolder },
        devices: options.gpus.map(({ device }) => device),
      },
      {
        arena: this.#arena,
        store: this.#store,
        payloads: this.#payloads,
        functions: this.#functions,
        groups: this.#groups,
        events: this.#shell,
        tensorsLoaded: (tensors) => this.#tensors.add(tensors),
        logger: this.#options.logger,
      },
    );
    this.#profiles = new Profiles(this.#payloads, this.#slots);
    const machine = new WorkerMachine(
      { ...defaultWorkerConfig, slots: options.slots, devices: options.gpus.length },
      this.#shell,
    );
    this.#machine = machine;
    const equipment = new WorkerEquipment({
      ...{ payloads: this.#payloads, functions: this.#functions, plugins: this.#slots.plugins, logger },
      files: new WorkerFiles(filesFolder, () => folder?.make()),
      equipped: (...said) => this.#shell.equipped(...said),
    });
    this.#shell.use({ machine, slots: this.#slots, transfers: this.#transfers, equipment });
  }

  get name(): string {
    return this.#link?.welcome.name ?? this.#options.name;
  }

  async start(): Promise<void> {
    const { logger, peerHost, peerPort, spillDirectory } = this.#options;
    if (spillDirectory !== null) {
      const folders = removeStaleFolders(spillDirectory);
      if (folders.length > 0) logger.info({ folders }, "files of workers that are gone were removed");
    }
    const starting = this.#slots.start();
    starting.catch(() => undefined); // awaited below
    this.#server = await BulkServer.listen({
      host: peerHost,
      port: peerPort,
      ...this.#peerAccess,
      identity: () => this.#link?.welcome.id ?? 0,
      open: (task) => this.#transfers.open(task),
      accept: (task, bytes) => this.#transfers.accept(task, bytes),
      channel: (request) => this.#groups.accept(request),
    });
    this.peerAddress = `${peerHost.includes(":") ? `[${peerHost}]` : peerHost}:${this.#server.port}`;
    this.#link = await this.#connect();
    await starting;
    const link = this.#link;
    this.#shell.connect((message) => link.send(message));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#live();
    this.#watch.start(() => this.#machine.isBusy);
    this.#gpuWatch.start();
    this.#spot = this.#newSpotWatch();
    void this.#spot.run();
    this.#options.logger.info(
      { worker: this.name, scheduler: this.#options.address, peer: this.peerAddress, slots: this.#options.slots },
      "worker joined",
    );
  }

  retire(reason: string): void {
    const { retireDeadlineMs } = this.#options;
    if (this.#hurries || this.#ending !== null) return;
    this.#hurries = true;
    this.#options.logger.info({ reason }, "worker asks to retire");
    this.#stop.within(retireDeadlineMs, () => {
      const message = `The planned stop (${reason}) took longer than ${retireDeadlineMs} ms; what was held here is lost.`;
      void this.end({ how: "deadline", error: new FlockError("FLOCK_WAIT_TIMEOUT", message), restart: this.#restart });
    });
    this.#shell.retire(reason);
    if (!this.#up) this.#leaveAlone();
  }

  /** The machine is taken away: it retires, and is gone in time, with or without a scheduler. */
  #spotEnds({ withinMs, reason, text }: SpotPlan): void {
    if (this.#ending !== null) return;
    this.#options.logger.warn(text);
    this.#isLast = true;
    this.#options.onSpotEnd();
    this.#link?.send({ t: "spotNotice", text });
    this.#stop.within(withinMs, () => {
      const over =
        "spot notice: its time is over; the worker leaves, and what it has not finished is begun anew elsewhere";
      this.#options.logger.warn(over);
      this.#link?.send({ t: "spotNotice", text: over });
      void this.end({ how: "deadline", error: null, restart: false });
    });
    this.#shell.retire(reason);
  }

  #newSpotWatch(): SpotWatch {
    const { spot, logger } = this.#options;
    return new SpotWatch({
      ...{ options: spot, logger, fetch, clock: realClock },
      ends: (plan) => this.#spotEnds(plan),
      rebalance: (text) => {
        logger.warn(text);
        this.#link?.send({ t: "spotNotice", text });
        if (spot.rebalance === "retire" && this.#ending === null) this.#shell.retire("a rebalance recommendation");
      },
    });
  }

  /** At the end of its lifetime it retires, and takes as long as what runs takes. */
  #live(): void {
    const { lifetimeMs, lifetimeStaggerMs, lifetimeRestart } = this.#options;
    if (lifetimeMs === 0) return;
    const ms = Math.max(0, lifetimeMs + (Math.random() * 2 - 1) * lifetimeStaggerMs);
    this.#lifetime = setTimeout(
      () => {
        if (this.#hurries || this.#isLast || this.#ending !== null) return;
        this.#options.logger.info({ lifetimeMs }, "the worker's lifetime is over; it asks to retire");
        this.#restart = lifetimeRestart;
        this.#shell.retire("its lifetime is over");
      },
      Math.min(ms, MAX_TIMER_MS),
    );
  }

  /** A planned stop without a scheduler that could take anything over: it gets a moment to come back. */
  #leaveAlone(): void {
    setTimeout(() => {
      if (!this.#up) void this.end({ how: "left", error: null, restart: this.#restart });
    }, LONELY_MS).unref();
  }

  close(): Promise<void> {
    return this.end({ how: "closed", error: null, restart: false });
  }

  /** Lets everything go; the first call decides what `done` says. */
  end(exit: WorkerExit): Promise<void> {
    this.#ending ??= this.#end(exit);
    return this.#ending;
  }

  async #end(exit: WorkerExit): Promise<void> {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#stop.clear();
    this.#spot?.close();
    if (this.#lifetime !== null) clearTimeout(this.#lifetime);
    this.#shell.close();
    this.#transfers.close();
    this.#bulk.close();
    this.#metrics.close();
    this.#watch.close();
    this.#gpuWatch.close();
    await Promise.allSettled([this.#slots.close(), this.#link?.close(), this.#server?.close()]);
    this.#store.close();
    this.#resolveDone(exit);
  }

  /** Whoever waits there hears from the scheduler when this fails. */
  async #serveRelay(key: string): Promise<void> {
    const { address, token, logger } = this.#options;
    try {
      const stream = await openRelay(key, this.#options, token, "holder");
      if (this.#ending === null && this.#server !== null) this.#server.serve(stream);
      else stream.destroy();
    } catch (error) {
      logger.warn({ err: error, scheduler: address }, "a relay cannot be served");
    }
  }

  #connect(): Promise<Link> {
    const { address, trust, token, schedulerLostMs } = this.#options;
    return SchedulerLink.open<"worker", "toWorker">({
      address,
      trust,
      token,
      up: "worker",
      down: "toWorker",
      hello: { role: "worker", worker: helloOf(this.#options, this.#advertised) },
      payloads: this.#payloads,
      reconnectMs: schedulerLostMs,
      onMessages: (messages) => this.#shell.messages(messages),
      onUp: (welcome) => {
        this.#up = true;
        this.#shell.linkUp(welcome);
        this.#tensors.tell();
      },
      onDown: () => {
        this.#up = false;
        this.#options.logger.warn({ scheduler: address }, "the link to the scheduler is down; trying again");
        this.#shell.linkDown();
        if (this.#hurries) this.#leaveAlone();
      },
      onGone: (error) => void this.end({ how: "gone", error, restart: false }),
    });
  }

  /** Where peers reach it; "" when they are not to try. */
  get #advertised(): string {
    const { advertise, relay } = this.#options;
    return relay === "always" ? "" : advertise || this.peerAddress;
  }

  #newShell(): WorkerShell {
    const { logger } = this.#options;
    return new WorkerShell({
      payloads: this.#payloads,
      store: this.#store,
      functions: this.#functions,
      logger,
      relay: (key) => void this.#serveRelay(key),
      left: (restart) =>
        void this.end({ how: "left", error: null, restart: (restart || this.#restart) && !this.#isLast }),
      failed: (error) => {
        logger.error({ err: error }, "the worker cannot go on");
        void this.end({ how: "failed", error: asFlockError(error), restart: !this.#isLast });
      },
      profile: (intervalUs) => this.#profiles.ask(intervalUs, (message) => this.#link?.send(message)),
      replace: (reason) => {
        logger.warn({ reason }, "this worker is to be replaced");
        this.#restart = true;
        this.retire(reason);
      },
    });
  }

  #beat(): void {
    this.#shell.logNotice();
    if (!this.#up) return;
    this.#link?.send({ t: "heartbeat", metrics: this.#metrics.take() });
    const moved = this.#transfers.moved.take();
    if (moved !== null) this.#link?.send(moved);
  }
}

function asFlockError(error: unknown): FlockError {
  if (isFlockError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new FlockError("FLOCK_INTERNAL", `The worker failed: ${message}`, { cause: error });
}
