// What every attack on the cluster has at hand, and what it says of itself.

import type { Random } from "./random.ts";
import type { Pools, Samples } from "./samples.ts";

export interface Ports {
  readonly scheduler: number;
  readonly page: number;
  /** The steady worker's peer port. */
  readonly peer: number;
  readonly token: string;
  readonly peerKey: string;
}

export interface Arena {
  readonly random: Random;
  readonly samples: Samples;
  readonly ports: Ports;
  /** Tasks and workers that were heard of. */
  readonly known: { tasks: number[]; workers: number[]; workerNames: string[] } & Pools;
  /** Another address of this machine, or undefined where it has none. */
  stranger(): string | undefined;
  readonly tally: Tally;
}

/** What was sent, and what came of it. */
export class Tally {
  /** Frames and requests that the other end has answered, refused, or ended the connection for. */
  judged = 0;
  sent = 0;
  connections = 0;
  /** Who said which message that was taken. */
  readonly kinds: Set<string> = new Set();
  /** What should not be. */
  readonly problems: string[] = [];
  /** How often things came about, by a word. */
  readonly counts: Map<string, number> = new Map();

  count(word: string, times = 1): void {
    this.counts.set(word, (this.counts.get(word) ?? 0) + times);
  }

  problem(text: string): void {
    this.count("problems");
    if (this.problems.length < 20) this.problems.push(text.slice(0, 500));
  }
}

/** One connection, or a few that belong together. Resolves when it is over. */
export type Attack = (arena: Arena) => Promise<void>;
