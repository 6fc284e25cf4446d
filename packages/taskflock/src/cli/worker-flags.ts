import { logLevels } from "../logger.ts";
import {
  byteSize,
  cores,
  descriptorNumber,
  duration,
  gpuDeal,
  gpus,
  integer,
  modules,
  port,
  resources,
  share,
} from "../values.ts";
import type { Flag } from "./flag-table.ts";
import { trustFlag } from "./tls-flags.ts";

/** As @taskflock/tensors names them, which is not loaded for this; a test holds both together. */
const tensorBackends = ["node-gpu", "node", "webgpu", "wasm", "cpu"] as const;

/** How much each process has and may use. */
const capacityFlags: readonly Flag[] = [
  {
    flags: "--threads <n>",
    description: "slots of each process: tasks it runs at once",
    variable: "THREADS",
    preset: cores(),
    presetText: "the machine's cores",
    parse: integer(1, 1024),
  },
  {
    flags: "--processes <n>",
    description: "worker processes",
    variable: "PROCESSES",
    preset: 1,
    parse: integer(1, 256),
  },
  {
    flags: "--memory-limit <size>",
    description:
      "memory of each process, e.g. 4GiB; above it the nanny restarts it (default: an even share of the machine's)",
    variable: "MEMORY_LIMIT",
    parse: byteSize,
  },
  {
    flags: "--memory-target <share>",
    description: "share of that which results take in memory; beyond it the least recently used are files; off: never",
    variable: "MEMORY_TARGET",
    preset: 0.6,
    parse: share,
  },
  {
    flags: "--memory-spill <share>",
    description: "share of the limit above which results get no more memory than they have; or off",
    variable: "MEMORY_SPILL",
    preset: 0.7,
    parse: share,
  },
  {
    flags: "--memory-pause <share>",
    description: "share of the limit above which it takes no new tasks; or off",
    variable: "MEMORY_PAUSE",
    preset: 0.8,
    parse: share,
  },
  {
    flags: "--spill-directory <folder>",
    description: "where the folder for results that are files is made, or off (default: the system's for such)",
    variable: "SPILL_DIRECTORY",
  },
  {
    flags: "--heap-limit <size>",
    description: "JavaScript heap of each slot; a task that fills it fails, its worker does not (default: Node's own)",
    variable: "HEAP_LIMIT",
    parse: byteSize,
  },
  {
    flags: "--resources <list>",
    description: "named resources that tasks can ask for, e.g. GPU=1,disk=0.5",
    variable: "RESOURCES",
    preset: {},
    presetText: "none",
    parse: resources,
  },
  {
    flags: "--gpus <devices>",
    description:
      "GPUs that tasks can ask for as the resource GPU: auto (those that nvidia-smi lists), a number of them, or none",
    variable: "GPUS",
    preset: "auto",
    parse: gpus,
  },
  {
    flags: "--gpu-deal <i/n>",
    description: "of those only each n-th, from the i-th on, counted from 0: n workers share one machine's ",
    variable: "GPU_DEAL",
    preset: { index: 0, of: 1 },
    presetText: "0/1: all",
    parse: gpuDeal,
  },
  {
    flags: "--backend <name>",
    description: "what TensorFlow.js computes with in its tasks (default: the best that works)",
    variable: "TENSOR_BACKEND",
    choices: tensorBackends,
  },
];

