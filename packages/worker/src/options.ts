import { availableParallelism, totalmem } from "node:os";
import {
  FlockError,
  GPU_RESOURCE,
  NO_CA,
  parseAddress,
  RESOURCE_UNIT,
  type Trust,
  type WorkerHello,
} from "@taskflock/protocol";
import type { Logger } from "pino";
import type { Gpu } from "./gpus/find.ts";
import { defaultSpillDirectory } from "./spill/spill-folder.ts";
import { type CompleteSpotOptions, completeSpot, type SpotOptions } from "./spot/options.ts";

export interface WorkerOptions {
  /** Of the scheduler: host:port, ws://host:port or wss://host:port. */
  readonly address: string;
  /** How the scheduler is known to be the right one. Default: TLS only where the address says wss://, and the CAs that Node trusts. */
  readonly trust?: Trust;
  readonly token: string;
  /** The scheduler makes it unique. */
  readonly name: string;
  /** Tasks that run at the same time, each in a thread of its own. Default: the machine's cores. */
  readonly slots?: number;
  /** Named resources and how much of each there is, e.g. `{ GPU: 1 }`. Default none. */
  readonly resources?: Readonly<Record<string, number>>;
  /** What the process is to stay below, bytes. 0 (default): the machine's memory. */
  readonly memoryLimitBytes?: number;
  /** Share of the memory limit that results take in memory at most; beyond it they are files. 0: they are never files. Default 0.6. */
  readonly memoryTarget?: number;
  /** Share of the limit above which results get no more memory than they have, whatever their target. 0: none. Default 0.7. */
  readonly memorySpill?: number;
  /** Share of the limit above which the worker takes no new tasks. 0: none. Default 0.8. */
  readonly memoryPause?: number;
  /** Where the folder for results that are files is made. Null: nowhere, they are never files. Default: the system's for such. */
  readonly spillDirectory?: string | null;
  /** JavaScript heap of a slot, MiB. 0 (default): the engine's own limit. */
  readonly heapLimitMb?: number;
  /** Where others reach this worker's data; also the interface it listens on. Default 127.0.0.1. */
  readonly peerHost?: string;
  /**
   * `auto` (default): whoever cannot reach this worker's data directly gets it through the scheduler. `always`: nobody is told to try
   * directly, for a worker that is known to be behind an address translation or a firewall.
   */
  readonly relay?: "auto" | "always";
  /**
   * host:port at which others are told to reach its data, where that is not where it listens: behind a forwarded port or a container's
   * network. Default "": where it listens.
   */
  readonly advertise?: string;
  /** 0 (default): any free port. */
  readonly peerPort?: number;
  readonly logger: Logger;
  /** How long a lost scheduler is waited for, milliseconds. Default 5 minutes. */
  readonly schedulerLostMs?: number;
  /** How long a planned stop may take after `retire`, milliseconds. Default 30 s. */
  readonly retireDeadlineMs?: number;
  /** Hash shared arguments before and after each task, and fail a task that changed one. Default false. */
  readonly checkArguments?: boolean;
  /** Encoded bytes whose decoded values each slot keeps for later tasks. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** GPUs that it gives out to tasks that ask for the resource GPU, each of them to one or to shares of several. Default none. */
  readonly gpus?: readonly Gpu[];
  /** Random id of this process. Default: made here. A nanny gives its own. */
  readonly incarnation?: string;
  /** A nanny watches this process, and starts the worker again when it asks for that. Default false. */
  readonly nanny?: boolean;
  /** Modules that each slot loads before anything else: paths, from the current folder on, or packages. Default none. */
  readonly preload?: readonly string[];
  /** After so long the worker retires by itself, milliseconds; 0 (default): never. It finishes what it runs, however long that takes. */
  readonly lifetimeMs?: number;
  /** The lifetime is longer or shorter by up to so much, drawn anew for each worker, milliseconds: so that not all leave at once. Default 0. */
  readonly lifetimeStaggerMs?: number;
  /** At the end of its lifetime the worker is started again by its nanny. Default false. */
  readonly lifetimeRestart?: boolean;
  /** Whether, and how, it is looked for notices that the spot instance below it is taken away. Default: it is not. */
  readonly spot?: SpotOptions;
  /** Is called when such a notice has come: no other worker is to be started on this machine. */
  readonly onSpotEnd?: () => void;
}

export interface CompleteWorkerOptions extends Required<WorkerOptions> {
  readonly spot: CompleteSpotOptions;
  /** Bound on the arena, bytes. */
  readonly arenaLimitBytes: number;
}

