// What may be asked of a cluster of Slurm's nodes.

import { homedir, type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { type Check, type Checks, checkOptions, FlockError, integerFrom, oneOf } from "@taskflock/client";
import { ownEnvironment, type RoleCommand, workerFlagsOf } from "../options.ts";
import type { SlurmEvent } from "./events.ts";

export interface SlurmClusterOptions {
  /** Workers that the cluster begins with. Default 0: `scale` or `adapt` add them. */
  readonly workers?: number;
  /** Cores of each worker. Default 1. */
  readonly cores?: number;
  /** Tasks that a worker runs at once. Default: its cores. */
  readonly threadsPerWorker?: number;
  /** Memory of each worker: bytes, or text such as "4GiB", the default. Slurm's limit; a tenth of it is kept for the worker's nanny. */
  readonly memory?: number | string;
  /** GPUs of each worker, by gres. Tasks ask for them as the resource GPU. Default 0. */
  readonly gpus?: number;
  /** The type of GPU, such as "a100". Default: any. */
  readonly gpuType?: string;
  /** Default: Slurm's. */
  readonly partition?: string;
  /** Whom the time is accounted to. Default: Slurm's. */
  readonly account?: string;
  /** How long a worker may run, as Slurm writes it: "30" (minutes), "02:00:00", "1-12". A minute or two before, it retires. Default: the partition's. */
  readonly walltime?: string;
  /** Further options of sbatch, such as "--constraint=skylake". */
  readonly directives?: readonly string[];
  /** Lines of shell that run on the node before the worker, such as "module load nodejs". */
  readonly prologue?: readonly string[];
  /** What workers have for tasks that ask for it, such as { licence: 1 }. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Modules that each slot of each worker loads before its tasks. Default none. */
  readonly preload?: readonly string[];
  /** Where the scheduler listens, and nodes reach it. Default: this machine's first address that is not loopback. */
  readonly host?: string;
  /** The scheduler's port; 0, the default, is any free one. */
  readonly port?: number;
  /** Where the status page listens. Default 127.0.0.1. */
  readonly dashboardHost?: string;
  /** The status page's port; 0, the default, is any free one. */
  readonly dashboardPort?: number;
  /** Links between machines are plain text, and you trust the network. Default false: they are encrypted, by certificates of the cluster's own. */
  readonly insecure?: boolean;
  /** Where others reach a worker. Default: the node's name, or what the prologue exports as TASKFLOCK_WORKER_HOST. */
  readonly workerHost?: string;
  /** A folder that nodes see, too; the token and the jobs' output lie below it until `close()`. Default: ~/.taskflock/slurm. */
  readonly sharedDirectory?: string;
  /** What starts the command line on a node. Default: this process's Node and package, by their paths. */
  readonly command?: readonly string[];
  /** What Slurm calls the jobs; a random ending is added. Default "taskflock". */
  readonly name?: string;
  /** Environment of the scheduler and of sbatch, beside this process's own; jobs get it from sbatch. */
  readonly env?: Readonly<Record<string, string>>;
  /** How much the processes log. Default "warn". */
  readonly logLevel?: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** How long `start` and `scale` wait for workers, in Slurm's queue and on nodes, milliseconds. Default 300,000. */
  readonly startTimeoutMs?: number;
  /** How often squeue is asked, milliseconds. Default 5,000. */
  readonly pollMs?: number;
  /** Workers that wait in the queue for so long are told to `onEvent`, with the reason, milliseconds. Default 60,000. */
  readonly pendingMs?: number;
  /** Told what became of jobs. */
  readonly onEvent?: (event: SlurmEvent) => void;
  readonly roleCommand: RoleCommand;
}

/** Options with nothing left open. */
export interface CompleteSlurmOptions {
  readonly workers: number;
  readonly slots: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly directives: readonly string[];
  readonly prologue: readonly string[];
  readonly workerFlags: readonly string[];
  readonly workerHost: string | null;
  readonly schedulerFlags: readonly string[];
  /** Names and addresses by which people come to the scheduler and its page. */
  readonly hosts: readonly string[];
  /** Links are encrypted. */
  readonly isSecure: boolean;
  readonly sharedDirectory: string;
  readonly command: readonly string[];
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly startTimeoutMs: number;
  readonly pollMs: number;
  readonly pendingMs: number;
  readonly onEvent: (event: SlurmEvent) => void;
  readonly roleCommand: RoleCommand;
}

/** A worker whose scheduler is gone for so long ends, and its job, milliseconds. */
const SCHEDULER_AWAY_MS = 60_000;
/** Of Slurm's limit; the rest is the nanny's, and for moments in which a worker is above its own. */
const WORKER_SHARE = 0.9;
const MIB = 1024 ** 2;

const units: Readonly<Record<string, number>> = {
  ...{ "": 1, b: 1, k: 1e3, kb: 1e3, kib: 1024, m: 1e6, mb: 1e6, mib: MIB },
  ...{ g: 1e9, gb: 1e9, gib: 1024 ** 3, t: 1e12, tb: 1e12, tib: 1024 ** 4 },
};

/** NaN for what is no size. */
function bytesOf(value: unknown): number {
  if (typeof value === "number") return value > 0 ? value : Number.NaN;
  const [, amount = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(value)) ?? [];
  return amount === "" ? Number.NaN : Number(amount) * (units[unit.toLowerCase()] ?? Number.NaN);
}

const size: Check = (value) => (bytesOf(value) >= MIB ? null : 'bytes, or text such as "4GiB"; 1MiB at least');
const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "text that is not empty");
/** One word of a directive: nothing that could begin another, or another line. */
const word: Check = (value) =>
  typeof value === "string" && /^[\w.,:@+-]+$/.test(value) ? null : "a name, without blanks or quotes";
