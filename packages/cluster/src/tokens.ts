// The tokens of a cluster whose workers run on machines of others.

import { randomBytes } from "node:crypto";

export interface Tokens {
  /** The cluster's own, which may everything. */
  readonly own: string;
  /** Workers join with it, and so tasks can read it; it manages nothing. */
  readonly workers: string;
}

export function makeTokens(): Tokens {
  const make = (): string => randomBytes(24).toString("base64url");
  return { own: make(), workers: make() };
}
