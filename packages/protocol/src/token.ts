// Tokens: who holds one owns the workers. They pass by file; a file is readable by its owner only.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isLoopback, parseAddress } from "./address.ts";
import { stateFolder } from "./state-folder.ts";
import { FlockError } from "./words/index.ts";

export interface TokenOptions {
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** The scheduler's address; its port names the file in which a local scheduler leaves its token. */
  readonly address: string;
}

/** Where a scheduler on `port` of this machine leaves its token for this user. */
export function tokenFileFor(port: number): string {
  return join(stateFolder(), `token-${port}`);
}

/**
 * The token for a scheduler: the option, the option's file, TASKFLOCK_TOKEN, TASKFLOCK_TOKEN_FILE, or the file that a scheduler
 * on this machine left (loopback addresses only). Throws FLOCK_UNAUTHORIZED, naming what was tried.
 */
export function readToken(options: TokenOptions): string {
  if (options.token !== undefined) return usable(options.token, "the option `token`");
  if (options.tokenFile !== undefined) return fromFile(options.tokenFile, "The token file");
  const variable = process.env["TASKFLOCK_TOKEN"];
  if (variable) return usable(variable, "TASKFLOCK_TOKEN");
  const file = process.env["TASKFLOCK_TOKEN_FILE"];
  if (file) return fromFile(file, "TASKFLOCK_TOKEN_FILE");
  const { host, port } = parseAddress(options.address);
  if (isLoopback(host)) return leftByScheduler(options.address, tokenFileFor(port));
  // The token of this machine's own scheduler must not go to another machine.
  throw new FlockError(
    "FLOCK_UNAUTHORIZED",
    `No token was given for ${options.address}. Pass it by --token-file or TASKFLOCK_TOKEN_FILE.`,
  );
}

/** A new token: 192 random bits. */
export function makeToken(): string {
  return randomBytes(24).toString("base64url");
}

/** Leaves the token in `file`, mode 0600, in folders of mode 0700; replaces what was there. */
export function writeToken(file: string, token: string = makeToken()): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${token}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600); // a draft left over from a crash keeps its own mode
  renameSync(draft, file);
  return token;
}

/** Compares in a time that says nothing about where they differ. */
export function tokensEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** People who have not started a scheduler yet come here. */
function leftByScheduler(address: string, file: string): string {
  if (existsSync(file)) return fromFile(file, "The file where a scheduler on this machine leaves its token");
  throw new FlockError(
    "FLOCK_UNAUTHORIZED",
    `No scheduler has left a token for ${address} on this machine (there is no ${file}). Start one with \`taskflock scheduler\`, ` +
      "or pass the token of one that was given it: option `token`, --token-file or TASKFLOCK_TOKEN_FILE.",
  );
}

function fromFile(file: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new FlockError(
      "FLOCK_UNAUTHORIZED",
      `${what} (${file}) cannot be read: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Pass the token by --token-file or TASKFLOCK_TOKEN_FILE.",
      { cause },
    );
  }
  return usable(text.trim(), `${what.replace(/^The /, "the ")} (${file})`);
}

function usable(token: string, source: string): string {
  if (token.length >= 1 && token.length <= 512) return token;
  throw new FlockError(
    "FLOCK_UNAUTHORIZED",
    `The token from ${source} has ${token.length} characters; 1 to 512 can be.`,
  );
}
