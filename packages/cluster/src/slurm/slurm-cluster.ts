// A scheduler next to this process, and workers as jobs of a Slurm cluster.

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientOptions, checkOptions, FlockError, type WorkerInfo } from "@taskflock/client";
import { Adaptive, type AdaptOptions, completeAdaptOptions, RunningAdaptive } from "../adaptive.ts";
import { SCHEDULER_LOST_MS } from "../options.ts";
import { makePageLink } from "../page-link.ts";
import { RoleProcess } from "../role-process.ts";
import { makeTokens, type Tokens } from "../tokens.ts";
import { Certificates } from "./certificates.ts";
import { SlurmCommands } from "./commands.ts";
import { Fleet } from "./fleet.ts";
import {
  type CompleteSlurmOptions,
  completeSlurmOptions,
  type SlurmClusterOptions,
  slurmWorkerCount,
} from "./options.ts";
import { SharedFolder } from "./shared-folder.ts";
import { SlurmSupplier } from "./supplier.ts";

const SCHEDULER_GRACE_MS = 2_000;
/** Slurm kills what does not end within its KillWait, 30 s by default. */
const JOBS_END_MS = 60_000;
const JOBS_LOOK_MS = 250;

interface Parts {
  readonly options: CompleteSlurmOptions;
  readonly address: string;
  readonly dashboardUrl: string;
  readonly tokens: Tokens;
  /** Null: links are plain text. */
  readonly certificates: Certificates | null;
  readonly scheduler: RoleProcess;
  readonly folder: SharedFolder;
  readonly commands: SlurmCommands;
  readonly client: Client;
  readonly fleet: Fleet;
}

/**
 * A scheduler next to this process, and workers as jobs of a Slurm cluster: arrays, of which each task is one worker. Workers that are
 * lost, with their node or because their time is over, are replaced. An open cluster keeps this process alive; `close()`, or the end of the
 * `await using` block, ends all its jobs and leaves no file. Jobs whose client process is gone end within a minute by themselves.
 */
export class SlurmCluster {
  /** The scheduler, as host:port. */
  readonly address: string;
  /** The status page, which asks for `token`; `dashboardLink()` signs in. */
  readonly dashboardUrl: string;
  /** Private, so that a printed cluster does not show it. */
  readonly #parts: Parts;
  #adaptive: RunningAdaptive | null = null;
  #closing: Promise<void> | null = null;

