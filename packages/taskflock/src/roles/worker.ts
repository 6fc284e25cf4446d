// The worker's processes: nannies, each with a worker below it; or one worker without.

import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Trust } from "@taskflock/protocol/links";
import { isFlockError } from "@taskflock/protocol/words";
import {
  type FoundGpus,
  type GpuDeal,
  type GpuWish,
  gpusToGive,
  hideGpus,
  joinNanny,
  loadWorker,
  type NannyLink,
  type RunningNanny,
  type RunningWorker,
  type SpotOptions,
  startNanny,
  startWorker,
  type WorkerOptions,
} from "@taskflock/worker";
import type { Logger } from "pino";
import { createLogger, type LogLevel } from "../logger.ts";
import { announceReady, onStop, tokenFromDescriptor } from "../process.ts";
import { memoryShare } from "../values.ts";
import { keepHealthFile } from "./health-file.ts";

export interface WorkerFlags {
  readonly threads: number;
  readonly processes: number;
  readonly memoryLimit?: number;
  /** Shares of the memory limit; 0 is off. */
  readonly memoryTarget: number;
  readonly memorySpill: number;
  readonly memoryPause: number;
  /** Or "off". */
  readonly spillDirectory?: string;
  readonly heapLimit?: number;
  readonly resources: Record<string, number>;
  readonly gpus: GpuWish;
  readonly gpuDeal: GpuDeal;
  readonly backend?: string;
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly advertise?: string;
  readonly relay: "auto" | "always";
  readonly nanny: boolean;
  readonly checkArguments: boolean;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly tokenFd?: number;
  readonly healthFile?: string;
  readonly schedulerLostMs: number;
  /** Milliseconds. */
  readonly lifetime?: number;
  readonly lifetimeStagger?: number;
  readonly lifetimeRestart: boolean;
  readonly spot: NonNullable<SpotOptions["mode"]>;
  readonly spotRebalance: NonNullable<SpotOptions["rebalance"]>;
  /** Milliseconds. */
  readonly spotMargin: number;
  readonly spotInterval: number;
  readonly spotMetadata: string;
  /** Paths or packages. */
  readonly preload: readonly string[];
  readonly logLevel: LogLevel;
  readonly readyFd?: number;
  readonly exitOnStdinEnd: boolean;
}

/** Runs until the workers have left, or were told to stop. */
export async function runWorkers(address: string, flags: WorkerFlags): Promise<void> {
  const logger = createLogger(flags.logLevel, "worker");
  await checkAdvertised(flags);
  await checkLifetime(flags);
  // Its slots' environment is made from this one.
  if (flags.backend !== undefined) process.env["TASKFLOCK_TENSOR_BACKEND"] = flags.backend;
  if (flags.nanny || flags.processes > 1) return runNannies(address, flags, logger);
  const [nanny] = await Promise.all([joinNanny(), loadWorker()]);
  await runWorker(address, flags, nanny, logger);
}