const time: Check = (value) =>
  typeof value === "string" && /^(\d+-\d+(:\d+){0,2}|\d+(:\d+){0,2})$/.test(value)
    ? null
    : 'a time as Slurm writes it: "30" (minutes), "02:00:00", "1-12"';
const lines = (what: string, isOne: (line: string) => boolean): Check => {
  return (value) => (Array.isArray(value) && value.every((l) => typeof l === "string" && isOne(l)) ? null : what);
};
const isLine = (line: string): boolean => !/[\n\r]/.test(line);
const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
const amounts: Check = (value) =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).every(([name, amount]) => /^[A-Za-z_][\w.-]*$/.test(name) && Number(amount) >= 0)
    ? null
    : "amounts by name, such as { licence: 1 }";
const strings: Check = (value) =>
  typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string")
    ? null
    : "strings by name";
const role: Check = (value) => (typeof value === "object" && value !== null ? null : "{ command, args }");
const port: Check = integerFrom(0, 65_535);
const duration: Check = integerFrom(1, 2 ** 31 - 1);

/** More would be a mistake. */
export const slurmWorkerCount: Check = integerFrom(0, 10_000);

const checks: Checks<SlurmClusterOptions> = {
  workers: slurmWorkerCount,
  cores: integerFrom(1, 1024),
  threadsPerWorker: integerFrom(1, 1024),
  memory: size,
  gpus: integerFrom(0, 256),
  gpuType: word,
  partition: word,
  account: word,
  walltime: time,
  directives: lines('options of sbatch, such as ["--constraint=skylake"]', (l) => isLine(l) && l.startsWith("-")),
  prologue: lines('lines of shell, such as ["module load nodejs"]', isLine),
  resources: amounts,
  preload: lines('paths or packages, none with a comma in it, such as ["./setup.mjs"]', (l) => !l.includes(",")),
  host: text,
  port,
  dashboardHost: text,
  dashboardPort: port,
  insecure: flag,
  workerHost: text,
  sharedDirectory: lineOf("a folder, without line breaks or quotes"),
  command: lines('words, such as ["npx", "taskflock"]', isLine),
  name: word,
  env: strings,
  logLevel: oneOf("trace", "debug", "info", "warn", "error", "silent"),
  startTimeoutMs: duration,
  pollMs: duration,
  pendingMs: duration,
  onEvent: (value) => (typeof value === "function" ? null : "a function"),
  roleCommand: role,
};

