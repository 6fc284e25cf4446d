// `taskflock certs`, from code: makes and renews the certificates of a folder, and says what lies there.

import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { FlockError } from "@taskflock/protocol/words";
import {
  type CertificateFacts,
  endsSoon,
  expiryWarning,
  factsOf,
  namesOf,
  parseCertificates,
  parseKey,
} from "./describe.ts";
import { CertificateFolder, FILES, type FileRole, readOrNull } from "./folder.ts";
import type { Issued } from "./issue.ts";
import { allNames } from "./names.ts";

export interface MakeOptions {
  /** Names and addresses for the scheduler's certificate, beside those that it has always. */
  readonly hosts: readonly string[];
  /** How long the scheduler's certificate is valid. */
  readonly days: number;
  /** How long a new certificate authority is. */
  readonly caDays: number;
  readonly now?: Date;
}

export interface InitOptions extends MakeOptions {
  /** What is there already: an error, replaced, or kept and only renewed where it must be. */
  readonly present?: "refuse" | "replace" | "keep";
}

export interface RenewOptions extends MakeOptions {
  /** "add": a second authority beside the one that signs; "drop": only the newest is trusted from now on. */
  readonly authority?: "keep" | "add" | "drop";
}

export interface Made {
  /** In the order of writing. */
  readonly written: readonly FileRole[];
  /** The scheduler's certificate. */
  readonly scheduler: CertificateFacts;
  /** How many certificates of authorities are trusted now. */
  readonly authorities: number;
}

export interface Shown {
  readonly certificates: readonly (CertificateFacts & { readonly file: string })[];
  /** What somebody should see to, one sentence each. */
  readonly warnings: readonly string[];
}

/** A certificate authority, and a certificate of the scheduler. Rejects with FLOCK_CERTS_EXIST, FLOCK_CERTS_UNREADABLE and FLOCK_OPTION_INVALID. */
export async function initCertificates(path: string, options: InitOptions): Promise<Made> {
  const folder = new CertificateFolder(path);
  const names = allNames(options.hosts);
  const there = (await Promise.all(roles().map(async (role) => [role, await folder.read(role)] as const))).flatMap(
    ([role, text]) => (text === null ? [] : [role]),
  );
  if (options.present === "keep" && there.includes("authority")) return keepCertificates(folder, names, options);
  // A key whose certificate was never written: who made it was ended before, and nobody can have trusted it.
  const isBegun = options.present === "keep" && there.every((role) => role === "authorityKey");
  if (there.length > 0 && !isBegun && options.present !== "replace")
    throw new FlockError(
      "FLOCK_CERTS_EXIST",
      `${path} holds ${there.map((role) => FILES[role]).join(", ")} already. \`taskflock certs renew ${path}\` makes a new certificate by the same authority; --force replaces the authority, and whoever has the old ca.pem no longer connects.`,
    );
  const now = options.now ?? new Date();
  const { issueAuthority } = await import("./issue.ts");
  const authority = await issueAuthority({ now, days: options.caDays });
  await folder.write("authorityKey", authority.key);
  await folder.write("authority", authority.certificate);
  return newScheduler(folder, { authority, names, options, written: ["authorityKey", "authority"] });
}

/** A new certificate of the scheduler, for all names of the old one, too. Rejects with FLOCK_CERTS_MISSING, FLOCK_CERTS_UNREADABLE and FLOCK_OPTION_INVALID. */
export async function renewCertificates(path: string, options: RenewOptions): Promise<Made> {
  const folder = new CertificateFolder(path);
  const names = allNames([...(await schedulerNames(folder)), ...options.hosts]);
  if (options.authority === "add") return addAuthority(folder, options);
  const authority = await signing(folder);
  const made = await newScheduler(folder, { authority, names, options, written: [] });
  if (options.authority !== "drop") return made;
  await folder.write("authority", authority.certificate);
  return { ...made, written: [...made.written, "authority"], authorities: 1 };
}

/** What a folder of `certs init`, or a file with certificates, holds. Rejects with FLOCK_CERTS_MISSING and FLOCK_CERTS_UNREADABLE. */
export async function showCertificates(path: string, now: Date = new Date()): Promise<Shown> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return showFolder(new CertificateFolder(path), now);
  const pem = await readOrNull(path);
  if (pem === null)
    throw new FlockError("FLOCK_CERTS_MISSING", `There is no ${path}. Make certificates: taskflock certs init ${path}`);
  return shown([[path, parseCertificates(pem, path)]], now);
}

/** Keeps what is well: for those who start and want certificates to be there. */
async function keepCertificates(
  folder: CertificateFolder,
  names: readonly string[],
  options: InitOptions,
): Promise<Made> {
  const now = options.now ?? new Date();
  const [scheduler] = await certificatesOf(folder, "scheduler");
  const authorities = await certificatesOf(folder, "authority");
  const key = await folder.read("schedulerKey");
  const isWell =
    scheduler !== undefined &&
    key !== null &&
    scheduler.checkPrivateKey(parseKey(key, folder.at("schedulerKey"))) &&
    authorities.some((authority) => scheduler.verify(authority.publicKey)) &&
    !endsSoon(scheduler, now) &&
    names.every((name) => namesOf(scheduler).includes(name));
  if (!isWell) return renewCertificates(folder.path, options);
  return { written: [], scheduler: factsOf(scheduler, now), authorities: authorities.length };
}