  /**
   * Starts the scheduler, submits the workers, and resolves when all have joined. Rejects with FLOCK_SLURM_MISSING, FLOCK_SLURM_REFUSED with
   * Slurm's own words, FLOCK_SLURM_PENDING when they wait in the queue for longer than `startTimeoutMs`, FLOCK_CLUSTER_START with what a
   * worker printed, or FLOCK_OPTION_INVALID. Then no job and no file is left.
   */
  static async start(options: SlurmClusterOptions): Promise<SlurmCluster> {
    const complete = completeSlurmOptions(options);
    const cluster = new SlurmCluster(await startScheduler(complete));
    if (complete.workers === 0) return cluster;
    try {
      await cluster.scale(complete.workers);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Clusters come from `SlurmCluster.start`. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.address = parts.address;
    this.dashboardUrl = parts.dashboardUrl;
  }

  /** What clients show to the scheduler. Workers join with another, which manages nothing. */
  get token(): string {
    return this.#parts.tokens.own;
  }

  /**
   * The file with the certificate that whoever connects is to trust: `tls: { caFile }`, `--tls-ca`. Null where links are plain text. It is
   * gone when the cluster is closed.
   */
  get caFile(): string | null {
    return this.#parts.certificates?.authority ?? null;
  }

  /** A client of this cluster. Close it before the cluster. `reconnectMs` is 5,000 by default: a scheduler that died stays away. */
  connect(options?: Omit<ClientOptions, "token" | "tokenFile" | "tls">): Promise<Client> {
    return connect(this.#parts, options);
  }

  /** A link to the status page that signs in who opens it first, within ten minutes. Rejects with FLOCK_CLOSED. */
  dashboardLink(): Promise<string> {
    return this.#closing !== null ? Promise.reject(closed()) : makePageLink(this.dashboardUrl, this.token, this.caFile);
  }

  /** The workers as the scheduler sees them. */
  async workers(): Promise<readonly WorkerInfo[]> {
    if (this.#closing !== null) throw closed();
    return this.#parts.client.workers();
  }

  /**
   * Submits or retires workers until there are `count`; resolves when they have joined, or were told to leave. From then on lost ones are
   * replaced. Ends what `adapt` began. Rejects with FLOCK_SLURM_PENDING, with the reason, after `startTimeoutMs`: they go on waiting.
   */
  async scale(count: number): Promise<void> {
    checkOptions("scale", { workers: count }, { workers: slurmWorkerCount });
    await this.#adaptive?.stop();
    if (this.#closing !== null) throw closed();
    const { fleet } = this.#parts;
    fleet.target = count;
    const over = fleet.staying().length - count;
    if (over > 0) await this.#shrink(over);
    if (over < 0) await fleet.submitUpTo(count);
    if (over <= 0) await this.#joined(count);
  }

  /**
   * From now on the cluster has as many workers as its work can use, as with `LocalCluster`: more at once, fewer when some were idle for a
   * while. Those that wait in Slurm's queue count, and go first. A later call, or `scale`, ends this one. Rejects with FLOCK_OPTION_INVALID
   * and FLOCK_CLOSED.
   */
  async adapt(options: AdaptOptions): Promise<RunningAdaptive> {
    completeAdaptOptions(options);
    await this.#adaptive?.stop();
    if (this.#closing !== null) throw closed();
    const { client, fleet, options: own } = this.#parts;
    fleet.target = null;
    const supplier = new SlurmSupplier(client, {
      slots: own.slots,
      resources: own.resources,
      staying: () => fleet.staying().map(({ name }) => name),
      pending: () => fleet.pending().map(({ name }) => name),
      submit: (count) => fleet.submit(count),
      cancelPending: (names) => fleet.cancelPending(names),
      leave: (names) => fleet.leave(names),
    });
    // It stays as large as it is then, and what is lost is replaced.
    const ended = async (): Promise<void> => {
      fleet.target = fleet.staying().length;
    };
    this.#adaptive = new RunningAdaptive(new Adaptive(supplier, options), ended);
    return this.#adaptive;
  }

  /**
   * Ends all jobs and the scheduler, and removes the cluster's folder. Resolves when Slurm lists none of its jobs. Rejects with
   * FLOCK_SLURM_FAILED, and says which jobs are left, when Slurm does not end them.
   */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    const { fleet, commands, client, scheduler, folder, certificates } = this.#parts;
    try {
      // Whatever becomes of these two: jobs that go on are paid for.
      await Promise.allSettled([this.#adaptive?.stop()]);
      await Promise.allSettled([fleet.stop()]);
      await commands.cancelAll();
      await client.close();
      await scheduler.stop(SCHEDULER_GRACE_MS);
      await untilEnded(commands);
    } finally {
      await client.close();
      await scheduler.stop(0);
      await folder.remove();
      await certificates?.remove();
    }
  }

  /** Those in the queue first, then those with nothing to do, then the youngest. */
  async #shrink(over: number): Promise<void> {
    const { fleet, client } = this.#parts;
    const pending = fleet.pending().map(({ name }) => name);
    await fleet.cancelPending(pending.slice(-over));
    const left = over - pending.length;
    if (left <= 0) return;
    const present = new Set((await client.workers()).map(({ name }) => name));
    const staying = fleet.staying().map(({ name }) => name);
    const { mayGo } = await client.scaling.advice();
    const order = [...new Set([...mayGo, ...staying.toReversed()])];
    const leaving = order.filter((name) => present.has(name) && staying.includes(name)).slice(0, left);
    await client.retireWorkers(leaving);
    fleet.leave(leaving);
  }

  async #joined(count: number): Promise<void> {
    const { fleet, client, options } = this.#parts;
    const over = new AbortController();
    const late = sleep(options.startTimeoutMs, undefined, { signal: over.signal }).then(async (): Promise<never> => {
      throw await fleet.late(options.startTimeoutMs);
    });
    const failing = fleet.failing(over.signal);
    for (const promise of [late, failing]) promise.catch(() => undefined); // nobody waits for them at the end
    const joined = client.waitForWorkers(count);
    joined.catch(() => undefined); // the client may be closed meanwhile
    try {
      await Promise.race([joined, late, failing]);
    } finally {
      over.abort();
    }
  }
}

function closed(): FlockError {
  return new FlockError("FLOCK_CLOSED", "The cluster was closed.");
}

function connect(
  { address, tokens, certificates }: Pick<Parts, "address" | "tokens" | "certificates">,
  options?: Omit<ClientOptions, "token" | "tokenFile" | "tls">,
): Promise<Client> {
  const tls = { tls: certificates === null ? (false as const) : { caFile: certificates.authority } };
  return Client.connect(address, {
    reconnectMs: SCHEDULER_LOST_MS,
    packages: "installed",
    ...options,
    ...tls,
    token: tokens.own,
  });
}

async function startScheduler(options: CompleteSlurmOptions): Promise<Parts> {
  const { env, isSecure } = options;
  const jobName = `${options.name}-${randomBytes(6).toString("hex")}`;
  const tokens = makeTokens();
  const commands = new SlurmCommands(jobName, env);
  // Where there is no Slurm nothing else need be started.
  await commands.queue();
  const certificates = isSecure ? await Certificates.make(options) : null;
  try {
    const authority = certificates?.authority ?? null;
    const folder = await SharedFolder.make(options.sharedDirectory, jobName, tokens.workers, authority);
    return await startWith({ options, tokens, commands, certificates, folder }, jobName);
  } catch (error) {
    await certificates?.remove();
    throw error;
  }
}

type Prepared = Pick<Parts, "options" | "tokens" | "commands" | "certificates" | "folder">;

async function startWith(prepared: Prepared, jobName: string): Promise<Parts> {
  const { options, tokens, commands, certificates, folder } = prepared;
  const { roleCommand, env, schedulerFlags, isSecure } = options;
  const args = ["scheduler", ...schedulerFlags, ...(certificates?.schedulerFlags ?? [])];
  const scheduler = new RoleProcess({ roleCommand, env, args });
  try {
    scheduler.giveToken(tokens.own, tokens.workers);
    const facts = await scheduler.ready;
    const [address, dashboardUrl] = [String(facts["address"]), String(facts["dashboard"])];
    const client = await connect({ address, tokens, certificates }, { name: "slurm cluster", logs: "ignore" });
    scheduler.letGo();
    const fleet = new Fleet({ options, commands, folder, jobName, address, isSecure, client });
    return { ...prepared, address, dashboardUrl, scheduler, client, fleet };
  } catch (error) {
    await scheduler.stop(0);
    await folder.remove();
    throw error;
  }
}

async function untilEnded(commands: SlurmCommands): Promise<void> {
  const deadline = performance.now() + JOBS_END_MS;
  for (;;) {
    const rows = await commands.queue();
    if (rows.length === 0) return;
    if (performance.now() > deadline) {
      const names = rows.map(
        ({ jobId, index, state, nodes }) => `${jobId}_${index} (${state} on ${nodes || "no node"})`,
      );
      throw new FlockError("FLOCK_SLURM_FAILED", `Slurm has not ended all jobs: ${names.join(", ")}.`);
    }
    await sleep(JOBS_LOOK_MS);
  }
}
