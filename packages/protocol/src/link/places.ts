// Places for those who have shown nothing yet. Of one address they are only a part: else it could keep all others out.

import { networkOf } from "./attempts.ts";

/** Of all places, so many parts are one address's. */
const PARTS = 4;

export class Places {
  readonly #all: number;
  readonly #ofOne: number;
  readonly #taken: Map<string, number> = new Map();
  #count = 0;

  constructor(all: number) {
    this.#all = all;
    this.#ofOne = Math.ceil(all / PARTS);
  }

  /** `address`: undefined of a Unix socket, behind which is this machine's user, who may have all. */
  hasRoomFor(address: string | undefined): boolean {
    if (this.#count >= this.#all) return false;
    return address === undefined || (this.#taken.get(networkOf(address)) ?? 0) < this.#ofOne;
  }

  /** What is returned gives the place back; once, however often it is called. */
  take(address: string | undefined): () => void {
    const network = address === undefined ? "" : networkOf(address);
    this.#count++;
    this.#taken.set(network, (this.#taken.get(network) ?? 0) + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#count--;
      const left = (this.#taken.get(network) ?? 1) - 1;
      if (left === 0) this.#taken.delete(network);
      else this.#taken.set(network, left);
    };
  }
}