function lineOf(what: string): Check {
  return (value) => (typeof value === "string" && value !== "" && !/[\n\r"]/.test(value) ? null : what);
}

/** Throws FLOCK_OPTION_INVALID. */
export function completeSlurmOptions(raw: SlurmClusterOptions): CompleteSlurmOptions {
  const options = checkOptions("SlurmCluster.start", raw, checks);
  const { roleCommand, cores = 1, gpus = 0 } = options;
  if (roleCommand === undefined) {
    const message = "SlurmCluster.start: roleCommand is needed: how to start the command line.";
    throw new FlockError("FLOCK_OPTION_INVALID", message);
  }
  const host = options.host ?? reachableHost(networkInterfaces());
  const isLocal = /^(127\.|localhost$|::1$)/.test(host);
  const slots = options.threadsPerWorker ?? cores;
  return {
    workers: options.workers ?? 0,
    slots,
    resources: { ...options.resources, ...(gpus > 0 ? { GPU: gpus } : {}) },
    directives: directivesOf(options),
    prologue: options.prologue ?? [],
    workerFlags: workerFlags(options, slots),
    workerHost: options.workerHost ?? (isLocal ? "127.0.0.1" : null),
    schedulerFlags: schedulerFlags(options, host),
    hosts: [host, options.dashboardHost ?? "127.0.0.1"],
    isSecure: options.insecure !== true,
    sharedDirectory: resolve(options.sharedDirectory ?? join(homedir(), ".taskflock/slurm")),
    command: options.command ?? [roleCommand.command, ...roleCommand.args],
    name: options.name ?? "taskflock",
    env: { ...ownEnvironment(), ...options.env },
    startTimeoutMs: options.startTimeoutMs ?? 300_000,
    pollMs: options.pollMs ?? 5_000,
    pendingMs: options.pendingMs ?? 60_000,
    onEvent: options.onEvent ?? (() => undefined),
    roleCommand,
  };
}

/** The first IPv4 address that is not loopback; loopback where there is none. */
export function reachableHost(interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]>): string {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

type Given = Partial<SlurmClusterOptions>;

function schedulerFlags(options: Given, host: string): string[] {
  const flags = ["--host", host, "--port", String(options.port ?? 0)];
  flags.push("--dashboard-host", options.dashboardHost ?? "127.0.0.1");
  flags.push("--dashboard-port", String(options.dashboardPort ?? 0), ...logFlags(options));
  return options.insecure === true ? [...flags, "--insecure"] : flags;
}

function directivesOf({ cores = 1, gpus = 0, gpuType, memory = "4GiB", ...options }: Given): string[] {
  const directives = [`--cpus-per-task=${cores}`, `--mem=${Math.ceil(bytesOf(memory) / MIB)}M`];
  if (gpus > 0) directives.push(`--gres=gpu:${gpuType === undefined ? "" : `${gpuType}:`}${gpus}`);
  if (options.partition !== undefined) directives.push(`--partition=${options.partition}`);
  if (options.account !== undefined) directives.push(`--account=${options.account}`);
  if (options.walltime !== undefined) directives.push(`--time=${options.walltime}`);
  return [...directives, ...(options.directives ?? [])];
}

function workerFlags(options: Given, slots: number): string[] {
  const memory = Math.floor(bytesOf(options.memory ?? "4GiB") * WORKER_SHARE);
  return [
    ...["--threads", String(slots), "--memory-limit", String(memory)],
    ...["--gpus", options.gpus === undefined || options.gpus === 0 ? "none" : String(options.gpus)],
    ...["--scheduler-lost-ms", String(SCHEDULER_AWAY_MS)],
    ...workerFlagsOf(options),
    ...logFlags(options),
  ];
}

function logFlags({ logLevel = "warn" }: Given): string[] {
  return ["--log-level", logLevel];
}
