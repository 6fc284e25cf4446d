// What may be asked of a client: where it connects, and what its methods take beside tasks.

import { findPlace, parseAddress, readTrust, type Trust } from "@taskflock/protocol/code";
import { FlockError } from "@taskflock/protocol/words";
import type { PackageMode } from "./functions/index.ts";
import type { GatherOptions } from "./gather.ts";
import type { LogSink } from "./logs.ts";
import {
  type Checks,
  checkOptions,
  describe,
  flag,
  group,
  integerFrom,
  milliseconds,
  name,
  names,
  oneOf,
  text,
} from "./option-checks.ts";

export interface ClientOptions {
  /** The scheduler's token. Default: `tokenFile`, TASKFLOCK_TOKEN, TASKFLOCK_TOKEN_FILE, or what a scheduler on this machine left. */
  readonly token?: string;
  /** A file that holds the token. */
  readonly tokenFile?: string;
  /**
   * TLS, with the cluster's own CA: `caFile` is its certificate (PEM), read anew at each attempt to connect. Default: the context's, or TASKFLOCK_TLS_CA; without
   * it TLS is used where the address begins with wss://, with the CAs that Node trusts. `false`: without a CA, whatever the context and the
   * variable say.
   */
  readonly tls?: TlsOptions | false;
  /** What the page calls this client. Default: the process's id. */
  readonly name?: string;
  /** How long a cut link is tried again before futures reject with FLOCK_CONNECTION_LOST, milliseconds. Default 30,000. */
  readonly reconnectMs?: number;
  /**
   * Packages that functions import: "bundle" sends them along, for workers that do not have them in the same version; "installed"
   * takes them to be on every worker, and saves making the bundles. Default "bundle"; a LocalCluster's clients "installed".
   */
  readonly packages?: "bundle" | "installed";
  /** Where the output of tasks goes. Default "inherit": this process's stdout and stderr, prefixed. */
  readonly logs?: LogSink;
  /**
   * How much of large arguments (parts over 64 KiB) is kept here while tasks need it, bytes: it is sent again when the only worker that had
   * it dies. What is oldest goes beyond that, and then can be lost with its worker (FLOCK_DATA_LOST). Default 1 GiB; 0 keeps nothing.
   */
  readonly keptArgumentBytes?: number;
}

export interface TlsOptions {
  /** A file with the certificates of one or more CAs (PEM); one of them signed the scheduler's certificate. */
  readonly caFile?: string;
}

export interface ScatterOptions {
  /** A copy on every worker; it then survives the loss of one. Default false. */
  readonly broadcast?: boolean;
  /** A key of your own, shared by all clients; the same key with other data fails with FLOCK_KEY_CONFLICT. */
  readonly key?: string;
  /** A readable stem for the derived key. Default "data". */
  readonly name?: string;
  /** The names of the workers that may hold it; with `broadcast`, all of them do. Small values stay with the scheduler. Default: any. */
  readonly workers?: readonly string[];
  /** Gives it a key made of its content: equal values, of any client, are stored once. Default false. */
  readonly hash?: boolean;
}

/** Options of each value: a key is for one. */
export type ScatterAllOptions = Omit<ScatterOptions, "key">;

export interface WaitOptions {
  /** Milliseconds after which the wait fails with FLOCK_WAIT_TIMEOUT. Default: no limit. */
  readonly timeoutMs?: number;
}

/** `ClientOptions` with defaults in the gaps. */
export interface SessionOptions {
  readonly address: string;
  readonly trust: Trust;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly name: string;
  readonly reconnectMs: number;
  readonly packages: PackageMode;
  readonly logs: LogSink;
  readonly keptArgumentBytes: number;
}

const KEPT_ARGUMENT_BYTES = 1024 ** 3;

const clientChecks: Checks<ClientOptions> = {
  token: text,
  tokenFile: text,
  tls: (value) =>
    value === false ? null : group<TlsOptions>("{ caFile }, the name of a file, or false", { caFile: text })(value),
  name,
  reconnectMs: milliseconds,
  packages: oneOf("bundle", "installed"),
  logs: (value) =>
    value === "inherit" || value === "ignore" || typeof value === "function"
      ? null
      : '"inherit", "ignore" or a function',
  keptArgumentBytes: integerFrom(0, Number.MAX_SAFE_INTEGER),
};
const scatterChecks: Checks<ScatterOptions> = {
  broadcast: flag,
  key: name,
  name,
  workers: names,
  hash: flag,
};
const { key: _, ...scatterAllChecks }: Checks<ScatterOptions> = scatterChecks;
const waitChecks: Checks<WaitOptions> = { timeoutMs: milliseconds };
const gatherChecks: Checks<GatherOptions> = { errors: oneOf("raise", "skip") };

/** Raw options with defaults in the gaps. Throws FLOCK_OPTION_INVALID, FLOCK_ADDRESS_INVALID and what `findPlace` throws. */
export function compileClientOptions(address: string | undefined, raw: ClientOptions | undefined): SessionOptions {
  const options = checkOptions("connect", raw, clientChecks);
  const { address: where, tokenFile, caFile } = findPlace({ address });
  if (typeof where !== "string") {
    const text = `connect takes the scheduler as text, host:port, not ${describe(where)}. A client of a LocalCluster comes from \`await cluster.connect()\`.`;
    throw new FlockError("FLOCK_ADDRESS_INVALID", text);
  }
  parseAddress(where);
  return {
    address: where,
    trust: trustOf(options.tls, caFile),
    token: options.token,
    tokenFile: options.tokenFile ?? tokenFile,
    name: options.name ?? `client-${process.pid}`,
    reconnectMs: options.reconnectMs ?? 30_000,
    packages: options.packages ?? "bundle",
    logs: options.logs ?? "inherit",
    keptArgumentBytes: options.keptArgumentBytes ?? KEPT_ARGUMENT_BYTES,
  };
}

export function trustOf(tls: TlsOptions | false | undefined, caFile?: string): Trust {
  return readTrust(tls === false ? false : (tls?.caFile ?? caFile));
}

export function checkScatterOptions(options: ScatterOptions | undefined): ScatterOptions {
  const checked = checkOptions("scatter", options, scatterChecks);
  if (checked.hash !== true || checked.key === undefined) return checked;
  throw new FlockError("FLOCK_OPTION_INVALID", "scatter: with hash the content gives the key. Leave out key, or hash.");
}

export function checkScatterAllOptions(options: ScatterAllOptions | undefined): ScatterAllOptions {
  return checkOptions("scatterAll", options, scatterAllChecks);
}

export function checkWaitOptions(options: WaitOptions | undefined): WaitOptions {
  return checkOptions("waitForWorkers", options, waitChecks);
}

export function checkGatherOptions(options: GatherOptions | undefined): GatherOptions {
  return checkOptions("gather", options, gatherChecks);
}

export const workerCount: (value: unknown) => string | null = integerFrom(0, 1_000_000);
export const workerNames: (value: unknown) => string | null = names;
