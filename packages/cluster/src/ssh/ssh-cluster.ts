// A cluster of machines that SSH reaches.

import { randomBytes, randomInt } from "node:crypto";
import { Client, type ClientOptions, FlockError, type WorkerInfo } from "@taskflock/client";
import { freePort } from "../free-port.ts";
import { SCHEDULER_LOST_MS } from "../options.ts";
import { makePageLink } from "../page-link.ts";
import { RoleProcess } from "../role-process.ts";
import { checkHost, hostNameOf } from "./connection.ts";
import { type CompleteSshOptions, completeSshOptions, type SshClusterOptions } from "./options.ts";
import { SshProcess } from "./ssh-process.ts";

const GRACE_MS = 5_000;
/** A port there is chosen blindly; somebody may have it. */
const PORT_ATTEMPTS = 5;

interface Stoppable {
  /** What it printed last. */
  readonly tail: string;
  stop(graceMs: number): Promise<void>;
}

interface Scheduler {
  readonly process: Stoppable & { letGo(): void };
  readonly address: string;
  readonly dashboardUrl: string;
}

/**
 * A scheduler, here or on another machine, and workers on machines that SSH reaches. Nothing is installed or left there: each process is the
 * command of one SSH connection, and ends with it, also when this process is killed. An open cluster does not keep this process alive;
 * `close()`, or the end of the `await using` block, ends it.
 */
export class SshCluster {
  /** The scheduler, as host:port. */
  readonly address: string;
  /** The status page, here, which asks for `token`; `dashboardLink()` signs in. */
  readonly dashboardUrl: string;
  readonly #token: string;
  readonly #processes: readonly Stoppable[];
  #closing: Promise<void> | null = null;

  /**
   * Resolves when all workers have joined. Rejects with FLOCK_SSH_MISSING, FLOCK_SSH_UNREACHABLE, FLOCK_SSH_REFUSED, FLOCK_SSH_COMMAND and
   * FLOCK_VERSION_MISMATCH, each with the host and ssh's own words; FLOCK_CLUSTER_START, FLOCK_INSECURE, or FLOCK_OPTION_INVALID. Then
   * nothing is left running.
   */
  static async start(options: SshClusterOptions): Promise<SshCluster> {
    const complete = completeSshOptions(options);
    const started = new Started();
    try {
      return await withDeadline(startAll(complete, started), complete.startTimeoutMs, started.all);
    } catch (error) {
      await started.end();
      throw error;
    }
  }

  /** Clusters come from `SshCluster.start`. */
  constructor({ address, dashboardUrl }: Scheduler, token: string, processes: readonly Stoppable[]) {
    this.address = address;
    this.dashboardUrl = dashboardUrl;
    this.#token = token;
    this.#processes = processes;
  }

  /** What clients and workers show to the scheduler. */
  get token(): string {
    return this.#token;
  }

