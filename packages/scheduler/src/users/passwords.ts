// Passwords as they are kept: scrypt of each with a salt of its own, computed off the main thread.

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { FlockError } from "@taskflock/protocol/links";

/** What a password was made into. The salt and the hash are base64url. */
export interface KeptPassword {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly hash: string;
}

export type Cost = Pick<KeptPassword, "N" | "r" | "p">;

/** As OWASP advises: 32 MiB, three times over. */
export const COST: Cost = { N: 2 ** 15, r: 8, p: 3 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const LEAST_CHARACTERS = 12;
const MOST_CHARACTERS = 256;

/** Throws FLOCK_OPTION_INVALID for a password that is too easily guessed, or that does not fit into a header. */
export function checkPassword(password: string): void {
  if (!/^[\x21-\x7e]*$/.test(password)) {
    const text =
      "A password is made of letters without accents, digits and signs, without spaces: it travels in headers.";
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  if (password.length >= LEAST_CHARACTERS && password.length <= MOST_CHARACTERS) return;
  const text = `The password has ${password.length} characters; it takes ${LEAST_CHARACTERS} to ${MOST_CHARACTERS}. --generate makes one.`;
  throw new FlockError("FLOCK_OPTION_INVALID", text);
}

export async function keepPassword(password: string, cost: Cost = COST): Promise<KeptPassword> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await digest(password, salt, cost);
  return { ...cost, salt: salt.toString("base64url"), hash: hash.toString("base64url") };
}

export async function isPassword(password: string, kept: KeptPassword): Promise<boolean> {
  const right = Buffer.from(kept.hash, "base64url");
  const shown = await digest(password, Buffer.from(kept.salt, "base64url"), kept);
  return right.length === shown.length && timingSafeEqual(right, shown);
}

function digest(password: string, salt: Uint8Array, { N, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
