// Whose turn it is to be sent something: a bounded number at once, in all and per peer; those that wait go round by peer, so that
// one that asks for much does not keep the others waiting.

export interface TurnLimits {
  readonly total: number;
  readonly perPeer: number;
  /** Further ones are turned away. */
  readonly waiting: number;
}

type Start = (over: () => void) => void;

export class Turns {
  readonly #limits: TurnLimits;
  readonly #running: Map<string, number> = new Map();
  /** None is empty. The peer that was served last is the last. */
  readonly #queues: Map<string, Start[]> = new Map();
  #total = 0;
  #waiting = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#total;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Calls `start` when its turn has come, perhaps now; `start` calls `over` at its end. Returns what takes a waiting one back,
   * or null when it was turned away.
   */
  take(peer: string, start: Start): (() => void) | null {
    if (this.#mayRun(peer)) {
      this.#run(peer, start);
      return () => {};
    }
    if (this.#waiting >= this.#limits.waiting) return null;
    const queue = this.#queues.get(peer) ?? [];
    this.#queues.set(peer, queue);
    queue.push(start);
    this.#waiting++;
    return () => this.#takeBack(peer, start);
  }

  #mayRun(peer: string): boolean {
    return this.#total < this.#limits.total && (this.#running.get(peer) ?? 0) < this.#limits.perPeer;
  }

  #run(peer: string, start: Start): void {
    this.#total++;
    this.#running.set(peer, (this.#running.get(peer) ?? 0) + 1);
    let over = false;
    start(() => {
      if (over) return;
      over = true;
      this.#total--;
      const left = this.#running.get(peer)! - 1;
      if (left > 0) this.#running.set(peer, left);
      else this.#running.delete(peer);
      this.#next();
    });
  }

  #next(): void {
    // Those that are passed over have as many running as they may: they are few.
    for (const [peer, queue] of this.#queues) {
      if (this.#total >= this.#limits.total) return;
      if (!this.#mayRun(peer)) continue;
      const start = queue.shift()!;
      this.#waiting--;
      this.#queues.delete(peer);
      if (queue.length > 0) this.#queues.set(peer, queue);
      this.#run(peer, start);
      return;
    }
  }

  #takeBack(peer: string, start: Start): void {
    const queue = this.#queues.get(peer);
    const at = queue?.indexOf(start) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    this.#waiting--;
    if (queue.length === 0) this.#queues.delete(peer);
  }
}
