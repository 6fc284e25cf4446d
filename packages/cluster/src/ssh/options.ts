// What may be asked of a cluster of machines that SSH reaches.

import { networkInterfaces } from "node:os";
import { type Check, type Checks, checkOptions, FlockError, integerFrom, oneOf } from "@taskflock/client";
import { ownEnvironment, type RoleCommand, workerFlagsOf } from "../options.ts";
import { shellQuoted } from "../shell-quoted.ts";
import { reachableHost } from "../slurm/options.ts";

export interface SshClusterOptions {
  /** Where workers run, as `ssh` takes them: "ada@gpu1", or a name of ~/.ssh/config. A host that is named twice gets two. */
  readonly hosts: readonly string[];
  /** Where the scheduler runs, as `ssh` takes it. Default: here, next to this process. */
  readonly scheduler?: string;
  /**
   * Workers reach the scheduler through their SSH connection, encrypted, and results go by way of it; no port is open. It needs the
   * scheduler to be here. False: machines connect to each other, faster for large results. Default: true where the scheduler is here.
   */
  readonly tunnel?: boolean;
  /** Worker processes on each host. Default 1. */
  readonly workersPerHost?: number;
  /** Tasks that a worker runs at once. Default: the host's cores. */
  readonly threadsPerWorker?: number;
  /** Memory of each worker: bytes, or text such as "4GiB". Default: an even share of the host's. */
  readonly memoryLimit?: number | string;
  /** What workers have for tasks that ask for it, such as { licence: 1 }. GPUs are found by the workers themselves. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Modules that each slot of each worker loads before its tasks. Default none. */
  readonly preload?: readonly string[];
  /** What starts the command line on a host. Default ["taskflock"]; ["npx", "taskflock"] with a `directory`, or ["/opt/node/bin/node", "/…/cli.js"]. */
  readonly command?: readonly string[];
  /** The folder there to start it in. Default: where SSH begins, the user's home. */
  readonly directory?: string;
  /** Lines of shell before it, such as ". ~/.nvm/nvm.sh": what is not in the PATH of `ssh HOST COMMAND` must be said here. */
  readonly prologue?: readonly string[];
  /** Further options of ssh, such as ["-i", "key", "-p", "2222"]. */
  readonly sshOptions?: readonly string[];
  /** Without a tunnel: where the scheduler is reached. Default: here, the first address that is not loopback; elsewhere, its host's. */
  readonly host?: string;
  /** Without a tunnel: where others reach the workers, by host. Default: the host's name as ssh resolves it. */
  readonly workerHosts?: Readonly<Record<string, string>>;
  /** The scheduler's port; 0, the default, is any free one. */
  readonly port?: number;
  /** The port of the status page, here; 0, the default, is any free one. */
  readonly dashboardPort?: number;
  /** Without a tunnel, links between machines are plain text, and you trust the network. Default false. */
  readonly insecure?: boolean;
  /** Environment of ssh and of a scheduler here, beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** How much the processes log. Default "warn". */
  readonly logLevel?: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** How long the start may take, milliseconds. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** How a scheduler here is started. */
  readonly roleCommand?: RoleCommand;
  /** The version that hosts must have. */
  readonly version?: string;
}

export interface CompleteSshOptions {
  readonly hosts: readonly string[];
  readonly scheduler: string | null;
  readonly tunnel: boolean;
  readonly workersPerHost: number;
  readonly command: readonly string[];
  /** Lines of shell before the command. */
  readonly before: readonly string[];
  readonly sshOptions: readonly string[];
  readonly host: string | null;
  readonly workerHosts: Readonly<Record<string, string>>;
  readonly port: number;
  readonly dashboardPort: number;
  readonly insecure: boolean;
  readonly workerFlags: readonly string[];
  readonly logFlags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly startTimeoutMs: number;
  readonly roleCommand: RoleCommand;
  readonly version: string;
}

/** A worker whose scheduler is gone for so long ends, milliseconds. */
const SCHEDULER_AWAY_MS = 60_000;

