// Guessing takes long: who showed too many wrong tokens or codes must wait.

import { isIPv6 } from "node:net";

/** Wrong ones of one address within `WINDOW_MS`. */
export const MAX_WRONG = 10;
export const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that was wrong first goes when there are more. */
const MAX_KNOWN = 10_000;

export class Attempts {
  readonly #now: () => number;
  readonly #max: number;
  readonly #wrong: Map<string, { count: number; readonly until: number }> = new Map();

  /** `now`: milliseconds. */
  constructor(now: () => number, max: number = MAX_WRONG) {
    this.#now = now;
    this.#max = max;
  }

  /** Seconds until who is there may try again, `name` for that name; 0: now. */
  waitSeconds(address: string, name = ""): number {
    const key = `${networkOf(address)} ${name}`;
    const seen = this.#wrong.get(key);
    if (seen === undefined) return 0;
    const left = seen.until - this.#now();
    if (left <= 0) this.#wrong.delete(key);
    return left > 0 && seen.count >= this.#max ? Math.ceil(left / 1_000) : 0;
  }

  wrong(address: string, name = ""): void {
    const key = `${networkOf(address)} ${name}`;
    const seen = this.#wrong.get(key);
    if (seen !== undefined && this.#now() < seen.until) {
      seen.count++;
      return;
    }
    this.#wrong.delete(key);
    this.#wrong.set(key, { count: 1, until: this.#now() + WINDOW_MS });
    if (this.#wrong.size > MAX_KNOWN) this.#wrong.delete(this.#wrong.keys().next().value ?? "");
  }
}

/** The address, which has no port; of IPv6 its network, because whoever has one address there has 2^64. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [before = "", after] = address.split("::");
  const groups = before === "" ? [] : before.split(":");
  if (after !== undefined) {
    const last = after === "" ? [] : after.split(":");
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - last.length)).fill("0"), ...last);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}
