// What may be asked of a local cluster.

import { availableParallelism } from "node:os";
import { type Check, type Checks, checkOptions, FlockError, integerFrom, oneOf } from "@taskflock/client";

/** How to start the command line: `command ...args scheduler …`. */
export interface RoleCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface LocalClusterOptions {
  /** Worker processes. Default: the machine's cores, at most 4. */
  readonly workers?: number;
  /** Tasks that a worker runs at once. Default: an even share of the machine's cores. */
  readonly threadsPerWorker?: number;
  /**
   * Memory of each worker: bytes, or text such as "2GiB". Above it the worker is restarted. Default: an even share of the machine's,
   * of as many workers as there are when it is started.
   */
  readonly memoryLimit?: number | string;
  /** Share of it that results take in memory; beyond it the least recently used are files. 0: never. Default 0.6. */
  readonly memoryTarget?: number;
  /** Share of it above which results get no more memory than they have; 0 is off. Default 0.7. */
  readonly memorySpill?: number;
  /** Share of it above which a worker takes no new tasks; 0 is off. Default 0.8. */
  readonly memoryPause?: number;
  /** Where workers make their folders for results that are files. Null: they are never files. Default: the system's for such. */
  readonly spillDirectory?: string | null;
  /** JavaScript heap of each slot: bytes, or text. A task that fills it fails; its worker lives on. */
  readonly heapLimit?: number | string;
  /** What each worker has for tasks that ask for it, such as { GPU: 1 }. */
  readonly resources?: Readonly<Record<string, number>>;
  /**
   * GPUs of this machine for tasks that ask for the resource GPU: "auto" (default; those that nvidia-smi lists), so many, or "none". They
   * are dealt out to the workers that the cluster begins with; one that is started later gets those of one that left.
   */
  readonly gpus?: "auto" | "none" | number;
  /** Modules that each slot of each worker loads before its tasks: paths, from the current folder on, or packages. Default none. */
  readonly preload?: readonly string[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The scheduler's port; 0, the default, is any free one. */
  readonly port?: number;
  /** The status page's port; 0, the default, is any free one. */
  readonly dashboardPort?: number;
  /** Workers are watched, and started again when they die. Default true. */
  readonly nanny?: boolean;
  /** Environment of the processes, beside this process's own; of its TASKFLOCK_ variables only those about tensors. */
  readonly env?: Readonly<Record<string, string>>;
  /** How much the processes log on stderr. Default "warn". */
  readonly logLevel?: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** How long the start may take before it fails with FLOCK_CLUSTER_START, milliseconds. Default 30,000. */
  readonly startTimeoutMs?: number;
  readonly roleCommand: RoleCommand;
}

/** Options with nothing left open. */
export interface CompleteOptions {
  readonly workers: number;
  readonly threadsPerWorker: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly gpus: "auto" | "none" | number;
  readonly host: string;
  readonly port: number;
  readonly dashboardPort: number;
  readonly nanny: boolean;
  readonly startTimeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly roleCommand: RoleCommand;
  /** Flags of every role. */
  readonly logFlags: readonly string[];
  /** Flags of every worker. */
  readonly workerFlags: readonly string[];
}

/** A local cluster's scheduler does not come back: nobody need wait for it long. */
export const SCHEDULER_LOST_MS = 5_000;

const size: Check = (value) =>
  (typeof value === "number" && value > 0) || (typeof value === "string" && /^\s*\d+(\.\d+)?\s*[a-z]*\s*$/i.test(value))
    ? null
    : 'bytes, or text such as "2GiB"';
const share: Check = (value) =>
  typeof value === "number" && value >= 0 && value <= 1 ? null : "a share from 0 to 1; 0 is off";
const folder: Check = (value) =>
  value === null || (typeof value === "string" && value !== "") ? null : "a folder, or null";
const port: Check = integerFrom(0, 65_535);
const host: Check = (value) => (typeof value === "string" && value !== "" ? null : "a host name or address");
const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
const amounts: Check = (value) =>
  isRecord(value) &&
  Object.entries(value).every(
    ([name, amount]) => /^[A-Za-z_][\w.-]*$/.test(name) && typeof amount === "number" && amount >= 0,
  )
    ? null
    : "amounts by name, such as { GPU: 1 }";
const strings: Check = (value) =>
  isRecord(value) && Object.values(value).every((item) => typeof item === "string") ? null : "strings by name";
const devices: Check = (value) =>
  value === "auto" || value === "none" || integerFrom(0, 256)(value) === null
    ? null
    : '"auto", "none", or a number of GPUs from 0 to 256';
const modules: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "" && !item.includes(","))
    ? null
    : 'paths or packages, none with a comma in it, such as ["./setup.mjs"]';