/** Who it is, where it is reached, whom it trusts. */
const placeFlags: readonly Flag[] = [
  {
    flags: "--name <name>",
    description: "a readable name (default: host and process); with --processes, -1, -2 … is added",
    variable: "NAME",
  },
  {
    flags: "--host <host>",
    description: "address on which peers and clients fetch its results",
    variable: "WORKER_HOST",
    preset: "127.0.0.1",
  },
  {
    flags: "--port <port>",
    description: "port for that; 0 chooses a free one",
    variable: "WORKER_PORT",
    preset: 0,
    parse: port,
  },
  {
    flags: "--advertise <address>",
    description: "host:port at which others reach its results, if not where it listens (a forwarded port, a container)",
    variable: "ADVERTISE",
  },
  {
    flags: "--relay <when>",
    description: "whether others get its results through the scheduler: when they cannot reach it, or always",
    variable: "RELAY",
    preset: "auto",
    choices: ["auto", "always"],
  },
  {
    flags: "--no-nanny",
    description: "run in this process, without the parent that restarts it and watches its memory",
    variable: "NO_NANNY",
  },
  {
    flags: "--check-arguments",
    description: "hash shared arrays before and after each task, and fail the task that changed one",
    variable: "CHECK_ARGUMENTS",
    preset: false,
  },
  {
    flags: "--scheduler-lost-ms <ms>",
    description: "how long to wait for a scheduler that is gone, or not there yet, milliseconds",
    variable: "SCHEDULER_LOST_MS",
    preset: 300_000,
    parse: integer(0, 2 ** 31 - 1),
  },
  {
    flags: "--lifetime <time>",
    description: "retire after so long, e.g. 90s, 30m or 12h; what runs is finished (default: never)",
    variable: "LIFETIME",
    parse: duration,
  },
  {
    flags: "--lifetime-stagger <time>",
    description: "the lifetime is longer or shorter by up to so much, drawn anew for each worker (default: 0s)",
    variable: "LIFETIME_STAGGER",
    parse: duration,
  },
  {
    flags: "--lifetime-restart",
    description: "at the end of its lifetime the nanny starts the worker again",
    variable: "LIFETIME_RESTART",
    preset: false,
  },
  {
    flags: "--preload <modules>",
    description:
      "modules that each slot loads before its tasks, e.g. ./setup.mjs; several with commas, or the flag again ",
    variable: "PRELOAD",
    preset: [],
    presetText: "none",
    parse: modules,
    repeats: true,
  },
  {
    flags: "--token-file <file>",
    description: "file that holds the scheduler's token (default: where a local scheduler left it)",
    variable: "TOKEN_FILE",
  },
  trustFlag,
  {
    flags: "--log-level <level>",
    description: "how much is logged",
    variable: "LOG_LEVEL",
    preset: "info",
    choices: logLevels,
  },
  { flags: "--token-fd <fd>", description: "descriptor that the token is read from", parse: descriptorNumber },
  {
    flags: "--health-file <file>",
    description: "a file that is written anew every 5 s while the worker is joined and answers, for health checks",
    variable: "HEALTH_FILE",
  },
  {
    flags: "--ready-fd <fd>",
    description: "descriptor that one line of JSON is written to when the worker has joined",
    parse: descriptorNumber,
  },
  { flags: "--exit-on-stdin-end", description: "stop when stdin ends: with the parent process", preset: false },
];

/** Of workers on instances that the cloud may take away. */
const spotFlags: readonly Flag[] = [
  {
    flags: "--spot <when>",
    description:
      "retire in time when the instance's metadata says that it ends: on; auto: where it says that it is a spot instance",
    variable: "SPOT",
    preset: "off",
    choices: ["auto", "on", "off"],
  },
  {
    flags: "--spot-rebalance <what>",
    description: "what a recommendation to rebalance does: an event, or the worker retires, however long that takes",
    variable: "SPOT_REBALANCE",
    preset: "note",
    choices: ["note", "retire"],
  },
  {
    flags: "--spot-margin <time>",
    description: "the worker is gone by so long before its instance ends, e.g. 10s",
    variable: "SPOT_MARGIN",
    preset: 10_000,
    presetText: "10s",
    parse: duration,
  },
  {
    flags: "--spot-interval <time>",
    description: "how often the metadata is looked at, e.g. 5s",
    variable: "SPOT_INTERVAL",
    preset: 5_000,
    presetText: "5s",
    parse: duration,
  },
  {
    flags: "--spot-metadata <url>",
    description: "where the instance metadata service is",
    variable: "SPOT_METADATA",
    preset: "http://169.254.169.254",
  },
];

/** Of `taskflock worker`; they make `WorkerFlags`. */
export const workerFlags: readonly Flag[] = [
  { flags: "--address <address>", description: "the same, as a flag", variable: "ADDRESS" },
  ...capacityFlags,
  ...placeFlags,
  ...spotFlags,
];
