// Events that any number of readers can iterate over, each from the first one.

export class EventStream<E> implements AsyncIterable<E> {
  readonly #events: E[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  push(event: E): void {
    this.#events.push(event);
    this.#wakeAll();
  }

  /** Readers see what was pushed before, then finish. */
  end(): void {
    this.#ended = true;
    this.#wakeAll();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    for (let next = 0; ; next++) {
      while (next >= this.#events.length) {
        if (this.#ended) return;
        await new Promise<void>((wake) => this.#wake.push(wake));
      }
      yield this.#events[next] as E;
    }
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