/** No option of ssh, and no word of a shell. */
const isHost = (value: unknown): boolean => typeof value === "string" && /^[\w[][\w.:@%[\]-]*$/.test(value);
const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "text that is not empty");
const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
const texts = (what: string): Check => {
  const isLine = (line: unknown): boolean => typeof line === "string" && line !== "" && !/[\n\r]/.test(line);
  return (value) => (Array.isArray(value) && value.every(isLine) ? null : what);
};
const size: Check = (value) =>
  (typeof value === "number" && value > 0) || (typeof value === "string" && /^\s*\d+(\.\d+)?\s*[a-z]*\s*$/i.test(value))
    ? null
    : 'bytes, or text such as "4GiB"';
const record = (what: string, isOne: (item: unknown) => boolean): Check => {
  return (value) => (typeof value === "object" && value !== null && Object.values(value).every(isOne) ? null : what);
};
const strings: Check = record("strings by name", (item) => typeof item === "string");

const checks: Checks<SshClusterOptions> = {
  hosts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isHost)
      ? null
      : 'hosts as ssh takes them, such as ["ada@gpu1"]',
  scheduler: (value) => (isHost(value) ? null : 'a host as ssh takes it, such as "ada@head"'),
  tunnel: flag,
  workersPerHost: integerFrom(1, 256),
  threadsPerWorker: integerFrom(1, 1024),
  memoryLimit: size,
  resources: record("amounts by name, such as { licence: 1 }", (item) => Number(item) >= 0),
  preload: texts('paths or packages, such as ["./setup.mjs"]'),
  command: (value) =>
    Array.isArray(value) && value.length === 0
      ? "one word at least"
      : texts('words, such as ["npx", "taskflock"]')(value),
  directory: text,
  prologue: texts('lines of shell, such as [". ~/.nvm/nvm.sh"]'),
  sshOptions: texts('options of ssh, such as ["-p", "2222"]'),
  host: text,
  workerHosts: strings,
  port: integerFrom(0, 65_535),
  dashboardPort: integerFrom(0, 65_535),
  insecure: flag,
  env: strings,
  logLevel: oneOf("trace", "debug", "info", "warn", "error", "silent"),
  startTimeoutMs: integerFrom(1, 2 ** 31 - 1),
  roleCommand: (value) => (typeof value === "object" && value !== null ? null : "{ command, args }"),
  version: text,
};

/** Throws FLOCK_OPTION_INVALID. */
export function completeSshOptions(raw: SshClusterOptions): CompleteSshOptions {
  const options = checkOptions("SshCluster.start", raw, checks);
  const { hosts, scheduler = null, roleCommand, version } = options;
  if (hosts === undefined || roleCommand === undefined || version === undefined) throw invalid("hosts is needed.");
  const tunnel = options.tunnel ?? scheduler === null;
  if (tunnel && scheduler !== null) throw invalid("tunnel needs the scheduler to be here: leave scheduler out.");
  const insecure = options.insecure ?? false;
  if (!tunnel && !insecure) {
    const message =
      "SshCluster.start: without a tunnel, links between machines are plain text. Leave the scheduler here and tunnel on, or accept that with insecure: true.";
    throw new FlockError("FLOCK_INSECURE", message);
  }
  const { directory, prologue = [], command = ["taskflock"] } = options;
  return {
    ...{ hosts, scheduler, tunnel, insecure, roleCommand, version, command },
    workersPerHost: options.workersPerHost ?? 1,
    before: [...(directory === undefined ? [] : [`cd ${shellQuoted(directory)}`]), ...prologue],
    sshOptions: options.sshOptions ?? [],
    host: options.host ?? (scheduler === null ? reachableHost(networkInterfaces()) : null),
    workerHosts: options.workerHosts ?? {},
    port: options.port ?? 0,
    dashboardPort: options.dashboardPort ?? 0,
    workerFlags: workerFlags(options),
    logFlags: ["--log-level", options.logLevel ?? "warn"],
    env: { ...ownEnvironment(), ...options.env },
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
  };
}

function workerFlags(options: Partial<SshClusterOptions>): string[] {
  const { threadsPerWorker, memoryLimit, workersPerHost } = options;
  const flags = ["--scheduler-lost-ms", String(SCHEDULER_AWAY_MS), "--processes", String(workersPerHost ?? 1)];
  if (threadsPerWorker !== undefined) flags.push("--threads", String(threadsPerWorker));
  if (memoryLimit !== undefined) flags.push("--memory-limit", String(memoryLimit));
  return [...flags, ...workerFlagsOf(options)];
}

function invalid(what: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", `SshCluster.start: ${what}`);
}
