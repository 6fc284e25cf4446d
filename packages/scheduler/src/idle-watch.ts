// Notices that nobody uses the cluster: no task is unfinished, and nothing has happened to one for long.

export interface Activity {
  /** Transitions of all tasks so far. */
  readonly transitions: number;
  /** Tasks that wait or run. */
  readonly unfinished: number;
}

export class IdleWatch {
  readonly #timeoutMs: number;
  readonly #look: () => Activity;
  #transitions = -1;
  #sinceMs = 0;

  constructor(timeoutMs: number, look: () => Activity) {
    this.#timeoutMs = timeoutMs;
    this.#look = look;
  }

  /** How often to look, milliseconds. */
  get everyMs(): number {
    return Math.max(20, Math.min(1_000, this.#timeoutMs / 4));
  }

  /** True when it has been idle for as long as it may, at `nowMs` of a clock that only goes forward. */
  isOver(nowMs: number): boolean {
    const { transitions, unfinished } = this.#look();
    if (unfinished > 0 || transitions !== this.#transitions) {
      this.#transitions = transitions;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs >= this.#timeoutMs;
  }
}
