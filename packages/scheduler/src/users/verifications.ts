// Passwords that are being checked. Each check costs a core 200 ms: few at a time, few that wait, and few of one address, so that
// strangers who guess can neither stall this process nor keep others from being checked.

import { FlockError } from "@taskflock/protocol/links";

/** Of the four threads that Node has for such work. */
const AT_ONCE = 2;
/** The last of them is to be told before the connection that waits for it is given up. */
const MAX_WAITING = 16;
const MAX_OF_ADDRESS = 4;

export class Verifications {
  readonly #waiting: (() => void)[] = [];
  readonly #ofAddress: Map<string, number> = new Map();
  /** By what is checked: those who show the same wait for the same. */
  readonly #open: Map<string, Promise<boolean>> = new Map();
  #running = 0;

  /** Rejects with FLOCK_TRY_LATER where too many wait. */
  async check(what: string, address: string, verify: () => Promise<boolean>): Promise<boolean> {
    const open = this.#open.get(what);
    if (open !== undefined) return open;
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    if (ofAddress >= MAX_OF_ADDRESS || this.#waiting.length >= MAX_WAITING) {
      const where = ofAddress >= MAX_OF_ADDRESS ? ` from ${address}` : "";
      throw new FlockError("FLOCK_TRY_LATER", `Too many passwords${where} are being checked. Try again in a moment.`);
    }
    this.#ofAddress.set(address, ofAddress + 1);
    const checked = this.#turn(verify).finally(() => {
      this.#open.delete(what);
      const left = (this.#ofAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#ofAddress.delete(address);
      else this.#ofAddress.set(address, left);
    });
    this.#open.set(what, checked);
    return checked;
  }

  async #turn(verify: () => Promise<boolean>): Promise<boolean> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await verify();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
