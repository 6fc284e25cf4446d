// What goes wrong with TLS, said so that a person knows what to do.

import { type ErrorCode, FlockError } from "../words/index.ts";

/** What a TLS port answers to who speaks plain text: `Upgrade: TLS`, as HTTP has it. */
export const UPGRADE_TO_TLS = "TLS/1.3, HTTP/1.1";

const NOT_SPOKEN = new Set([
  ...["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG", "ERR_SSL_HTTP_REQUEST"],
  ...["ERR_SSL_UNKNOWN_PROTOCOL", "ERR_SSL_UNSUPPORTED_PROTOCOL"],
]);
const EXPIRED = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);
const UNTRUSTED =
  /^(CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH)/;

/** Null when it is none of TLS. */
export function tlsError(address: string, cause: Error & { code?: string }): FlockError | null {
  const found = explain(cause.code ?? "", cause.message);
  return found === null ? null : new FlockError(found[0], `${address}: ${found[1]}`, { cause });
}

function explain(code: string, message: string): [ErrorCode, string] | null {
  if (NOT_SPOKEN.has(code)) {
    return [
      "FLOCK_TLS_NOT_SPOKEN",
      "what answers there speaks plain text, and TLS is asked for here. Start the scheduler with --tls-cert and --tls-key; or, where its network is trusted, connect without a CA and without wss://.",
    ];
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return [
      "FLOCK_CERTIFICATE_NAME",
      `the certificate is for another name. ${message} Connect by a name that it is for, or make one with \`taskflock certs\`, and pass its CA by --tls-ca.`,
    ];
  }
  if (EXPIRED.has(code)) {
    return [
      "FLOCK_CERTIFICATE_EXPIRED",
      `the certificate is not valid now (${message}). Renew it (\`taskflock certs renew\`), and check the clocks of both machines.`,
    ];
  }
  if (!UNTRUSTED.test(code)) return null;
  return [
    "FLOCK_CERTIFICATE_UNTRUSTED",
    `the certificate was signed by a CA that is not trusted here (${message}). Pass the cluster's CA by --tls-ca, TASKFLOCK_TLS_CA or the client's option \`tls: { caFile }\`.`,
  ];
}

export function tlsRequired(address: string): FlockError {
  return new FlockError(
    "FLOCK_TLS_REQUIRED",
    `${address} speaks TLS, and plain text is spoken here. Pass the cluster's CA by --tls-ca, TASKFLOCK_TLS_CA or the client's option \`tls: { caFile }\`; or write the address as wss:// (the page's as https://) where a public CA signed its certificate.`,
  );
}
