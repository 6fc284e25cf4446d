// Who is behind a token, where there are users: the cluster's own token, or NAME:PASSWORD. The file may change at any time.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { statSync } from "node:fs";
import {
  Attempts,
  type Authenticator,
  CLUSTER,
  FlockError,
  type Identity,
  isFlockError,
  networkOf,
  tokensEqual,
  WINDOW_MS,
  wrongToken,
} from "@taskflock/protocol/links";
import type { Logger } from "pino";
import { COST, type Cost, isPassword, type KeptPassword } from "./passwords.ts";
import { openness, readUsers, type User } from "./users-file.ts";
import { Verifications } from "./verifications.ts";

export interface UsersOptions {
  readonly file: string;
  /** The cluster's own. */
  readonly token: string;
  readonly logger: Logger;
  /** How often the file is looked at, milliseconds. Default 500. */
  readonly everyMs?: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Wrong ones of an address within a minute, whatever names it said. Of one name, a tenth of it. */
const MAX_WRONG_OF_ADDRESS = 100;

/** Characters of a user's name. */
const MAX_NAME = 64;

/** Of a user, from which what was right came; the first goes when there are more. */
const MAX_NETWORKS = 256;

interface Remembered {
  readonly user: User;
  readonly mark: Buffer;
  readonly networks: Set<string>;
}

export class UsersAuthenticator implements Authenticator {
  readonly #options: UsersOptions;
  readonly #listeners: Set<(users: ReadonlySet<string>) => void> = new Set();
  /** Of the process: what is remembered of passwords is worth nothing elsewhere. */
  readonly #key: Buffer = randomBytes(32);
  /** What was right, by name, so that who comes back costs nothing. */
  readonly #right: Map<string, Remembered> = new Map();
  readonly #verifications: Verifications = new Verifications();
  readonly #wrongOfName: Attempts;
  readonly #wrongOfAddress: Attempts;
  readonly #timer: NodeJS.Timeout;
  /** Of the file that was read last. */
  #stamp = "";
  #users: ReadonlyMap<string, User> = new Map();
  #unknown: KeptPassword = keptOfNobody(COST);

  /** Throws FLOCK_USERS_INVALID. */
  constructor(options: UsersOptions) {
    this.#options = options;
    const { file, logger, now = Date.now } = options;
    this.#wrongOfName = new Attempts(now);
    this.#wrongOfAddress = new Attempts(now, MAX_WRONG_OF_ADDRESS);
    this.#take(this.#read());
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? 500);
    this.#timer.unref();
    const counts = { users: this.#users.size, file };
    logger.info(counts, "users are read; the cluster's own token stays valid, too");
  }

