// Who can talk to whom: some pairs never can, but by way of the scheduler; and now and then some parties are cut off for a while.

import type { ModelLink } from "./link.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export type Path = "direct" | "unreachable" | "relay fails";

interface Partition {
  readonly members: ReadonlySet<string>;
  /** The scheduler is on the other side. */
  readonly isLonely: boolean;
  readonly until: number;
}

export class Network {
  readonly #world: World;
  readonly #seed: number;
  /** The share of pairs that never reach each other. */
  readonly #apart: number;
  #partitions: Partition[] = [];

  constructor(world: World, seed: number, apart: number) {
    this.#world = world;
    this.#seed = seed;
    this.#apart = apart;
  }

  /** Some of them can only talk to each other for a while, shorter or longer than the scheduler's patience. */
  split(parties: readonly { readonly name: string; readonly link: ModelLink }[], random: Random): void {
    const share = random.next();
    const members = parties.filter(() => random.chance(share));
    const durationUs = random.skewed(500, 400_000);
    const isLonely = random.chance(0.7);
    this.#partitions = this.#partitions.filter(({ until }) => until > this.#world.now);
    const names = new Set(members.map(({ name }) => name));
    this.#partitions.push({ members: names, isLonely, until: this.#world.now + durationUs });
    if (isLonely) for (const { link } of members) link.block(durationUs);
  }

  /** `relayed`: by way of the scheduler. */
  path(reader: string, holder: string, relayed: boolean): Path {
    const now = this.#partitions.filter(({ until }) => until > this.#world.now);
    if (relayed) {
      const isCut = now.some(({ members, isLonely }) => isLonely && (members.has(reader) || members.has(holder)));
      return isCut ? "relay fails" : "direct";
    }
    if (reader === holder) return "direct";
    const isSplit = now.some(({ members }) => members.has(reader) !== members.has(holder));
    return isSplit || this.#areApart(reader, holder) ? "unreachable" : "direct";
  }

  #areApart(reader: string, holder: string): boolean {
    let hash = this.#seed;
    for (const letter of `${reader}>${holder}`) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return (hash >>> 8) / 2 ** 24 < this.#apart;
  }
}
