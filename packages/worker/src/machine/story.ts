import type { StoryLine, TaskId } from "@taskflock/protocol/words";
import { stateNames } from "./records.ts";

/** The last transitions of all attempts here, in one bounded ring of plain numbers. */
export class StoryRing {
  readonly #lines: number;
  readonly #task: Float64Array;
  readonly #at: Float64Array;
  readonly #cause: Float64Array;
  /** attempt * 64 + from * 8 + to */
  readonly #step: Float64Array;
  #next = 0;

  constructor(lines: number) {
    this.#lines = Math.max(1, lines);
    this.#task = new Float64Array(this.#lines);
    this.#at = new Float64Array(this.#lines);
    this.#cause = new Float64Array(this.#lines);
    this.#step = new Float64Array(this.#lines);
  }

  add(task: TaskId, attempt: number, at: number, cause: number, from: number, to: number): void {
    const place = this.#next++ % this.#lines;
    this.#task[place] = task;
    this.#at[place] = at;
    this.#cause[place] = cause;
    this.#step[place] = attempt * 64 + from * 8 + to;
  }

  of(task: TaskId): StoryLine[] {
    const lines: StoryLine[] = [];
    for (let i = Math.max(0, this.#next - this.#lines); i < this.#next; i++) {
      const place = i % this.#lines;
      if (this.#task[place] !== task) continue;
      const step = this.#step[place] as number;
      lines.push({
        at: this.#at[place] as number,
        cause: this.#cause[place] as number,
        from: stateNames[Math.floor(step / 8) % 8] as string,
        to: stateNames[step % 8] as string,
        detail: `attempt ${Math.floor(step / 64)}`,
      });
    }
    return lines;
  }
}
