// One bounded ring of transitions for all tasks together.

import type { StoryDump, StoryLine, TaskId } from "@taskflock/protocol/words";
import { cut } from "./cut.ts";
import { type State, stateNames } from "./states.ts";

/** Of a line: messages of errors may be long. */
const DETAIL_UNITS = 1_000;
/** A power of two. */
const MARKS = 4_096;

export class Story {
  readonly #size: number;
  readonly #tasks: Float64Array;
  readonly #times: Float64Array;
  readonly #causes: Float64Array;
  readonly #from: Uint8Array;
  readonly #to: Uint8Array;
  readonly #details: string[];
  #next = 0;
  #total = 0;
  #marked = 0;

  constructor(lines: number) {
    this.#size = Math.max(1, lines);
    this.#tasks = new Float64Array(this.#size);
    this.#times = new Float64Array(this.#size);
    this.#causes = new Float64Array(this.#size);
    this.#from = new Uint8Array(this.#size);
    this.#to = new Uint8Array(this.#size);
    this.#details = [];
  }

  /** Transitions since the start. */
  get total(): number {
    return this.#total;
  }

  add(task: TaskId, at: number, cause: number, from: State, to: State, detail: string): void {
    const i = this.#next;
    this.#tasks[i] = task;
    this.#times[i] = at;
    this.#causes[i] = cause;
    this.#from[i] = from;
    this.#to[i] = to;
    this.#details[i] = cut(detail, DETAIL_UNITS);
    this.#next = i + 1 === this.#size ? 0 : i + 1;
    this.#total++;
  }

  /** A step begins. */
  mark(): void {
    this.#marked = this.#total;
  }

  /** The tasks of the transitions since the mark, as far as the ring has them. */
  sinceMark(): Set<TaskId> {
    const tasks = new Set<TaskId>();
    const kept = Math.min(this.#total - this.#marked, this.#size);
    for (let k = 1; k <= kept; k++) tasks.add(this.#tasks[(this.#next - k + this.#size) % this.#size] as TaskId);
    return tasks;
  }

  /** The lines that are still there, oldest first, from line number `from` of all that there were. */
  page(from: number, limit: number): { readonly items: StoryDump[]; readonly next: number | null } {
    const first = Math.max(from, this.#total - this.#size);
    const end = Math.min(this.#total, first + limit);
    const items: StoryDump[] = [];
    for (let line = first; line < end; line++) {
      const i = line % this.#size;
      items.push({
        task: this.#tasks[i] as TaskId,
        at: this.#times[i]!,
        cause: this.#causes[i]!,
        from: stateNames[this.#from[i]!]!,
        to: stateNames[this.#to[i]!]!,
        detail: this.#details[i]!,
      });
    }
    return { items, next: end < this.#total ? end : null };
  }

  of(task: TaskId): StoryLine[] {
    const lines: StoryLine[] = [];
    const kept = Math.min(this.#total, this.#size);
    for (let k = 0; k < kept; k++) {
      const i = (this.#next - kept + k + this.#size) % this.#size;
      if (this.#tasks[i] === task) lines.push(this.#line(i));
    }
    return lines;
  }

  /** The last change of state of each of some tasks, as far as the ring still has it. */
  lastOf(tasks: ReadonlySet<TaskId>): Map<TaskId, StoryLine> {
    const found = new Map<TaskId, StoryLine>();
    // Most lines are of other tasks: a look at some of their bits is quicker than one into a set.
    const marks = new Uint8Array(MARKS);
    for (const task of tasks) marks[task & (MARKS - 1)] = 1;
    const kept = Math.min(this.#total, this.#size);
    for (let k = 1; k <= kept && found.size < tasks.size; k++) {
      const i = (this.#next - k + this.#size) % this.#size;
      const task = this.#tasks[i] as TaskId;
      if (marks[task & (MARKS - 1)] === 0) continue;
      if (this.#from[i] !== this.#to[i] && tasks.has(task) && !found.has(task)) found.set(task, this.#line(i));
    }
    return found;
  }

  #line(i: number): StoryLine {
    const from = stateNames[this.#from[i]!]!;
    const to = stateNames[this.#to[i]!]!;
    return { at: this.#times[i]!, cause: this.#causes[i]!, from, to, detail: this.#details[i]! };
  }
}
