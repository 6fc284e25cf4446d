// The file of users: who they are, what they may, and what their passwords were made into. Written as a whole and put in place at once, so
// that whoever reads it sees the old one or the new one.

import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { FlockError, type Role, roles } from "@taskflock/protocol/links";
import type { KeptPassword } from "./passwords.ts";

export interface User {
  readonly name: string;
  readonly role: Role;
  /** As in 2026-11-22T03:40:00.000Z. */
  readonly created: string;
  readonly scrypt: KeptPassword;
}

const VERSION = 1;
const MAX_USERS = 10_000;

/** Throws FLOCK_OPTION_INVALID. No colon: one stands between name and password. */
export function checkName(name: string): void {
  if (isName(name)) return;
  const text = `${JSON.stringify(name)} is no user's name: letters, digits and . _ @ - make one, 1 to 64 of them, a letter or digit first.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

function isName(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name);
}

/** Throws FLOCK_USERS_INVALID. */
export function readUsers(file: string): User[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw invalid(file, "is not there; `taskflock user add` makes it", cause);
    throw invalid(file, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  return parseUsers(file, text);
}

/** As `readUsers`; none where there is no file yet. */
export function readUsersIfAny(file: string): User[] {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? [] : readUsers(file);
}

/** Mode 0600. Throws FLOCK_USERS_INVALID. */
export function writeUsers(file: string, users: readonly User[]): void {
  const sorted = [...users].sort((a, b) => (a.name < b.name ? -1 : 1));
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify({ version: VERSION, users: sorted }, null, 2)}\n`, { mode: 0o600 });
    chmodSync(draft, 0o600); // a draft left over from a crash keeps its own mode
    renameSync(draft, file);
  } catch (cause) {
    throw invalid(file, `cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/**
 * Null when only its owner can read it; else what is wrong with that. Throws FLOCK_USERS_INVALID when others can write it: they could make
 * themselves users.
 */
export function openness(file: string): string | null {
  const { mode } = statSync(file);
  if (process.platform === "win32" || (mode & 0o077) === 0) return null;
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & 0o022) !== 0) throw invalid(file, `can be written by others (mode ${shown}); \`chmod 600\` mends that`);
  return `others can read it (mode ${shown}), and guess at the passwords at their leisure; \`chmod 600\` mends that`;
}

function parseUsers(file: string, text: string): User[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, "is no JSON", cause);
  }
  const { version, users } = (value ?? {}) as { version?: unknown; users?: unknown };
  if (version !== VERSION)
    throw invalid(file, `has the version ${JSON.stringify(version)}; this taskflock reads ${VERSION}`);
  if (!Array.isArray(users) || users.length > MAX_USERS)
    throw invalid(file, `has no list of at most ${MAX_USERS} users`);
  const names = new Set<string>();
  for (const [index, user] of users.entries()) {
    if (!isUser(user)) throw invalid(file, `says of user ${index + 1} something that is not understood`);
    if (names.has(user.name)) throw invalid(file, `names ${user.name} twice`);
    names.add(user.name);
  }
  return users as User[];
}

function isUser(value: unknown): value is User {
  if (typeof value !== "object" || value === null) return false;
  const { name, role, created, scrypt } = value as Record<keyof User, unknown>;
  return isName(name) && roles.includes(role as Role) && typeof created === "string" && isKept(scrypt);
}

/** Costs that would stall the scheduler, or protect nothing, are refused. */
function isKept(value: unknown): value is KeptPassword {
  if (typeof value !== "object" || value === null) return false;
  const { N, r, p, salt, hash } = value as Record<keyof KeptPassword, unknown>;
  const within = (number: unknown, least: number, most: number): boolean =>
    Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most;
  const isPower = within(N, 2 ** 10, 2 ** 18) && Number.isInteger(Math.log2(N as number));
  return isPower && within(r, 1, 16) && within(p, 1, 16) && isBase64(salt, 16) && isBase64(hash, 32);
}

function isBase64(value: unknown, bytes: number): boolean {
  return typeof value === "string" && /^[\w-]{1,128}$/.test(value) && Buffer.from(value, "base64url").length >= bytes;
}

function invalid(file: string, why: string, cause?: unknown): FlockError {
  return new FlockError("FLOCK_USERS_INVALID", `The users file ${file} ${why}.`, cause === undefined ? {} : { cause });
}
