// A server's certificate and key, from files that may be replaced while it runs: new connections get the new ones, others go on.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { FlockError, isFlockError } from "../words/index.ts";
import { nodeTls } from "./node-tls.ts";

/** How often the files are looked at, milliseconds. */
const LOOK_MS = 1_000;

export interface CertificateOptions {
  /** PEM: the certificate, and those of CAs between it and the one that is trusted. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  /** Others are in use from now on. */
  readonly changed?: (about: X509Certificate) => void;
  /** The files were changed to what cannot be used; what was in use stays so. Said once for each such change. */
  readonly trouble?: (error: FlockError) => void;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Of a tls.Server, which an https.Server is. */
interface SecureServer {
  setSecureContext(pair: Pair): void;
}

export class ServerCertificate {
  readonly #options: CertificateOptions;
  readonly #servers: Set<SecureServer> = new Set();
  readonly #timer: NodeJS.Timeout;
  #pair: Pair;
  #about: X509Certificate;
  #stamp: string;
  /** What is wrong with the files, as long as it was not said. A certificate is there before its key is: one look later both are. */
  #doubt: string | null = null;
  #told: string | null = null;

  /** Throws FLOCK_CERTIFICATE_FILE, FLOCK_CERTIFICATE_KEY, FLOCK_CERTIFICATE_EXPIRED. */
  constructor(options: CertificateOptions) {
    this.#options = options;
    this.#stamp = stampOf(options);
    this.#pair = readPair(options);
    this.#about = check(options, this.#pair);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** What is in use. */
  get about(): X509Certificate {
    return this.#about;
  }

  get pair(): Pair {
    return this.#pair;
  }

  /** Gives the server each later one. Returns what ends that. */
  keep(server: SecureServer): () => void {
    this.#servers.add(server);
    server.setSecureContext(this.#pair);
    return () => this.#servers.delete(server);
  }

  /** Takes what the files hold now. Throws as the constructor does; then what was in use stays so. */
  reload(): void {
    const stamp = stampOf(this.#options);
    const pair = readPair(this.#options);
    if (pair.cert !== this.#pair.cert || pair.key !== this.#pair.key) {
      const about = check(this.#options, pair);
      this.#pair = pair;
      this.#about = about;
      for (const server of this.#servers) server.setSecureContext(pair);
      this.#options.changed?.(about);
    }
    this.#stamp = stamp;
    this.#doubt = null;
    this.#told = null;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#servers.clear();
  }

  #look(): void {
    if (this.#doubt === null && stampOf(this.#options) === this.#stamp) return;
    try {
      this.reload();
    } catch (error) {
      if (!isFlockError(error)) throw error;
      if (this.#doubt === error.message && this.#told !== error.message) {
        this.#told = error.message;
        this.#options.trouble?.(error);
      }
      this.#doubt = error.message;
    }
  }
}

function stampOf({ certFile, keyFile }: CertificateOptions): string {
  const of = (file: string): string => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? "none" : `${found.ino}-${found.size}-${found.mtimeMs}`;
  };
  try {
    return `${of(certFile)} ${of(keyFile)}`;
  } catch {
    return "none";
  }
}

function readPair({ certFile, keyFile }: CertificateOptions): Pair {
  return { cert: read(certFile, "certificate", "--tls-cert"), key: read(keyFile, "key", "--tls-key") };
}

function read(file: string, what: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unusable(`The ${what} file ${file} (${flag}) cannot be read: ${(cause as Error).message}`, cause);
  }
}

function check({ certFile, keyFile }: CertificateOptions, { cert, key }: Pair): X509Certificate {
  const about = parse(() => new X509Certificate(cert), `The certificate file ${certFile} holds no certificate (PEM)`);
  const own: KeyObject = parse(() => createPrivateKey(key), `The key file ${keyFile} holds no private key (PEM)`);
  if (!about.checkPrivateKey(own)) {
    throw new FlockError(
      "FLOCK_CERTIFICATE_KEY",
      `The key in ${keyFile} does not fit the certificate in ${certFile}. Give the two that were made together.`,
    );
  }
  // As servers will take them: also what stands behind the first certificate, and whether the key is long enough.
  parse(() => nodeTls().createSecureContext({ cert, key }), `TLS takes ${certFile} and ${keyFile} not`);
  if (Date.parse(about.validTo) < Date.now()) {
    throw new FlockError(
      "FLOCK_CERTIFICATE_EXPIRED",
      `The certificate in ${certFile} is over since ${about.validTo}. Renew it: \`taskflock certs renew\`.`,
    );
  }
  return about;
}

function parse<T>(make: () => T, trouble: string): T {
  try {
    return make();
  } catch (cause) {
    throw unusable(`${trouble}: ${(cause as Error).message}`, cause);
  }
}

function unusable(message: string, cause: unknown): FlockError {
  return new FlockError("FLOCK_CERTIFICATE_FILE", `${message}. \`taskflock certs init\` makes both files.`, { cause });
}
