// The scheduler's process: the scheduler, its page, its token's file.

import { readFileSync, rmSync } from "node:fs";
import { type Dashboard, startDashboard } from "@taskflock/dashboard";
import type { Preloaded } from "@taskflock/protocol/code";
import {
  formatAddress,
  makeToken,
  NO_CA,
  readToken,
  type ServerCertificate,
  type Trust,
  tokenFileFor,
  writeToken,
} from "@taskflock/protocol/links";
import { type RunningScheduler, startScheduler } from "@taskflock/scheduler";
import { createLogger, type LogLevel } from "../logger.ts";
import { announceReady, onStop, printLine, tokensFromDescriptor } from "../process.ts";
import { type CertificateFlags, openCertificate } from "./certificate.ts";
import { demandTrust, type PageFlags, printLink } from "./page.ts";

export interface SchedulerFlags extends PageFlags, CertificateFlags {
  readonly host: string;
  readonly port: number;
  readonly dashboardHost?: string;
  readonly dashboardPort: number;
  readonly tokenFile?: string;
  readonly tokenFd?: number;
  readonly workerTokenFile?: string;
  readonly usersFile?: string;
  readonly insecure: boolean;
  readonly record?: string;
  readonly maxFrameBytes: number;
  readonly admissionBytes: number;
  readonly maxRelays: number;
  /** Milliseconds. */
  readonly sessionReconnect: number;
  /** Milliseconds. */
  readonly idleTimeout?: number;
  /** Paths or packages. */
  readonly preload: readonly string[];
  readonly logLevel: LogLevel;
  readonly readyFd?: number;
  readonly exitOnStdinEnd: boolean;
}

/** Runs until it is told to stop. */
export async function runScheduler(flags: SchedulerFlags): Promise<void> {
  const logger = createLogger(flags.logLevel, "scheduler");
  const [given, workerToken] = await givenTokens(flags);
  const token = given ?? makeToken();
  const host = flags.dashboardHost ?? flags.host;
  const certificate = openCertificate(flags, logger);
  if (host !== flags.host) demandTrust(host, certificate, flags.insecure, logger);
  // Bound first: the scheduler says to clients where its page is. Requests wait until there is something to show.
  const pagePort = { port: flags.dashboardPort, portFlag: "--dashboard-port" };
  const dashboard = await startDashboard({ host, ...pagePort, certificate });
  const scheduler = await startScheduler({
    host: flags.host,
    port: flags.port,
    token,
    certificate,
    insecure: flags.insecure,
    maxFrameBytes: flags.maxFrameBytes,
    maxRelays: flags.maxRelays,
    config: { admissionBytes: flags.admissionBytes },
    logger,
    sessionReconnectMs: flags.sessionReconnect,
    dashboard: dashboard.url,
    ...(flags.idleTimeout === undefined ? {} : { idleTimeoutMs: flags.idleTimeout }),
    ...(flags.record === undefined ? {} : { recordFile: flags.record }),
    workerToken,
    ...(flags.usersFile === undefined ? {} : { usersFile: flags.usersFile }),
    ...(flags.auditLog === undefined ? {} : { auditLog: flags.auditLog }),
  }).catch((error: unknown) => closeAndThrow(dashboard, error));
  const preloaded = await preloadOrClose(scheduler, flags.preload).catch((error: unknown) =>
    closeAndThrow(dashboard, error),
  );
  const tokenFile = given === null ? tokenFileFor(scheduler.port) : null;
  if (tokenFile !== null) writeToken(tokenFile, token);
  try {
    dashboard.serve({
      scheduler: { address: ownAddress(flags.host, scheduler.port), trust: ownTrust(certificate), here: scheduler },
      token,
      authenticator: scheduler.authenticator,
      audit: (entry) => scheduler.audit?.write(entry),
      allowedHosts: flags.dashboardAllowedHosts ?? [],
      onError: (err) => logger.error({ err }, "the dashboard could not answer a request"),
    });
    const stopped = new Promise<string>((resolve) => {
      const orphaned = (): void => resolve("its parent is gone");
      onStop({ stop: resolve, hurry: () => process.exit(130), orphaned }, { stdinEnd: flags.exitOnStdinEnd });
    });
    logger.info({ address: scheduler.address, page: dashboard.url, scheduler: scheduler.id }, "scheduler ready");
    announceReady(flags.readyFd, { address: scheduler.address, dashboard: dashboard.url, tokenFile });
    if (process.stdout.isTTY) printPlaces(scheduler, dashboard, certificate !== null);
    const reason = await Promise.race([stopped, scheduler.idle, scheduler.failed]);
    logger.info({ reason }, "stopping");
  } finally {
    // Also when the machine failed: what still listened would keep the process alive, and healthy to whoever asks.
    await dashboard.close();
    await preloaded?.teardown();
    if (tokenFile !== null) removeToken(tokenFile, token);
    await scheduler.close();
  }
}

/** For the person who started it. */
function printPlaces({ address }: RunningScheduler, dashboard: Dashboard, isSecure: boolean): void {
  printLine(`Scheduler   ${address}`);
  printLink(dashboard);
  printLine(`Workers     taskflock worker ${address}${isSecure ? " --tls-ca ca.pem" : ""}`);
}

async function closeAndThrow(dashboard: Dashboard, error: unknown): Promise<never> {
  await dashboard.close();
  throw error;
}

/** Nobody knows the scheduler yet: its token is not left anywhere, and its readiness not said. */
async function preloadOrClose(scheduler: RunningScheduler, modules: readonly string[]): Promise<Preloaded | null> {
  if (modules.length === 0) return null;
  const { address, id } = scheduler;
  const { preload } = await import("@taskflock/protocol/code");
  try {
    return await preload(modules, process.cwd(), { scheduler: { address, id } });
  } catch (error) {
    await scheduler.close();
    throw error;
  }
}

/** The cluster's own, and the workers'; null where none is given. */
async function givenTokens(flags: SchedulerFlags): Promise<[string | null, string | null]> {
  const inFile = (file: string | undefined): string | null =>
    file === undefined ? null : readToken({ tokenFile: file, address: flags.host });
  const workers = inFile(flags.workerTokenFile);
  if (flags.tokenFd === undefined) return [inFile(flags.tokenFile), workers];
  const [own, second] = await tokensFromDescriptor(flags.tokenFd);
  return [own, workers ?? second ?? null];
}

/** Unless another scheduler took the port, and the file, in the meantime. */
function removeToken(file: string, token: string): void {
  try {
    if (readFileSync(file, "utf8").trim() === token) rmSync(file);
  } catch {
    // Somebody removed it already.
  }
}

function ownTrust(certificate: ServerCertificate | null): Trust {
  return certificate === null ? NO_CA : { caFile: null, own: () => certificate.about.fingerprint256 };
}

/** As this process reaches its own port. */
function ownAddress(host: string, port: number): string {
  return formatAddress(host === "0.0.0.0" || host === "" ? "127.0.0.1" : host === "::" ? "::1" : host, port);
}