/** The scheduler keeps its certificate until everybody has the new `ca.pem`. */
async function addAuthority(folder: CertificateFolder, options: RenewOptions): Promise<Made> {
  const now = options.now ?? new Date();
  const [scheduler] = await certificatesOf(folder, "scheduler");
  if (scheduler === undefined) throw missing(folder, "scheduler");
  // What is there fits together; a key that was lost is what a new authority is for.
  if ((await folder.read("authorityKey")) !== null) await signing(folder);
  const before = await certificatesOf(folder, "authority");
  const { issueAuthority } = await import("./issue.ts");
  const authority = await issueAuthority({ now, days: options.caDays });
  // Whoever reads between the two has an authority too many in the file, which does no harm.
  await folder.write("authority", [authority.certificate, ...before.map(pemOf)].join(""));
  await folder.write("authorityKey", authority.key);
  return {
    written: ["authority", "authorityKey"],
    scheduler: factsOf(scheduler, now),
    authorities: 1 + before.length,
  };
}

interface Order {
  readonly authority: Issued;
  readonly names: readonly string[];
  readonly options: MakeOptions;
  readonly written: readonly FileRole[];
}

async function newScheduler(folder: CertificateFolder, order: Order): Promise<Made> {
  const { authority, names, options, written } = order;
  const now = options.now ?? new Date();
  const { issueScheduler } = await import("./issue.ts");
  const scheduler = await issueScheduler(authority, names, { now, days: options.days });
  // A scheduler that reads between the two finds that they do not fit, and keeps what it has until they do.
  await folder.write("schedulerKey", scheduler.key);
  await folder.write("scheduler", scheduler.certificate);
  const authorities = await certificatesOf(folder, "authority");
  return {
    written: [...written, "schedulerKey", "scheduler"],
    scheduler: factsOf(new X509Certificate(scheduler.certificate), now),
    authorities: authorities.length,
  };
}

/** The authority whose key is in the folder. */
async function signing(folder: CertificateFolder): Promise<Issued> {
  const key = await folder.read("authorityKey");
  if (key === null) throw missing(folder, "authorityKey");
  const authorities = await certificatesOf(folder, "authority");
  if (authorities.length === 0) throw missing(folder, "authority");
  const keyObject = parseKey(key, folder.at("authorityKey"));
  const own = authorities.find((certificate) => certificate.checkPrivateKey(keyObject));
  if (own === undefined)
    throw new FlockError(
      "FLOCK_CERTS_UNREADABLE",
      `The key ${folder.at("authorityKey")} belongs to no certificate in ${folder.at("authority")}. Put back those that were made together, or make new ones: taskflock certs init --force ${folder.path}`,
    );
  return { certificate: pemOf(own), key };
}

async function showFolder(folder: CertificateFolder, now: Date): Promise<Shown> {
  const found: [string, X509Certificate[]][] = [
    [folder.at("authority"), await certificatesOf(folder, "authority")],
    [folder.at("scheduler"), await certificatesOf(folder, "scheduler")],
  ];
  const [authorities = [], [scheduler] = []] = found.map(([, certificates]) => certificates);
  if (authorities.length === 0 && scheduler === undefined) throw missing(folder, "authority");
  const { certificates, warnings } = shown(found, now);
  const trouble: string[] = [];
  if (scheduler !== undefined) {
    const key = await folder.read("schedulerKey");
    if (key !== null && !scheduler.checkPrivateKey(parseKey(key, folder.at("schedulerKey"))))
      trouble.push(`${folder.at("schedulerKey")} is not the key of ${folder.at("scheduler")}.`);
    if (authorities.length > 0 && !authorities.some(({ publicKey }) => scheduler.verify(publicKey)))
      trouble.push(`${folder.at("scheduler")} was signed by no authority of ${folder.at("authority")}.`);
  }
  const advice = warnings.length + trouble.length > 0 ? [`Renew it: taskflock certs renew ${folder.path}`] : [];
  return { certificates, warnings: [...warnings, ...trouble, ...advice] };
}

function shown(found: readonly (readonly [string, readonly X509Certificate[]])[], now: Date): Shown {
  const all = found.flatMap(([file, certificates]) => certificates.map((certificate) => ({ file, certificate })));
  return {
    certificates: all.map(({ file, certificate }) => ({ file, ...factsOf(certificate, now) })),
    warnings: all.flatMap(({ certificate }) => expiryWarning(certificate, now) ?? []),
  };
}

async function certificatesOf(folder: CertificateFolder, role: "authority" | "scheduler"): Promise<X509Certificate[]> {
  const pem = await folder.read(role);
  return pem === null ? [] : parseCertificates(pem, folder.at(role));
}

async function schedulerNames(folder: CertificateFolder): Promise<string[]> {
  return (await certificatesOf(folder, "scheduler")).slice(0, 1).flatMap(namesOf);
}

function missing(folder: CertificateFolder, role: FileRole): FlockError {
  const advice =
    role === "authorityKey"
      ? "Renew where the certificates were made; it need not be a machine of the cluster."
      : `Make certificates: taskflock certs init ${folder.path}`;
  return new FlockError("FLOCK_CERTS_MISSING", `There is no ${folder.at(role)}. ${advice}`);
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString().trim()}\n`;
}

function roles(): FileRole[] {
  return Object.keys(FILES) as FileRole[];
}
