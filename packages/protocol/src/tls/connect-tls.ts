// TLS connections to the scheduler and its page.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocket } from "node:tls";
import { FlockError } from "../words/index.ts";
import { nodeTls } from "./node-tls.ts";
import type { Trust } from "./trust.ts";

/** What `taskflock certs` writes into a scheduler's certificate, so that it is good at whatever address the scheduler gets. */
export const SCHEDULER_NAME = "scheduler.taskflock";

/** A TLS connection that ends with an error before anything is sent when the other end is not to be trusted. Throws FLOCK_CERTIFICATE_FILE. */
export function connectTls(host: string, port: number, trust: Trust): TLSSocket {
  const { own } = trust;
  const socket = nodeTls().connect({ ...tlsOptions(host, trust), port, ...(own && { rejectUnauthorized: false }) });
  socket.cork();
  socket.once("secureConnect", () => {
    if (own !== undefined && socket.getPeerX509Certificate()?.fingerprint256 !== own()) {
      socket.destroy(
        Object.assign(new Error("another certificate than this process's own"), { code: "CERT_REJECTED" }),
      );
    } else socket.uncork();
  });
  return socket;
}

function tlsOptions(host: string, { caFile }: Trust): ConnectionOptions {
  const named = isIP(host) === 0 ? { host, servername: host } : { host };
  if (caFile === null) return named;
  // Said, because NODE_TLS_REJECT_UNAUTHORIZED=0 would let in whoever comes: who gives a CA means it.
  return { ...named, secureContext: contextOf(caFile), checkServerIdentity: checkName, rejectUnauthorized: true };
}

/** A CA of one's own signs for whom one trusts: the common name is as good as the host's. */
function checkName(host: string, certificate: PeerCertificate): Error | undefined {
  const { checkServerIdentity } = nodeTls();
  const error = checkServerIdentity(host, certificate);
  return error === undefined || checkServerIdentity(SCHEDULER_NAME, certificate) === undefined ? undefined : error;
}

let last: { readonly text: string; readonly context: SecureContext } | null = null;

function contextOf(caFile: string): SecureContext {
  const text = readCas(caFile);
  if (last?.text !== text) last = { text, context: nodeTls().createSecureContext({ ca: text }) };
  return last.context;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The file's text. Throws FLOCK_CERTIFICATE_FILE. */
export function readCas(caFile: string): string {
  let text: string;
  try {
    text = readFileSync(caFile, "utf8");
  } catch (cause) {
    throw unusable(caFile, `cannot be read: ${String((cause as Error).message)}`, cause);
  }
  const found = text.match(CERTIFICATE);
  if (found === null) throw unusable(caFile, "holds no certificate (PEM)");
  for (const each of found) {
    try {
      new X509Certificate(each);
    } catch (cause) {
      throw unusable(caFile, `holds a damaged certificate: ${String((cause as Error).message)}`, cause);
    }
  }
  return text;
}

function unusable(caFile: string, why: string, cause?: unknown): FlockError {
  return new FlockError(
    "FLOCK_CERTIFICATE_FILE",
    `The CA file ${caFile} ${why}. Give the CA's certificate (ca.pem of \`taskflock certs\`) by --tls-ca or TASKFLOCK_TLS_CA.`,
    { cause },
  );
}
