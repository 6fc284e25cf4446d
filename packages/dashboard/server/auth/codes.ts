// One-time codes: a link with one signs in whoever opens it first.

import { randomBytes } from "node:crypto";
import type { Role } from "./sessions.ts";

/** How long a code can be used, milliseconds. */
export const CODE_MS: number = 10 * 60_000;
/** The oldest goes when there are more. */
const MAX_CODES = 100;

export class Codes {
  readonly #now: () => number;
  readonly #codes: Map<string, { readonly role: Role; readonly until: number }> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  make(role: Role): string {
    const code = randomBytes(24).toString("base64url");
    this.#codes.set(code, { role, until: this.#now() + CODE_MS });
    if (this.#codes.size > MAX_CODES) this.#codes.delete(this.#codes.keys().next().value ?? "");
    return code;
  }

  clear(): void {
    this.#codes.clear();
  }

  /** What it was made for; null when there is none, it was used or is too old. It is gone afterwards. */
  take(code: string): Role | null {
    const known = this.#codes.get(code);
    this.#codes.delete(code);
    return known !== undefined && this.#now() < known.until ? known.role : null;
  }
}