  /** A client of this cluster. Close it before the cluster. `reconnectMs` is 5,000 by default: a scheduler that died stays away. */
  connect(options?: Omit<ClientOptions, "token" | "tokenFile" | "tls">): Promise<Client> {
    // Whatever this process's environment says of another cluster's certificates.
    const ours = { reconnectMs: SCHEDULER_LOST_MS, packages: "installed", tls: false } as const;
    return Client.connect(this.address, { ...ours, ...options, token: this.#token });
  }

  /** A link to the status page that signs in who opens it first, within ten minutes. Rejects with FLOCK_CLOSED. */
  dashboardLink(): Promise<string> {
    return this.#closing !== null ? Promise.reject(closed()) : makePageLink(this.dashboardUrl, this.#token);
  }

  /** The workers as the scheduler sees them. Rejects with FLOCK_CLOSED. */
  async workers(): Promise<readonly WorkerInfo[]> {
    if (this.#closing !== null) throw closed();
    const client = await this.connect({ name: "ssh cluster", logs: "ignore" });
    try {
      return await client.workers();
    } finally {
      await client.close();
    }
  }

  /** Ends the scheduler, then the workers. Resolves when their connections have ended. */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    const [scheduler, ...workers] = this.#processes;
    for (const process of this.#processes) if (process instanceof SshProcess) process.hush();
    await scheduler?.stop(GRACE_MS); // it tells the workers
    await Promise.all(workers.map((worker) => worker.stop(GRACE_MS)));
  }
}

function closed(): FlockError {
  return new FlockError("FLOCK_CLOSED", "The cluster was closed.");
}

/** What a start has begun. Once it is given up, nothing is begun any more: hosts that answer late would get processes that nobody ends. */
class Started {
  /** The scheduler first. */
  readonly all: Stoppable[] = [];
  #isOver = false;

  begin<T extends Stoppable>(make: () => T): T {
    if (this.#isOver) throw closed();
    const process = make();
    this.all.push(process);
    return process;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.all.map((process) => process.stop(0)));
  }
}

/** `started` is filled as processes start. */
async function startAll(options: CompleteSshOptions, started: Started): Promise<SshCluster> {
  const { hosts, scheduler: schedulerHost, workersPerHost } = options;
  const everywhere = new Set([...hosts, ...(schedulerHost === null ? [] : [schedulerHost])]);
  await Promise.all([...everywhere].map((host) => checkHost(options, host)));
  const token = randomBytes(24).toString("base64url");
  const scheduler =
    schedulerHost === null
      ? await schedulerHere(options, token, started)
      : await schedulerThere(options, schedulerHost, token, started);
  const names = hosts.map((host, index) => workerName(hosts, index, host));
  const begun = hosts.map((host, index) =>
    startWorker(options, scheduler.address, { host, name: names[index] ?? host, token }, started),
  );
  const workers = await Promise.all(begun);
  const cluster = new SshCluster(scheduler, token, [...started.all]);
  const client = await cluster.connect({ name: "ssh cluster", logs: "ignore" });
  try {
    const ends = workers.map((worker) => worker.lost());
    for (const end of ends) end.catch(() => undefined); // they end one day
    await Promise.race([client.waitForWorkers(hosts.length * workersPerHost), ...ends]);
  } finally {
    await client.close();
  }
  for (const process of [scheduler.process, ...workers]) process.letGo();
  return cluster;
}

/** After its host; with a number where one has several. */
function workerName(hosts: readonly string[], index: number, host: string): string {
  const name = host.replace(/^.*@/, "");
  const before = hosts.slice(0, index).filter((other) => other === host).length;
  return before === 0 ? name : `${name}-${before + 1}`;
}

async function schedulerHere(options: CompleteSshOptions, token: string, started: Started): Promise<Scheduler> {
  const { roleCommand, env, tunnel, insecure, port, dashboardPort, logFlags } = options;
  const host = tunnel ? "127.0.0.1" : (options.host ?? "127.0.0.1");
  const where = ["--host", host, "--port", String(port), "--dashboard-host", "127.0.0.1"];
  const flags = ["--dashboard-port", String(dashboardPort), ...logFlags, ...(insecure ? ["--insecure"] : [])];
  const process = started.begin(() => new RoleProcess({ roleCommand, env, args: ["scheduler", ...where, ...flags] }));
  process.giveToken(token);
  const { address, dashboard } = await process.ready;
  return { process, address: String(address), dashboardUrl: String(dashboard) };
}

/** Its page stays on its own loopback, and comes here by the connection. */
async function schedulerThere(
  options: CompleteSshOptions,
  host: string,
  token: string,
  started: Started,
): Promise<Scheduler> {
  const { port, logFlags } = options;
  const [here, there] = [options.dashboardPort || (await freePort("127.0.0.1")), blindPort()];
  const where = ["--host", "0.0.0.0", "--port", String(port), "--dashboard-host", "127.0.0.1"];
  const args = ["scheduler", ...where, "--dashboard-port", String(there), "--insecure", ...logFlags];
  const forwards = ["-L", `127.0.0.1:${here}:127.0.0.1:${there}`];
  const process = started.begin(() => new SshProcess({ options, host, args, forwards, token }));
  const { address } = await process.ready;
  const name = options.host ?? (await hostNameOf(options, host));
  const reached = `${name.includes(":") ? `[${name}]` : name}:${String(address).split(":").at(-1)}`;
  return { process, address: reached, dashboardUrl: `http://127.0.0.1:${here}/status` };
}

interface WorkerStart {
  readonly host: string;
  readonly name: string;
  readonly token: string;
}

async function startWorker(
  options: CompleteSshOptions,
  address: string,
  { host, name, token }: WorkerStart,
  started: Started,
): Promise<SshProcess> {
  const flags = ["--name", name, ...options.workerFlags, ...options.logFlags];
  for (let attempt = 1; ; attempt++) {
    const { args, forwards } = options.tunnel ? throughTunnel(address) : await direct(options, host, address);
    const process = started.begin(() => new SshProcess({ options, host, args: [...args, ...flags], forwards, token }));
    try {
      await process.ready;
      return process;
    } catch (error) {
      if (!process.portWasTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

interface Way {
  readonly args: readonly string[];
  readonly forwards: readonly string[];
}

/** A port of the other machine's loopback leads to the scheduler, and nobody is told to come to the worker. */
function throughTunnel(address: string): Way {
  const there = `127.0.0.1:${blindPort()}`;
  return {
    args: ["worker", there, "--host", "127.0.0.1", "--relay", "always"],
    forwards: ["-R", `${there}:${address}`],
  };
}

async function direct(options: CompleteSshOptions, host: string, address: string): Promise<Way> {
  const name = options.workerHosts[host] ?? (await hostNameOf(options, host));
  return { args: ["worker", address, "--host", name], forwards: [] };
}

function blindPort(): number {
  return randomInt(20_000, 32_000); // below those that systems give out by themselves
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, started: readonly Stoppable[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const output = started.map(({ tail }) => tail.trim()).filter((text) => text !== "");
      const said = output.length === 0 ? "they printed nothing" : `\n${output.join("\n")}`;
      const message = `The cluster was not ready after ${timeoutMs} ms. Raise startTimeoutMs, or see what its processes printed: ${said}`;
      reject(new FlockError("FLOCK_CLUSTER_START", message));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // it fails too when the processes are stopped
  }
}
