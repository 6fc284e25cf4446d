// A scheduler and workers on this machine, as processes of their own.

import { randomBytes } from "node:crypto";
import {
  Client,
  type ClientOptions,
  checkOptions,
  FlockError,
  formatAddress,
  type WorkerInfo,
} from "@taskflock/client";
import { preload } from "@taskflock/client/preload";
import { Adaptive, type AdaptOptions, completeAdaptOptions, RunningAdaptive } from "./adaptive.ts";
import { freePort } from "./free-port.ts";
import { LocalSupplier } from "./local-supplier.ts";
import {
  type CompleteOptions,
  completeOptions,
  type LocalClusterOptions,
  SCHEDULER_LOST_MS,
  workerCount,
} from "./options.ts";
import { makePageLink } from "./page-link.ts";
import { RoleProcess } from "./role-process.ts";
import { dealsOf, startWorkers } from "./worker-start.ts";

const WORKER_GRACE_MS = 3_000;
const SCHEDULER_GRACE_MS = 2_000;
/** A free port may be taken before the scheduler listens on it. */
const START_ATTEMPTS = 3;

export interface ClusterProcess {
  readonly role: "scheduler" | "worker";
  /** The worker's name; "scheduler" for the scheduler. */
  readonly name: string;
  /** As of its start; a worker that died was started again with another. */
  readonly pid: number;
}

/** A process that runs workers, and those it said it runs. */
interface WorkerGroup {
  readonly process: RoleProcess;
  /** Its shares of the machine's GPUs. */
  readonly deals: readonly number[];
  readonly workers: readonly ClusterProcess[];
}

/**
 * A scheduler and workers on this machine, as processes of their own. They end with `close()`, with the `await using`
 * block, and with this process, however it ends. An open cluster does not keep the process alive; its clients do.
 */
export class LocalCluster {
  /** The scheduler, as host:port. */
  readonly address: string;
  /** The status page, which asks for `token`; `dashboardLink()` signs in. */
  readonly dashboardUrl: string;
  /** Private, so that a printed cluster does not show it. */
  readonly #token: string;
  readonly #options: CompleteOptions;
  readonly #scheduler: RoleProcess;
  readonly #groups: WorkerGroup[];
  /** Processes of workers that are not ready yet. */
  readonly #starting: Set<RoleProcess> = new Set();
  #adaptive: RunningAdaptive | null = null;
  #lastWorker: number;
  #closing: Promise<void> | null = null;

