// Certificates for tests, also such as `taskflock certs` would not make: for other names, and for times that are over.

import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

export interface About {
  /** Names; default the one that every scheduler's certificate has. */
  readonly names?: readonly string[];
  /** When it ends, milliseconds since 1970. Default: in a day. */
  readonly until?: number;
}

export interface Files {
  /** Certificates of CAs. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A CA of its own. */
export class Authority {
  /** PEM. */
  readonly pem: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: X509Certificate;

  static async make(): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: randomBytes(8).toString("hex"),
      name: `CN=Test CA ${randomBytes(4).toString("hex")}`,
      ...validity(Date.now() + 30 * DAY_MS),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new BasicConstraintsExtension(true, 0, true)],
    });
    return new Authority(keys, certificate);
  }

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.pem = `${certificate.toString("pem")}\n`;
  }

  /** Writes a new certificate, its key and this CA to a folder, each file in one step. */
  async write(
    folder: string,
    { names = ["scheduler.taskflock"], until = Date.now() + DAY_MS }: About = {},
  ): Promise<Files> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomBytes(8).toString("hex"),
      subject: "CN=test",
      issuer: this.#certificate.subject,
      ...validity(until),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
        new BasicConstraintsExtension(false, undefined, true),
      ],
    });
    const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    const files = { ca: join(folder, "ca.pem"), cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    await mkdir(folder, { recursive: true });
    await replace(files.ca, this.pem);
    await replace(files.key, PemConverter.encode(der, PemConverter.PrivateKeyTag));
    await replace(files.cert, certificate.toString("pem"));
    return files;
  }
}

/** Who reads meanwhile gets the old one. */
export async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

function validity(until: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(until - 30 * DAY_MS), notAfter: new Date(until) };
}
