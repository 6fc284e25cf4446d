import { readFileSync } from "node:fs";
import { FlockError, isLoopback, type ServerCertificate } from "@taskflock/protocol/links";
import type { Logger } from "pino";
import type { SchedulerConfig } from "./machine/index.ts";

export interface SchedulerOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8786; 0 chooses a free port. */
  readonly port?: number;
  /** Demanded of everybody who connects. */
  readonly token: string;
  /** A second one, with which workers join and their tasks submit, and nobody manages the cluster. Default: none. */
  readonly workerToken?: string | null;
  /** Users beside the cluster's own token, as `taskflock user` writes them. Default: none. */
  readonly usersFile?: string;
  /** A line of who did what is appended to it for each; "-": to the log. Default: none. */
  readonly auditLog?: string;
  /** TLS, with this certificate, on its port and those of the workers. Default: plain text. */
  readonly certificate?: ServerCertificate | null;
  /** Accept plain text on an address beyond loopback. */
  readonly insecure?: boolean;
  /** Record every event to this file. */
  readonly recordFile?: string;
  readonly logger: Logger;
  /** How long a client that was cut off may take to come back, milliseconds. Default 30 s. */
  readonly sessionReconnectMs?: number;
  /** How long a worker may, milliseconds; its nanny's word ends the wait at once. Default 2 s. */
  readonly workerReconnectMs?: number;
  /** A worker or nanny from which nothing is heard for this long is cut off, milliseconds of reading. Default 30 s. */
  readonly silentMs?: number;
  /**
   * The same for clients, milliseconds. Default 5 min: a client's own code may keep its event loop busy for long, and its connection ends with
   * its process anyway.
   */
  readonly clientSilentMs?: number;
  /** Largest frame that is accepted. Default 4 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes a client may have sent that are not acknowledged. Default 64 MiB. */
  readonly creditBytes?: number;
  /** The cluster ends when no task was there to be done for so long, milliseconds; 0 (default): never. */
  readonly idleTimeoutMs?: number;
  /** Transfers at once that go through the scheduler, because the two ends cannot reach each other; 0: none. Default 16. */
  readonly maxRelays?: number;
  /** The address of the scheduler's page, to be told to clients. Default null: it has none. */
  readonly dashboard?: string | null;
  /** Overrides of the machine's configuration. */
  readonly config?: Partial<Omit<SchedulerConfig, "facts">>;
}

export type CompleteSchedulerOptions = Required<Omit<SchedulerOptions, "recordFile" | "usersFile" | "auditLog">> & {
  readonly recordFile: string | null;
  readonly usersFile: string | null;
  readonly auditLog: string | null;
};

/** Fills in defaults; throws FLOCK_INSECURE, FLOCK_OPTION_INVALID. */
export function completeOptions(options: SchedulerOptions): CompleteSchedulerOptions {
  const complete: CompleteSchedulerOptions = {
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 8786,
    token: options.token,
    workerToken: options.workerToken ?? null,
    certificate: options.certificate ?? null,
    insecure: options.insecure ?? false,
    recordFile: options.recordFile ?? null,
    usersFile: options.usersFile ?? null,
    auditLog: options.auditLog ?? null,
    logger: options.logger,
    sessionReconnectMs: options.sessionReconnectMs ?? 30_000,
    workerReconnectMs: options.workerReconnectMs ?? 2_000,
    silentMs: options.silentMs ?? 30_000,
    clientSilentMs: options.clientSilentMs ?? 300_000,
    maxFrameBytes: options.maxFrameBytes ?? 4 * 1024 * 1024,
    creditBytes: options.creditBytes ?? 64 * 1024 * 1024,
    idleTimeoutMs: options.idleTimeoutMs ?? 0,
    dashboard: options.dashboard ?? null,
    maxRelays: options.maxRelays ?? 16,
    config: options.config ?? {},
  };
  if (complete.token === "") throw new FlockError("FLOCK_OPTION_INVALID", "The scheduler's token is empty.");
  if (complete.workerToken === complete.token) {
    const text =
      "The workers' token is the cluster's own, which may everything. Make another for workers, or leave it out.";
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  if (!Number.isSafeInteger(complete.maxRelays) || complete.maxRelays < 0) {
    const text = `The scheduler's option maxRelays is ${complete.maxRelays}; it takes a whole number, 0 for none.`;
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  demandTrust(complete);
  return complete;
}

function demandTrust({ host, certificate, insecure, logger }: CompleteSchedulerOptions): void {
  if (isLoopback(host) || certificate !== null) return;
  if (!insecure) {
    throw new FlockError(
      "FLOCK_INSECURE",
      `${host} is reached from beyond this machine, and the traffic would be plain text. Make certificates with \`taskflock certs init\`, and pass --tls-cert and --tls-key; or listen on 127.0.0.1; or pass --insecure on a network you trust.`,
    );
  }
  logger.warn(
    { host },
    "plain text beyond loopback (--insecure): whoever can read the network can read the token and own the workers; --tls-cert and --tls-key end that",
  );
}

/** The version of this package. */
export function ownVersion(): string {
  // Sources lie one folder below package.json, and so does what is built of them.
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
