import { logLevels } from "../logger.ts";
import { byteSizeFrom, descriptorNumber, duration, integer, modules, names, port } from "../values.ts";
import type { Flag } from "./flag-table.ts";
import { certificateFlags, trustFlag } from "./tls-flags.ts";

/** Of both. */
const pageFlags: readonly Flag[] = [
  {
    flags: "--audit-log <file>",
    description:
      "file that a line is appended to for each who came, was refused, or did something; -: the log (default: none)",
    variable: "AUDIT_LOG",
  },
  {
    flags: "--dashboard-allowed-hosts <names>",
    description:
      "names by which a proxy or the network knows the page, with commas; requests that name others are refused (default: on loopback its names, elsewhere any)",
    variable: "DASHBOARD_ALLOWED_HOSTS",
    parse: names,
  },
];

/** Of `taskflock dashboard`; they make `DashboardFlags`. */
export const dashboardFlags: readonly Flag[] = [
  { flags: "--host <host>", description: "address to listen on", variable: "DASHBOARD_HOST", preset: "127.0.0.1" },
  {
    flags: "--port <port>",
    description: "port to listen on; 0 chooses a free one",
    variable: "DASHBOARD_PORT",
    preset: 8787,
    parse: port,
  },
  {
    flags: "--token-file <file>",
    description: "file that holds the scheduler's token (default: where a local scheduler left it)",
    variable: "TOKEN_FILE",
  },
  ...pageFlags,
  ...certificateFlags,
  trustFlag,
  {
    flags: "--insecure",
    description: "accept plain text on an address beyond loopback; warns at every start",
    variable: "INSECURE",
    preset: false,
  },
  {
    flags: "--log-level <level>",
    description: "how much is logged",
    variable: "LOG_LEVEL",
    preset: "info",
    choices: logLevels,
  },
  {
    flags: "--ready-fd <fd>",
    description: "descriptor that one line of JSON is written to when the page is served",
    parse: descriptorNumber,
  },
  { flags: "--exit-on-stdin-end", description: "stop when stdin ends: with the parent process", preset: false },
];

/** Of `taskflock scheduler`; they make `SchedulerFlags`. */
export const schedulerFlags: readonly Flag[] = [
  { flags: "--host <host>", description: "address to listen on", variable: "HOST", preset: "127.0.0.1" },
  {
    flags: "--port <port>",
    description: "port for clients and workers; 0 chooses a free one",
    variable: "PORT",
    preset: 8786,
    parse: port,
  },
  {
    flags: "--dashboard-host <host>",
    description: "address of the status page (default: --host)",
    variable: "DASHBOARD_HOST",
  },
  {
    flags: "--dashboard-port <port>",
    description: "port of the status page; 0 chooses a free one",
    variable: "DASHBOARD_PORT",
    preset: 8787,
    parse: port,
  },
  {
    flags: "--token-file <file>",
    description: "file that holds the token (default: one is made and left where local clients find it)",
    variable: "TOKEN_FILE",
  },
  {
    flags: "--worker-token-file <file>",
    description:
      "file that holds a second token, with which workers join and nobody manages the cluster (default: none; workers join with the token)",
    variable: "WORKER_TOKEN_FILE",
  },
  {
    flags: "--users-file <file>",
    description:
      "file of users, as `taskflock user` writes it; they come beside those who have the token (default: none)",
    variable: "USERS_FILE",
  },
  ...pageFlags,
  ...certificateFlags,
  {
    flags: "--insecure",
    description: "accept plain text on an address beyond loopback; warns at every start",
    variable: "INSECURE",
    preset: false,
  },
  { flags: "--record <file>", description: "record every event, for `taskflock replay`", variable: "RECORD" },
  {
    flags: "--max-frame-bytes <size>",
    description: "largest frame that is accepted",
    variable: "MAX_FRAME_BYTES",
    preset: 4 * 1024 * 1024,
    presetText: "4MiB",
    parse: byteSizeFrom(128 * 1024, 1024 ** 3),
  },
  {
    flags: "--admission-bytes <size>",
    description: "what the unfinished tasks of one client may take here; further ones wait in the client",
    variable: "ADMISSION_BYTES",
    preset: 256 * 1024 * 1024,
    presetText: "256MiB",
    parse: byteSizeFrom(64 * 1024, 1024 ** 4),
  },
  {
    flags: "--session-reconnect <time>",
    description: "how long a client that was cut off may take to come back before what it holds, locks too, is let go",
    variable: "SESSION_RECONNECT",
    preset: 30_000,
    presetText: "30s",
    parse: duration,
  },
  {
    flags: "--max-relays <count>",
    description: "transfers at once that go through the scheduler, between ends that cannot reach each other; 0: none",
    variable: "MAX_RELAYS",
    preset: 16,
    parse: integer(0, 10_000),
  },
  {
    flags: "--preload <modules>",
    description:
      "modules to load in its process before it is ready, e.g. ./setup.mjs; several with commas, or the flag again",
    variable: "PRELOAD_SCHEDULER",
    preset: [],
    presetText: "none",
    parse: modules,
    repeats: true,
  },
  {
    flags: "--idle-timeout <time>",
    description:
      "end, and let the workers leave, when no task was there to be done for so long, e.g. 30m (default: never)",
    variable: "IDLE_TIMEOUT",
    parse: duration,
  },
  {
    flags: "--log-level <level>",
    description: "how much is logged",
    variable: "LOG_LEVEL",
    preset: "info",
    choices: logLevels,
  },
  {
    flags: "--token-fd <fd>",
    description: "descriptor that the token is read from, and the workers' from a second line, if there is one",
    parse: descriptorNumber,
  },
  {
    flags: "--ready-fd <fd>",
    description: "descriptor that one line of JSON is written to when the scheduler is ready",
    parse: descriptorNumber,
  },
  { flags: "--exit-on-stdin-end", description: "stop when stdin ends: with the parent process", preset: false },
];
