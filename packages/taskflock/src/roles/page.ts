// The page's server, in the scheduler's process or alone: what both check and say.

import type { Dashboard } from "@taskflock/dashboard";
import { isLoopback } from "@taskflock/protocol/links";
import { FlockError } from "@taskflock/protocol/words";
import type { Logger } from "pino";
import { printLine } from "../process.ts";

export interface PageFlags {
  readonly auditLog?: string;
  /** Names by which a proxy or the network knows the page's server. */
  readonly dashboardAllowedHosts?: readonly string[];
}

/** Throws FLOCK_INSECURE when the page would be served as plain text beyond this machine, which nobody accepted. */
export function demandTrust(host: string, certificate: object | null, isAccepted: boolean, logger: Logger): void {
  if (isLoopback(host) || certificate !== null) return;
  if (!isAccepted) {
    throw new FlockError(
      "FLOCK_INSECURE",
      `The page at ${host} is reached from beyond this machine, and tokens would travel as plain text. Make certificates with \`taskflock certs init\`, and pass --tls-cert and --tls-key; or listen on 127.0.0.1 behind a proxy that speaks TLS; or pass --insecure on a network you trust.`,
    );
  }
  logger.warn(
    { host },
    "the page is served as plain text beyond this machine (--insecure): whoever listens in sees tokens",
  );
}

/** For the person who started it. */
export function printLink(dashboard: Dashboard): void {
  printLine(`Status page ${dashboard.link()}`);
  printLine("            (this link signs in once, within ten minutes; after that: taskflock link, or the token)");
}
