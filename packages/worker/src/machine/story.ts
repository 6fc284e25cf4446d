import type { StoryLine, TaskId } from "@taskflock/protocol/words";
import { stateNames } from "./records.ts";

/** The last transitions of all attempts here, in one bounded ring of plain numbers. */
export class StoryRing {
  readonly #lines: number;
  /** Of each line: task, at, cause, attempt * 64 + from * 8 + to. */
  readonly #ring: Float64Array;
  #next = 0;

  constructor(lines: number) {
    this.#lines = Math.max(1, lines);
    this.#ring = new Float64Array(this.#lines * 4);
  }

  add(task: TaskId, attempt: number, at: number, cause: number, from: number, to: number): void {
    const ring = this.#ring;
    const place = (this.#next++ % this.#lines) * 4;
    ring[place] = task;
    ring[place + 1] = at;
    ring[place + 2] = cause;
    ring[place + 3] = attempt * 64 + from * 8 + to;
  }

  of(task: TaskId): StoryLine[] {
    const lines: StoryLine[] = [];
    for (let i = Math.max(0, this.#next - this.#lines); i < this.#next; i++) {
      const place = (i % this.#lines) * 4;
      if (this.#ring[place] !== task) continue;
      const step = this.#ring[place + 3] as number;
      lines.push({
        at: this.#ring[place + 1] as number,
        cause: this.#ring[place + 2] as number,
        from: stateNames[Math.floor(step / 8) % 8] as string,
        to: stateNames[step % 8] as string,
        detail: `attempt ${Math.floor(step / 64)}`,
      });
    }
    return lines;
  }
}