  /**
   * Starts the processes, and resolves when the scheduler answers and all workers have joined it.
   *
   * Rejects with FLOCK_CLUSTER_START, with the output of the process that did not start, or FLOCK_OPTION_INVALID.
   */
  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const complete = completeOptions(options);
    for (let attempt = 1; ; attempt++) {
      const roles: RoleProcess[] = [];
      try {
        return await withDeadline(startAll(complete, roles), complete.startTimeoutMs, roles);
      } catch (error) {
        await Promise.all(roles.map((role) => role.stop(0)));
        const taken = roles.some(({ title, tail }) => title === "scheduler" && tail.includes("FLOCK_PORT_IN_USE"));
        if (!taken || complete.port !== 0 || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** Clusters come from `LocalCluster.start`. */
  constructor(parts: ClusterParts) {
    this.address = parts.address;
    this.dashboardUrl = parts.dashboardUrl;
    this.#token = parts.token;
    this.#options = parts.options;
    this.#scheduler = parts.scheduler;
    this.#groups = [...parts.groups];
    this.#lastWorker = parts.options.workers;
  }

  /** What clients and workers show to the scheduler. */
  get token(): string {
    return this.#token;
  }

  /** The cluster's processes, without the nannies. */
  get processes(): readonly ClusterProcess[] {
    const scheduler: ClusterProcess = { role: "scheduler", name: "scheduler", pid: this.#scheduler.pid };
    return [scheduler, ...this.#groups.flatMap(({ workers }) => workers)];
  }

  /** A client of this cluster. Close it before the cluster. `reconnectMs` is 5,000 by default: a scheduler that died stays away. */
  connect(options?: Omit<ClientOptions, "token" | "tokenFile">): Promise<Client> {
    return Client.connect(this.address, {
      reconnectMs: SCHEDULER_LOST_MS,
      packages: "installed",
      tls: false,
      ...options,
      token: this.token,
    });
  }

  /**
   * A link to the status page that signs in who opens it first, within ten minutes; another one with every call. Rejects with FLOCK_CLOSED,
   * or FLOCK_CONNECTION_REFUSED when the page does not answer.
   */
  dashboardLink(): Promise<string> {
    return this.#closing !== null ? Promise.reject(closed()) : makePageLink(this.dashboardUrl, this.#token);
  }

  /** The workers as the scheduler sees them. */
  workers(): Promise<readonly WorkerInfo[]> {
    return this.#ask((client) => client.workers());
  }

  /**
   * Starts or retires workers until there are `count`, idle ones first; resolves when they have joined, or were told to
   * leave. Ends what `adapt` began. Rejects with FLOCK_OPTION_INVALID.
   */
  async scale(count: number): Promise<void> {
    checkOptions("scale", { workers: count }, { workers: workerCount });
    await this.#adaptive?.stop();
    return this.#ask(async (client) => {
      const present = (await client.workers()).filter(({ status }) => status === "running").map(({ name }) => name);
      const { mayGo } = await client.scaling.advice();
      const leaving = [...new Set([...mayGo, ...present.toReversed()])].filter((name) => present.includes(name));
      if (count < present.length) await client.retireWorkers(leaving.slice(0, present.length - count));
      if (count <= present.length) return;
      const groups = await this.#start(count - present.length);
      await joinedAll(client, count, groups);
    });
  }

  /**
   * From now on the cluster has as many workers as its work can use: more at once, fewer when some were idle for a while.
   * Workers that go finish nothing less and lose nothing: they retire. Until `stop()` or `close()` it keeps this process
   * alive. A later call, or `scale`, ends this one. Rejects with FLOCK_OPTION_INVALID and FLOCK_CLOSED.
   */
  async adapt(options: AdaptOptions): Promise<RunningAdaptive> {
    completeAdaptOptions(options);
    await this.#adaptive?.stop();
    if (this.#closing !== null) throw closed();
    const client = await this.connect({ name: "adaptive", logs: "ignore" });
    const supplier = new LocalSupplier(client, {
      options: this.#options,
      names: () => this.#names(),
      start: async (count) => {
        const groups = await this.#start(count);
        return groups.map(({ process, workers }) => ({ name: workers[0]?.name ?? "", ended: endOf(process) }));
      },
    });
    // Meanwhile the cluster may have been closed, or another call may have begun to size it.
    if (this.#closing !== null) {
      await client.close();
      throw closed();
    }
    const before = this.#adaptive;
    const adaptive = new RunningAdaptive(new Adaptive(supplier, options), () => client.close());
    this.#adaptive = adaptive;
    await before?.stop();
    return adaptive;
  }

  /** Sends a signal to the process of the worker at `index` of `workers()`, to see what happens then. Default SIGKILL. */
  async killWorker(index: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const workers = await this.workers();
    const worker = workers[index];
    if (worker === undefined) {
      throw new FlockError("FLOCK_WORKER_UNKNOWN", `There is no worker ${index}; the cluster has ${workers.length}.`);
    }
    process.kill(worker.pid, signal);
  }

  /** Ends all processes: asked first, killed where that takes too long. Resolves when none is left. */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    const adapted = this.#adaptive?.stop();
    await Promise.all([...this.#starting].map((process) => process.stop(0)));
    await adapted;
    await Promise.all(this.#groups.map((group) => group.process.stop(WORKER_GRACE_MS)));
    await this.#scheduler.stop(SCHEDULER_GRACE_MS);
  }

  /** Asks by a client that lives only for the question, so that the cluster keeps nothing alive. */
  #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw closed();
    return ask(this.address, this.token, question);
  }

  /** The names of all workers whose process or nanny runs. */
  #names(): string[] {
    this.#forgetEnded();
    return this.#groups.flatMap(({ workers }) => workers.map(({ name }) => name));
  }

  #forgetEnded(): void {
    const running = this.#groups.filter(({ process }) => process.running);
    this.#groups.splice(0, this.#groups.length, ...running);
  }

  /** Rejects when one of them does not start; the others are there then. */
  async #start(count: number): Promise<WorkerGroup[]> {
    if (this.#closing !== null) throw closed();
    this.#forgetEnded();
    const names = Array.from({ length: count }, () => `worker-${++this.#lastWorker}`);
    const sharing = this.#names().length + count;
    const deals = this.#freeDeals();
    const outcomes = await Promise.allSettled(
      names.map((name) => this.#startOne(name, sharing, deals.shift() ?? null)),
    );
    const groups = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    this.#groups.push(...groups);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return groups;
  }

  /** Shares of the machine's GPUs that no running process has. */
  #freeDeals(): number[] {
    const taken = new Set(this.#groups.flatMap(({ deals }) => deals));
    return dealsOf(this.#options).filter((deal) => !taken.has(deal));
  }

  async #startOne(name: string, sharing: number, deal: number | null): Promise<WorkerGroup> {
    const deals = deal === null ? [] : [deal];
    const process = startWorkers(this.#options, this.address, { name, count: 1, sharing, deals });
    this.#starting.add(process);
    process.giveToken(this.token);
    try {
      return await ready(process, [name], deals);
    } catch (error) {
      await process.stop(0);
      throw error;
    } finally {
      this.#starting.delete(process);
    }
  }
}

function closed(): FlockError {
  return new FlockError("FLOCK_CLOSED", "The cluster was closed.");
}

interface ClusterParts {
  readonly options: CompleteOptions;
  readonly address: string;
  readonly dashboardUrl: string;
  readonly token: string;
  readonly scheduler: RoleProcess;
  readonly groups: readonly WorkerGroup[];
}

/**
 * All processes load at the same time, and first those that have most to do: a nanny has its workers to start. They get their
 * token, without which they do not connect, when the scheduler listens. `roles` is filled as they start.
 */
async function startAll(options: CompleteOptions, roles: RoleProcess[]): Promise<LocalCluster> {
  const { host, roleCommand, env, dashboardPort, logFlags, nanny, workers } = options;
  const token = randomBytes(24).toString("base64url");
  const port = options.port === 0 ? await freePort(host) : options.port;
  const address = formatAddress(host, port);
  const names = Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);
  // One nanny process watches all; without nannies each worker is a process that nobody watches.
  const shared = nanny && workers > 1;
  const started = shared
    ? [startGroup(options, address, "worker", names, dealsOf(options))]
    : names.map((name, index) => startGroup(options, address, name, [name], [index]));
  roles.push(...started.map(({ process }) => process));
  const where = ["--host", host, "--port", String(port), "--dashboard-port", String(dashboardPort)];
  const scheduler = new RoleProcess({ roleCommand, env, args: ["scheduler", ...where, ...logFlags] });
  roles.push(scheduler);
  scheduler.giveToken(token);
  const facts = await scheduler.ready;
  for (const { process } of started) process.giveToken(token);
  const [groups] = await Promise.all([
    Promise.all(started.map(({ process, names, deals }) => ready(process, names, deals))),
    askForWorkers(address, token, workers, started),
  ]);
  scheduler.letGo();
  return new LocalCluster({ options, address, dashboardUrl: String(facts["dashboard"]), token, scheduler, groups });
}

/** While the workers load, this process does what its first connection and its first function take. */
async function askForWorkers(
  address: string,
  token: string,
  count: number,
  groups: readonly Pick<WorkerGroup, "process">[],
): Promise<void> {
  await preload();
  await ask(address, token, (client) => joinedAll(client, count, groups));
}

async function ask<T>(address: string, token: string, question: (client: Client) => Promise<T>): Promise<T> {
  const client = await Client.connect(address, { token, tls: false, name: "local cluster", logs: "ignore" });
  try {
    return await question(client);
  } finally {
    await client.close();
  }
}

/** Resolves when the scheduler has `count` workers; rejects when a process that runs some of them ends. */
async function joinedAll(
  client: Client,
  count: number,
  groups: readonly Pick<WorkerGroup, "process">[],
): Promise<void> {
  const ends = groups.map(({ process }) => endOf(process));
  await Promise.race([client.waitForWorkers(count), ...ends]);
}

/** Rejects when the process ends. */
function endOf(process: RoleProcess): Promise<never> {
  const end = process.ended.then((how): never => {
    throw new FlockError("FLOCK_CLUSTER_START", `Workers did not start (${how}):\n${process.tail.trim()}`);
  });
  end.catch(() => {}); // it ends one day
  return end;
}

/** Processes that the cluster begins with. */
function startGroup(
  options: CompleteOptions,
  address: string,
  name: string,
  names: readonly string[],
  deals: readonly number[],
): { readonly process: RoleProcess; readonly names: readonly string[]; readonly deals: readonly number[] } {
  const process = startWorkers(options, address, { name, count: names.length, sharing: options.workers, deals });
  return { process, names, deals };
}

/** Waits until the process says which worker processes it has started: `{ workers: [{ pid }] }`. */
async function ready(process: RoleProcess, names: readonly string[], deals: readonly number[]): Promise<WorkerGroup> {
  const { workers } = await process.ready;
  process.letGo();
  const said = Array.isArray(workers) ? (workers as readonly { pid?: number }[]) : [];
  return {
    process,
    deals,
    workers: names.map((name, index) => ({ role: "worker", name, pid: said[index]?.pid ?? process.pid })),
  };
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, roles: readonly RoleProcess[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const output = roles.map(({ title, tail }) => `${title}: ${tail.trim() || "(printed nothing)"}`).join("\n");
      const message = `The cluster was not ready after ${timeoutMs} ms. Raise startTimeoutMs, or see what its processes printed:\n${output}`;
      reject(new FlockError("FLOCK_CLUSTER_START", message));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // it fails too when the processes are stopped
  }
}