  identify(token: string, from: string): Identity | Promise<Identity> {
    if (tokensEqual(token, this.#options.token)) return CLUSTER;
    const colon = token.indexOf(":");
    // Nobody guesses 192 random bits, and to try costs nothing here.
    if (colon < 0) throw wrongToken();
    // What is remembered of wrong ones is short: no user has a longer name.
    const name = token.slice(0, Math.min(colon, MAX_NAME + 1));
    const address = withoutPort(from);
    const mark = this.#markOf(token);
    const known = this.#right.get(name);
    const isRight = known !== undefined && timingSafeEqual(known.mark, mark);
    // Others there who guess must not lock out who was there before. From elsewhere the right one waits, too: else it could be guessed on.
    if (isRight && known.networks.has(networkOf(address))) return identityOf(known.user);
    const wait = Math.max(this.#wrongOfAddress.waitSeconds(address), this.#wrongOfName.waitSeconds(address, name));
    if (wait > 0) throw mustWait(address, wait);
    if (isRight) return this.#remember(name, known, address);
    return this.#verify(name, token.slice(colon + 1), mark, address);
  }

  onRevoked(listener: (users: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether there is a user of this name. */
  has(name: string): boolean {
    return this.#users.has(name);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  async #verify(name: string, password: string, mark: Buffer, address: string): Promise<Identity> {
    const user = this.#users.get(name);
    // Who is not there takes as long as who is.
    const kept = user?.scrypt ?? this.#unknown;
    // Also by the hash: what was right of a password that is another by now says nothing.
    const what = `${mark.toString("base64")} ${kept.hash}`;
    const isRight = await this.#verifications
      .check(what, networkOf(address), () => isPassword(password, kept))
      .catch((error: unknown) => this.#cannotCheck(error));
    // The file may be another by now.
    if (!isRight || user === undefined || this.#users.get(name) !== user) throw this.#wrong(address, name);
    return this.#remember(name, { user, mark, networks: new Set() }, address);
  }

  #remember(name: string, right: Remembered, address: string): Identity {
    const { networks } = right;
    networks.add(networkOf(address));
    if (networks.size > MAX_NETWORKS) networks.delete(networks.keys().next().value ?? "");
    this.#right.set(name, right);
    return identityOf(right.user);
  }

  /** Such as a lack of memory. It says nothing of the password. */
  #cannotCheck(error: unknown): never {
    if (isFlockError(error)) throw error;
    this.#options.logger.error({ err: error }, "a password could not be checked");
    throw new FlockError("FLOCK_TRY_LATER", "The password could not be checked; the scheduler's log says why.");
  }

  #wrong(address: string, name: string): FlockError {
    this.#wrongOfAddress.wrong(address);
    this.#wrongOfName.wrong(address, name);
    return wrongPassword();
  }

  #markOf(token: string): Buffer {
    return createHmac("sha256", this.#key).update(token).digest();
  }

  #read(): User[] {
    const { file, logger } = this.#options;
    this.#stamp = stampOf(file);
    const users = readUsers(file);
    const why = openness(file);
    if (why !== null) logger.warn({ file }, `users file: ${why}`);
    return users;
  }

  /** What cannot be read changes nothing: half a file must not shut everybody out. */
  #look(): void {
    const { file, logger } = this.#options;
    if (stampOf(file) === this.#stamp) return;
    try {
      this.#take(this.#read());
      logger.info({ users: this.#users.size, file }, "users were read anew");
    } catch (err) {
      logger.error({ err, file }, "the users file changed and cannot be used; the users stay as they were");
    }
  }

  #take(users: readonly User[]): void {
    const before = this.#users;
    const revoked = new Set<string>();
    const after = new Map(users.map((user) => [user.name, user]));
    for (const [name, user] of before) {
      const now = after.get(name);
      if (now !== undefined && JSON.stringify(now) === JSON.stringify(user)) after.set(name, user);
      else revoked.add(name);
    }
    this.#users = after;
    this.#unknown = keptOfNobody(users[0]?.scrypt ?? COST);
    for (const name of revoked) this.#right.delete(name);
    if (revoked.size > 0) for (const listener of this.#listeners) listener(revoked);
  }
}

function identityOf({ name, role }: User): Identity {
  return { user: name, role };
}

/** A password that nobody has, as costly as those of the others. */
function keptOfNobody({ N, r, p }: Cost): KeptPassword {
  const random = (): string => randomBytes(32).toString("base64url");
  return { N, r, p, salt: random(), hash: random() };
}

function wrongPassword(): FlockError {
  const text =
    "The name or the password is wrong, or the user was removed. A user's token is NAME:PASSWORD, of `taskflock user add`.";
  return new FlockError("FLOCK_UNAUTHORIZED", text);
}

function mustWait(address: string, seconds: number): FlockError {
  const text = `Too many wrong tokens came from ${address} within ${WINDOW_MS / 1_000} s. Try again in ${seconds} s.`;
  return new FlockError("FLOCK_TRY_LATER", text);
}

/** Of a file that is another, or was written, it is another. */
function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs, mode } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${mode}`;
  } catch (error) {
    return String(error);
  }
}

/** The port is another one each time. */
function withoutPort(from: string): string {
  return from.replace(/:\d+$/, "");
}
