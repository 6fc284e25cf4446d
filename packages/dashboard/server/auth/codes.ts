// One-time codes: a link with one signs in whoever opens it first.

import { randomBytes } from "node:crypto";
import type { Identity } from "@taskflock/protocol/words";

/** How long a code can be used, milliseconds. */
export const CODE_MS: number = 10 * 60_000;
/** The oldest goes when there are more. */
const MAX_CODES = 100;

export class Codes {
  readonly #now: () => number;
  readonly #codes: Map<string, { readonly who: Identity; readonly until: number }> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  make(who: Identity): string {
    const code = randomBytes(24).toString("base64url");
    this.#codes.set(code, { who, until: this.#now() + CODE_MS });
    if (this.#codes.size > MAX_CODES) this.#codes.delete(this.#codes.keys().next().value ?? "");
    return code;
  }

  /** Nobody signs in any more with those that were made by, or for, the users. */
  endOf(users: ReadonlySet<string>): void {
    for (const [code, { who }] of this.#codes) if (users.has(who.user)) this.#codes.delete(code);
  }

  clear(): void {
    this.#codes.clear();
  }

  /** What it was made for; null when there is none, it was used or is too old. It is gone afterwards. */
  take(code: string): Identity | null {
    const known = this.#codes.get(code);
    this.#codes.delete(code);
    return known !== undefined && this.#now() < known.until ? known.who : null;
  }
}
