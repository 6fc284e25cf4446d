// Certificates themselves: a certificate authority of a cluster's own, and what it signs. The library is loaded only where they are made.
import "reflect-metadata"; // which the library needs first
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isAddress, SCHEDULER_NAME } from "./names.ts";

export interface Issued {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Validity {
  readonly now: Date;
  readonly days: number;
}

interface Lifetime {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

type CryptoKey = webcrypto.CryptoKey;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
/** A machine whose clock is a little slow takes a new certificate, too. */
const SKEW_MS = 3_600_000;

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);

/** A certificate authority: it signs certificates of machines, and no further authorities. */
export async function issueAuthority({ now, days }: Validity): Promise<Issued> {
  const keys = await newKeys();
  const name = `CN=Taskflock CA ${randomBytes(4).toString("hex")}`;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...lifetime(now, days),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return issued(certificate, keys);
}

/** A certificate of a scheduler, for all of the names; it ends with its authority's at the latest. */
export async function issueScheduler(
  authority: Issued,
  names: readonly string[],
  { now, days }: Validity,
): Promise<Issued> {
  const keys = await newKeys();
  const by = new X509Certificate(authority.certificate);
  const alternatives = names.map((value) => ({ type: isAddress(value) ? ("ip" as const) : ("dns" as const), value }));
  const { notBefore, notAfter } = lifetime(now, days);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${SCHEDULER_NAME}`,
    issuer: by.subject,
    notBefore,
    notAfter: notAfter > by.notAfter ? by.notAfter : notAfter,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(alternatives),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(by.publicKey),
    ],
  });
  return issued(certificate, keys);
}

async function newKeys(): Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** Random, so that nobody can tell the next one: 16 bytes, and above zero. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** In whole seconds, as certificates have them. */
function lifetime(now: Date, days: number): Lifetime {
  const at = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
  return { notBefore: at(now.getTime() - SKEW_MS), notAfter: at(now.getTime() + days * DAY_MS) };
}

async function issued(
  certificate: X509Certificate,
  { privateKey }: { readonly privateKey: CryptoKey },
): Promise<Issued> {
  const der = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(der, PemConverter.PrivateKeyTag)}\n`,
  };
}

function signingKey(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}
