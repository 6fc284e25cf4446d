// The certificate of a process that others connect to: from the files of its flags, taken anew when they change.

import { ServerCertificate } from "@taskflock/protocol/links";
import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { Logger } from "pino";

export interface CertificateFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const DAY_MS = 86_400_000;

/** Null without the flags: plain text. Throws FLOCK_OPTION_INVALID and FLOCK_CERTIFICATE_…. SIGHUP looks at the files at once. */
export function openCertificate({ tlsCert, tlsKey }: CertificateFlags, logger: Logger): ServerCertificate | null {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert === undefined || tlsKey === undefined) {
    const [there, missing] = tlsCert === undefined ? ["--tls-key", "--tls-cert"] : ["--tls-cert", "--tls-key"];
    throw new FlockError("FLOCK_OPTION_INVALID", `${there} needs ${missing}: the certificate and its key go together.`);
  }
  const trouble = (err: FlockError): void =>
    logger.error({ err }, "the new certificate cannot be used; the old one stays in use");
  const certificate = new ServerCertificate({
    certFile: tlsCert,
    keyFile: tlsKey,
    changed: (about) => {
      logger.info({ file: tlsCert, validTo: about.validTo }, "a new certificate is in use for new connections");
      void warn(certificate, logger);
    },
    trouble,
  });
  // At a terminal the signal says that the terminal is gone, and the process goes with it.
  if (!process.stdout.isTTY) process.on("SIGHUP", () => reload(certificate, trouble));
  void warn(certificate, logger);
  setInterval(() => void warn(certificate, logger), DAY_MS).unref();
  return certificate;
}

function reload(certificate: ServerCertificate, trouble: (error: FlockError) => void): void {
  try {
    certificate.reload();
  } catch (error) {
    if (!isFlockError(error)) throw error;
    trouble(error);
  }
}

const AUTHORITY =
  "the certificate is an authority's own: whoever gets at its key here can make others, which are trusted wherever it is. Give --tls-cert and --tls-key one that it signed (scheduler.pem of `taskflock certs`)";

/** While there is time: at the start, then daily. */
async function warn({ about }: ServerCertificate, logger: Logger): Promise<void> {
  const { expiryWarning } = await import("../certs/describe.ts");
  const warning = expiryWarning(about, new Date());
  if (warning !== null) logger.warn(warning);
  if (about.ca) logger.warn(AUTHORITY);
}
