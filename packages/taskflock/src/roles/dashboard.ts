// The page's server as a process of its own, for a scheduler that is elsewhere.

import { startDashboard } from "@taskflock/dashboard";
import { readToken, readTrust } from "@taskflock/protocol/links";
import type { AuditLog } from "@taskflock/scheduler";
import type { Logger } from "pino";
import { createLogger, type LogLevel } from "../logger.ts";
import { announceReady, onStop } from "../process.ts";
import { type CertificateFlags, openCertificate } from "./certificate.ts";
import { demandTrust, type PageFlags, printLink } from "./page.ts";

export interface DashboardFlags extends PageFlags, CertificateFlags {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
  readonly readyFd?: number;
  readonly exitOnStdinEnd: boolean;
}

/** The token where it was found; null while there is none. */
function readAgain(address: string, flags: DashboardFlags): string | null {
  try {
    return readToken({ address, tokenFile: flags.tokenFile });
  } catch {
    return null;
  }
}

/** Runs until it is told to stop. The scheduler may come later, and may go and come back. */
export async function runDashboard(address: string, flags: DashboardFlags): Promise<void> {
  const logger = createLogger(flags.logLevel, "dashboard");
  const token = readToken({ address, tokenFile: flags.tokenFile });
  const certificate = openCertificate(flags, logger);
  demandTrust(flags.host, certificate, flags.insecure, logger);
  const audit = await auditLog(flags, logger);
  const dashboard = await startDashboard({ host: flags.host, port: flags.port, certificate });
  try {
    dashboard.serve({
      scheduler: { address, trust: readTrust(flags.tlsCa), here: null },
      token,
      allowedHosts: flags.dashboardAllowedHosts ?? [],
      audit: (entry) => audit?.write(entry),
      renewToken: () => readAgain(address, flags),
      onError: (err) => logger.error({ err }, "the dashboard could not answer a request"),
    });
    // What can never work is said now, and not to the first who looks.
    const why = await dashboard.connect();
    if (why !== null)
      logger.warn({ scheduler: address, why: why.message }, "no link to the scheduler yet; it is tried again");
    const stopped = new Promise<string>((resolve) => {
      const orphaned = (): void => resolve("its parent is gone");
      onStop({ stop: resolve, hurry: () => process.exit(130), orphaned }, { stdinEnd: flags.exitOnStdinEnd });
    });
    logger.info({ page: dashboard.url, scheduler: address }, "dashboard ready");
    announceReady(flags.readyFd, { dashboard: dashboard.url });
    if (process.stdout.isTTY) printLink(dashboard);
    logger.info({ reason: await stopped }, "stopping");
  } finally {
    await dashboard.close();
    await audit?.close();
  }
}

async function auditLog({ auditLog: file }: DashboardFlags, logger: Logger): Promise<AuditLog | null> {
  if (file === undefined) return null;
  const { AuditLog } = await import("@taskflock/scheduler");
  return new AuditLog(file, logger);
}