async function checkAdvertised({ advertise, processes }: WorkerFlags): Promise<void> {
  if (advertise === undefined) return;
  const { FlockError, parseAddress } = await import("@taskflock/protocol/links");
  parseAddress(advertise);
  if (!/:\d+\/?$/.test(advertise)) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `--advertise ${advertise} has no port: give host:port, where others reach --port.`,
    );
  }
  if (processes === 1) return;
  const text = `--advertise ${advertise} names one port, and ${processes} processes have one each. Start them one by one, each with its own --port and --advertise.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

/** Flags that mean nothing without another. */
async function checkLifetime({ lifetime, lifetimeStagger, lifetimeRestart }: WorkerFlags): Promise<void> {
  if (lifetime !== undefined || (!lifetimeRestart && lifetimeStagger === undefined)) return;
  const { FlockError } = await import("@taskflock/protocol/links");
  const which = lifetimeRestart ? "--lifetime-restart" : "--lifetime-stagger";
  throw new FlockError("FLOCK_OPTION_INVALID", `${which} needs a --lifetime, such as --lifetime 12h.`);
}

/** The scheduler's token, when there is a scheduler: a worker may be started before it, and again while it is away. */
async function tokenOf(
  address: string,
  flags: WorkerFlags,
  logger: Logger,
  nanny: NannyLink | null = null,
): Promise<string> {
  const waiting = { address, waitMs: flags.schedulerLostMs, logger };
  const given = nanny?.token ?? (flags.tokenFd === undefined ? null : await tokenFromDescriptor(flags.tokenFd));
  const { awaitScheduler, tokenWhenThere } = await import("./await-scheduler.ts");
  if (given === null) return tokenWhenThere(waiting, flags.tokenFile);
  await awaitScheduler(waiting);
  return given;
}

async function trustOf({ tlsCa }: WorkerFlags): Promise<Trust> {
  const { readTrust } = await import("@taskflock/protocol/links");
  return readTrust(tlsCa);
}

function nameOf(flags: WorkerFlags): string {
  return flags.name ?? `${hostname()}-${process.pid}`;
}

async function runWorker(address: string, flags: WorkerFlags, nanny: NannyLink | null, logger: Logger): Promise<void> {
  const worker = await joinScheduler(address, flags, nanny, logger);
  onStop(
    {
      stop: (reason) => worker.retire(reason),
      hurry: () => void worker.close(),
      orphaned: () => void worker.close(),
    },
    { stdinEnd: flags.exitOnStdinEnd },
  );
  void nanny?.gone.then(() => worker.close());
  if (nanny === null) announceReady(flags.readyFd, { workers: [{ name: worker.name, pid: process.pid }] });
  const health = flags.healthFile === undefined ? null : keepHealthFile(flags.healthFile, logger);
  const exit = await worker.done;
  health?.remove();
  await nanny?.leaving(exit);
  if (exit.error !== null) logger.error({ err: exit.error }, "the worker ended");
  // A thread that native code holds would not let go in an orderly end.
  if (exit.restart && nanny === null) process.kill(process.pid, "SIGKILL");
  process.exit(exit.error === null ? 0 : 1);
}

/** Answers that the next worker would only get again. */
const FINAL: ReadonlySet<string> = new Set([
  ...["FLOCK_CONNECTION_REFUSED", "FLOCK_NOT_A_SCHEDULER", "FLOCK_VERSION_MISMATCH"],
  ...["FLOCK_UNAUTHORIZED", "FLOCK_FORBIDDEN", "FLOCK_PRELOAD_FAILED"],
  ...["FLOCK_GPU_UNAVAILABLE", "FLOCK_OPTION_INVALID"],
  ...["FLOCK_TLS_REQUIRED", "FLOCK_TLS_NOT_SPOKEN", "FLOCK_CERTIFICATE_FILE"],
  ...["FLOCK_CERTIFICATE_UNTRUSTED", "FLOCK_CERTIFICATE_NAME", "FLOCK_CERTIFICATE_EXPIRED"],
]);

async function joinScheduler(
  address: string,
  flags: WorkerFlags,
  nanny: NannyLink | null,
  logger: Logger,
): Promise<RunningWorker> {
  await warnAboutHost(address, flags, logger);
  try {
    return await startWorker(await workerOptions(address, flags, nanny, logger));
  } catch (error) {
    if (isFlockError(error) && FINAL.has(error.code)) await nanny?.leaving({ how: "gone", error, restart: false });
    throw error;
  }
}

async function workerOptions(
  address: string,
  flags: WorkerFlags,
  nanny: NannyLink | null,
  logger: Logger,
): Promise<WorkerOptions> {
  const [token, gpus] = await Promise.all([tokenOf(address, flags, logger, nanny), takeGpus(flags, logger)]);
  return {
    address,
    trust: await trustOf(flags),
    token,
    name: nameOf(flags),
    slots: flags.threads,
    resources: flags.resources,
    gpus,
    memoryLimitBytes: flags.memoryLimit ?? memoryShare(1),
    memoryTarget: flags.memoryTarget,
    memorySpill: flags.memorySpill,
    memoryPause: flags.memoryPause,
    ...spillDirectoryOf(flags),
    heapLimitMb: Math.ceil((flags.heapLimit ?? 0) / 1024 ** 2),
    peerHost: flags.host,
    peerPort: flags.port,
    relay: flags.relay,
    ...(flags.advertise === undefined ? {} : { advertise: flags.advertise }),
    checkArguments: flags.checkArguments,
    schedulerLostMs: flags.schedulerLostMs,
    lifetimeMs: flags.lifetime ?? 0,
    lifetimeStaggerMs: flags.lifetimeStagger ?? 0,
    lifetimeRestart: flags.lifetimeRestart,
    spot: spotOf(flags),
    onSpotEnd: () => nanny?.last(),
    preload: flags.preload,
    logger,
    ...(nanny === null ? {} : { incarnation: nanny.incarnation, nanny: true }),
  };
}

/**
 * Tasks see the devices that they ask for, and they ask for them in processes of their own: this process and its threads see none. Where
 * GPUs are named by hand as a resource, the user gives them out.
 */
async function takeGpus({ gpus, gpuDeal, resources }: WorkerFlags, logger: Logger): Promise<FoundGpus["gpus"]> {
  const byHand = Object.hasOwn(resources, "GPU");
  if (byHand && typeof gpus === "number" && gpus > 0) {
    const text = `--gpus ${gpus} and --resources GPU=${resources["GPU"]} both say how many GPUs there are. Give one of them: with --gpus each task gets a process that sees its devices.`;
    const { FlockError } = await import("@taskflock/protocol/words");
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  if (byHand) return [];
  const found = await gpusToGive(gpus, gpuDeal);
  if (found.trouble) logger.warn(`no GPU is given out: ${found.why}`);
  if (found.there > 0) hideGpus(process.env);
  if (found.gpus.length > 0) {
    logger.info({ gpus: found.gpus.map(({ device, name }) => `${device}: ${name}`) }, "GPUs for tasks");
  }
  return found.gpus;
}

function spillDirectoryOf({ spillDirectory }: WorkerFlags): { readonly spillDirectory?: string | null } {
  if (spillDirectory === undefined) return {};
  return { spillDirectory: /^(0|off)$/i.test(spillDirectory) ? null : resolve(spillDirectory) };
}

function spotOf(flags: WorkerFlags): SpotOptions {
  return {
    mode: flags.spot,
    rebalance: flags.spotRebalance,
    marginMs: flags.spotMargin,
    intervalMs: flags.spotInterval,
    metadataUrl: flags.spotMetadata,
  };
}

/** Peers on other machines cannot reach loopback. */
async function warnAboutHost(address: string, { host }: WorkerFlags, logger: Logger): Promise<void> {
  const { isLoopback, parseAddress } = await import("@taskflock/protocol/links");
  if (isLoopback(host) && !isLoopback(parseAddress(address).host)) {
    logger.warn(
      { host },
      "the scheduler is on another machine, but this worker's results can be fetched only from this one, and go through the scheduler to all others; pass --host",
    );
  }
}

async function runNannies(address: string, flags: WorkerFlags, logger: Logger): Promise<void> {
  const trust = await trustOf(flags);
  const token = tokenOf(address, flags, logger);
  token.catch(() => undefined); // each nanny tells it, once its modules are loaded
  const stem = nameOf(flags);
  const nannies = await Promise.all(
    Array.from({ length: flags.processes }, (_, index) => {
      const name = flags.processes === 1 ? stem : `${stem}-${index + 1}`;
      const memoryLimitBytes = flags.memoryLimit ?? memoryShare(flags.processes);
      const args = [
        ...process.execArgv,
        process.argv[1] ?? "",
        ...workerArguments(address, { ...flags, name, memoryLimit: memoryLimitBytes, gpuDeal: dealt(flags, index) }),
      ];
      const spilling = spillDirectoryOf(flags);
      const common = { memoryLimitBytes, ...spilling, address, trust, token, name, logger };
      return startNanny({ command: process.execPath, args, ...common });
    }),
  );
  onStop(
    {
      stop: (reason) => nannies.forEach((nanny) => void nanny.stop(reason)),
      hurry: () => nannies.forEach((nanny) => void nanny.close()),
      orphaned: () => nannies.forEach((nanny) => void nanny.close()),
    },
    { stdinEnd: flags.exitOnStdinEnd },
  );
  announceReady(flags.readyFd, { nanny: process.pid, workers: nannies.map(({ pid }) => ({ pid })) });
  process.exitCode = await endOf(nannies);
}

/** The processes share what this one would have. */
function dealt({ gpuDeal, processes }: WorkerFlags, index: number): GpuDeal {
  return { index: gpuDeal.index + index * gpuDeal.of, of: gpuDeal.of * processes };
}

async function endOf(nannies: readonly RunningNanny[]): Promise<number> {
  const exits = await Promise.all(nannies.map(({ done }) => done));
  for (const { error } of exits)
    if (error !== null) process.stderr.write(`taskflock: ${error.message} (${error.code})\n`);
  return exits.every(({ error }) => error === null) ? 0 : 1;
}

/**
 * The command line of a worker below its nanny; the token comes over their channel. It says all that an environment variable could
 * say otherwise: the worker is to be one process, and no nanny, whatever TASKFLOCK_PROCESSES is.
 */
export function workerArguments(address: string, flags: WorkerFlags): string[] {
  const resources = Object.entries(flags.resources).map(([name, amount]) => `${name}=${amount}`);
  return [
    "worker",
    address,
    "--no-nanny",
    ...["--processes", "1"],
    ...["--threads", String(flags.threads)],
    ...["--name", flags.name ?? ""],
    ...["--host", flags.host],
    ...["--port", String(flags.processes === 1 ? flags.port : 0)],
    ...(flags.advertise === undefined ? [] : ["--advertise", flags.advertise]),
    ...["--relay", flags.relay],
    ...(flags.tlsCa === undefined ? [] : ["--tls-ca", resolve(flags.tlsCa)]),
    ...["--memory-limit", String(flags.memoryLimit ?? 0)],
    ...["--memory-target", String(flags.memoryTarget)],
    ...["--memory-spill", String(flags.memorySpill)],
    ...["--memory-pause", String(flags.memoryPause)],
    ...(flags.spillDirectory === undefined ? [] : ["--spill-directory", flags.spillDirectory]),
    ...["--scheduler-lost-ms", String(flags.schedulerLostMs)],
    ...["--log-level", flags.logLevel],
    ...(flags.heapLimit === undefined ? [] : ["--heap-limit", String(flags.heapLimit)]),
    ...(resources.length === 0 ? [] : ["--resources", resources.join(",")]),
    ...["--gpus", String(flags.gpus)],
    ...["--gpu-deal", `${flags.gpuDeal.index}/${flags.gpuDeal.of}`],
    ...(flags.backend === undefined ? [] : ["--backend", flags.backend]),
    ...(flags.checkArguments ? ["--check-arguments"] : []),
    ...(flags.healthFile === undefined ? [] : ["--health-file", resolve(flags.healthFile)]),
    ...(flags.lifetime === undefined ? [] : ["--lifetime", `${flags.lifetime}ms`]),
    ...(flags.lifetimeStagger === undefined ? [] : ["--lifetime-stagger", `${flags.lifetimeStagger}ms`]),
    ...(flags.lifetimeRestart ? ["--lifetime-restart"] : []),
    ...["--spot", flags.spot, "--spot-rebalance", flags.spotRebalance, "--spot-metadata", flags.spotMetadata],
    ...["--spot-margin", `${flags.spotMargin}ms`, "--spot-interval", `${flags.spotInterval}ms`],
    ...(flags.preload.length === 0 ? [] : ["--preload", flags.preload.join(",")]),
  ];
}