/** The share of the memory limit that results may take; code, heaps and buffers need the rest. */
const ARENA_SHARE = 0.6;
const SHARES: Pick<Required<WorkerOptions>, "memoryTarget" | "memorySpill" | "memoryPause"> = {
  memoryTarget: ARENA_SHARE,
  memorySpill: 0.7,
  memoryPause: 0.8,
};
/** The longest wait of a timer, milliseconds. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;
const MIN_ARENA_BYTES: number = 16 * 1024 * 1024;

/** Fills in defaults; throws `FLOCK_OPTION_INVALID`. */
export function completeOptions(options: WorkerOptions): CompleteWorkerOptions {
  const gpus = options.gpus ?? [];
  // A task with a GPU is one of those that run at the same time: as many as there are devices, at least.
  const slots = Math.max(options.slots ?? availableParallelism(), gpus.length);
  if (!Number.isInteger(slots) || slots < 1 || slots > 1024) throw invalid("slots", slots, "an integer from 1 to 1024");
  const memoryLimitBytes = options.memoryLimitBytes || totalmem();
  if (options.advertise) parseAddress(options.advertise);
  if (!(memoryLimitBytes > 0)) throw invalid("memoryLimitBytes", memoryLimitBytes, "a number of bytes");
  const { memoryTarget, memorySpill, memoryPause } = options;
  const shares = { ...SHARES, ...definedOf({ memoryTarget, memorySpill, memoryPause }) } as typeof SHARES;
  for (const [name, share] of Object.entries(shares))
    if (!(share >= 0 && share <= 1))
      throw invalid(name, share, "a share of the memory limit from 0 to 1; 0 turns it off");
  for (const name of ["lifetimeMs", "lifetimeStaggerMs"] as const) {
    const ms = options[name] ?? 0;
    if (!(typeof ms === "number" && ms >= 0 && ms <= MAX_TIMER_MS))
      throw invalid(name, ms, `milliseconds from 0 to ${MAX_TIMER_MS} (24.8 days); 0 is none`);
  }
  if (!["auto", "always"].includes(options.relay ?? "auto"))
    throw invalid("relay", options.relay, '"auto" or "always"');
  if (options.lifetimeRestart === true && options.nanny !== true)
    throw invalid("lifetimeRestart", true, "true only where a nanny starts the worker again");
  if (gpus.length > 0 && options.resources?.[GPU_RESOURCE] !== undefined)
    throw invalid(
      `resources.${GPU_RESOURCE}`,
      options.resources[GPU_RESOURCE],
      "nothing where gpus says what is there",
    );
  return {
    trust: NO_CA,
    heapLimitMb: 0,
    peerHost: "127.0.0.1",
    peerPort: 0,
    relay: "auto",
    advertise: "",
    schedulerLostMs: 300_000,
    retireDeadlineMs: 30_000,
    checkArguments: false,
    cacheBytes: 256 * 1024 * 1024,
    incarnation: crypto.randomUUID(),
    nanny: false,
    preload: [],
    lifetimeMs: 0,
    lifetimeStaggerMs: 0,
    lifetimeRestart: false,
    onSpotEnd: () => undefined,
    ...definedOf(options),
    spot: completeSpot(options.spot),
    ...shares,
    slots,
    gpus,
    resources: { ...options.resources, ...(gpus.length > 0 ? { [GPU_RESOURCE]: gpus.length } : {}) },
    memoryLimitBytes,
    spillDirectory: shares.memoryTarget === 0 ? null : spillDirectoryOf(options),
    arenaLimitBytes: Math.max(MIN_ARENA_BYTES, Math.floor(memoryLimitBytes * (shares.memoryTarget || ARENA_SHARE))),
  };
}

function spillDirectoryOf({ spillDirectory }: WorkerOptions): string | null {
  return spillDirectory === undefined ? defaultSpillDirectory() : spillDirectory;
}

/** What it says of itself to the scheduler. `peerAddress`: where others reach its data. */
export function helloOf(options: CompleteWorkerOptions, peerAddress: string): WorkerHello {
  const { name, incarnation, nanny, slots, resources, memoryLimitBytes } = options;
  return {
    name,
    incarnation,
    nanny,
    pid: process.pid,
    slots,
    resources: resourceUnits(resources),
    memoryLimitBytes,
    peerAddress,
  };
}

/** Amounts in the wire's units. */
function resourceUnits(resources: Readonly<Record<string, number>>): Record<string, number> {
  const units: Record<string, number> = {};
  for (const [name, amount] of Object.entries(resources)) {
    if (!(amount > 0) || !Number.isFinite(amount)) throw invalid(`resources.${name}`, amount, "an amount above 0");
    units[name] = Math.round(amount * RESOURCE_UNIT);
  }
  return units;
}

/** An option that is `undefined` is one that was not given. */
function definedOf<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function invalid(name: string, value: unknown, takes: string): FlockError {
  return new FlockError("FLOCK_OPTION_INVALID", `The worker's option ${name} is ${String(value)}; it takes ${takes}.`);
}