const role: Check = (value) =>
  isRecord(value) && typeof value["command"] === "string" && Array.isArray(value["args"]) ? null : "{ command, args }";

export const workerCount: Check = integerFrom(0, 256);

const checks: Checks<LocalClusterOptions> = {
  workers: workerCount,
  threadsPerWorker: integerFrom(1, 1024),
  memoryLimit: size,
  memoryTarget: share,
  memorySpill: share,
  memoryPause: share,
  spillDirectory: folder,
  heapLimit: size,
  resources: amounts,
  gpus: devices,
  preload: modules,
  host,
  port,
  dashboardPort: port,
  nanny: flag,
  env: strings,
  logLevel: oneOf("trace", "debug", "info", "warn", "error", "silent"),
  startTimeoutMs: integerFrom(1, 2 ** 31 - 1),
  roleCommand: role,
};

/** Throws FLOCK_OPTION_INVALID. */
export function completeOptions(raw: LocalClusterOptions): CompleteOptions {
  const options = checkOptions("LocalCluster.start", raw, checks);
  if (options.roleCommand === undefined) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      "LocalCluster.start: roleCommand is needed: how to start the command line.",
    );
  }
  const workers = options.workers ?? Math.min(4, availableParallelism());
  const threadsPerWorker =
    options.threadsPerWorker ?? Math.max(1, Math.floor(availableParallelism() / Math.max(1, workers)));
  return {
    workers,
    threadsPerWorker,
    resources: options.resources ?? {},
    gpus: options.gpus ?? "auto",
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    dashboardPort: options.dashboardPort ?? 0,
    nanny: options.nanny ?? true,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    env: { ...ownEnvironment(), ...options.env },
    roleCommand: options.roleCommand,
    logFlags: ["--log-level", options.logLevel ?? "warn"],
    workerFlags: workerFlags(options, threadsPerWorker),
  };
}

function workerFlags(options: LocalClusterOptions, threads: number): string[] {
  const flags = ["--threads", String(threads), "--host", options.host ?? "127.0.0.1"];
  flags.push("--scheduler-lost-ms", String(SCHEDULER_LOST_MS));
  if (options.memoryLimit !== undefined) flags.push("--memory-limit", String(options.memoryLimit));
  if (options.memoryTarget !== undefined) flags.push("--memory-target", String(options.memoryTarget));
  if (options.memorySpill !== undefined) flags.push("--memory-spill", String(options.memorySpill));
  if (options.memoryPause !== undefined) flags.push("--memory-pause", String(options.memoryPause));
  if (options.spillDirectory !== undefined) flags.push("--spill-directory", options.spillDirectory ?? "off");
  if (options.heapLimit !== undefined) flags.push("--heap-limit", String(options.heapLimit));
  if (options.gpus !== undefined) flags.push("--gpus", String(options.gpus));
  return [...flags, ...workerFlagsOf(options)];
}

/** Flags of workers wherever they run. */
export function workerFlagsOf({
  preload = [],
  resources = {},
}: Pick<LocalClusterOptions, "preload" | "resources">): string[] {
  const amounts = Object.entries(resources).map(([name, amount]) => `${name}=${amount}`);
  const flags = preload.flatMap((module) => ["--preload", module]);
  return amounts.length === 0 ? flags : [...flags, "--resources", amounts.join(",")];
}

/** What says how this machine computes with tensors: it holds for the cluster's processes, too. */
const ofTheMachine = new Set(["TASKFLOCK_TENSOR_BACKEND", "TASKFLOCK_TENSORFLOW_HOME"]);

/** Flags are environment variables too: those of this process are not meant for the cluster's. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const isMeant = (name: string): boolean => !name.startsWith("TASKFLOCK_") || ofTheMachine.has(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isMeant(name)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
