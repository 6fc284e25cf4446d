// What certificates say: for whom, by whom, until when. Without the library that makes them.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { FlockError } from "@taskflock/protocol/words";

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** It signs certificates of others. */
  readonly isAuthority: boolean;
  /** Names and addresses of hosts. */
  readonly names: readonly string[];
  /** ISO 8601, UTC. */
  readonly validFrom: string;
  readonly validUntil: string;
  /** Whole days until it ends, rounded down; below 0 when it has ended. */
  readonly daysLeft: number;
  readonly serialNumber: string;
  readonly fingerprint256: string;
}

const DAY_MS = 86_400_000;
/** Of a lifetime: a warning comes when less than this is left, and a month before at the earliest. */
const WARN_SHARE = 1 / 3;
const WARN_DAYS = 30;

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** All certificates of a PEM file, in order. Throws FLOCK_CERTS_UNREADABLE. */
export function parseCertificates(pem: string, file: string): X509Certificate[] {
  try {
    const found = [...pem.matchAll(BLOCK)].map(([block]) => new X509Certificate(block));
    if (found.length > 0) return found;
  } catch (cause) {
    throw new FlockError("FLOCK_CERTS_UNREADABLE", `${file} holds a broken certificate: ${(cause as Error).message}.`, {
      cause,
    });
  }
  throw new FlockError("FLOCK_CERTS_UNREADABLE", `${file} holds no certificate (PEM, "BEGIN CERTIFICATE").`);
}

/** Throws FLOCK_CERTS_UNREADABLE. */
export function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new FlockError("FLOCK_CERTS_UNREADABLE", `${file} holds no private key (PEM, without a password).`, {
      cause,
    });
  }
}

export function factsOf(certificate: X509Certificate, now: Date): CertificateFacts {
  return {
    subject: certificate.subject.replaceAll("\n", ", "),
    issuer: certificate.issuer.replaceAll("\n", ", "),
    isAuthority: certificate.ca,
    names: namesOf(certificate),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validUntil: new Date(certificate.validTo).toISOString(),
    daysLeft: Math.floor((Date.parse(certificate.validTo) - now.getTime()) / DAY_MS),
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
  };
}

/** As in "DNS:localhost, IP Address:0:0:0:0:0:0:0:1". */
export function namesOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? "")
    .split(", ")
    .flatMap((part) => /^(?:DNS|IP Address):(.+)$/.exec(part)?.[1] ?? [])
    .map((name) => (name.includes(":") ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name));
}

/** One sentence when it has ended, ends soon or has not begun; else null. */
export function expiryWarning(certificate: X509Certificate, now: Date): string | null {
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const name = /CN=(.+)/.exec(certificate.subject)?.[1] ?? "without a name";
  const what = `The certificate ${name}`;
  if (now.getTime() >= until) return `${what} ended on ${day(until)}.`;
  if (now.getTime() < from) return `${what} is valid from ${new Date(from).toISOString()} on only; see to the clock.`;
  if (!endsSoon(certificate, now)) return null;
  const left = Math.floor((until - now.getTime()) / DAY_MS);
  return `${what} ends on ${day(until)}, in ${left === 1 ? "1 day" : `${left} days`}.`;
}

export function endsSoon({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  const [from, until] = [Date.parse(validFrom), Date.parse(validTo)];
  return until - now.getTime() < Math.min(WARN_DAYS * DAY_MS, (until - from) * WARN_SHARE);
}

export function day(time: string | number): string {
  return new Date(time).toISOString().slice(0, 10);
}
