// Keeps the order of what is sent while something before it is not ready yet. A function that is an export of a package is
// looked up asynchronously the first time: its definition must go before the tasks that call it, and they before what
// depends on them.

interface Barrier {
  ready: (() => void) | null;
}

export class Gate {
  #queue: ((() => void) | Barrier)[] = [];
  #next = 0;

  /** While closed, whatever is sent must `pass`. */
  get closed(): boolean {
    return this.#queue.length > 0;
  }

  /** Runs `action` after everything that was held or passed before. */
  pass(action: () => void): void {
    if (this.closed) this.#queue.push(action);
    else action();
  }

  /** Holds what follows until `work` has settled; then runs what it resolved to, in its place. `work` never rejects. */
  hold(work: Promise<() => void>): void {
    const barrier: Barrier = { ready: null };
    this.#queue.push(barrier);
    void work.then((action) => {
      barrier.ready = action;
      this.#drain();
    });
  }

  #drain(): void {
    for (; this.#next < this.#queue.length; this.#next++) {
      const item = this.#queue[this.#next]!;
      const action = typeof item === "function" ? item : item.ready;
      if (action === null) return;
      action();
    }
    this.#queue = [];
    this.#next = 0;
  }
}
