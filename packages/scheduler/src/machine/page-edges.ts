// What needed what, also after it is over: a task that has its result for good lets go of its inputs, and people still want to see where
// it came from. The last edges of all tasks, in a ring.

import type { TaskId } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Task } from "./records.ts";

const KEPT = 32_768;

export class PastEdges {
  readonly #inputs: TaskId[] = [];
  readonly #dependents: TaskId[] = [];
  #total = 0;

  /** Edges since the start. */
  get total(): number {
    return this.#total;
  }

  add(input: TaskId, dependent: TaskId): void {
    const at = this.#total++ % KEPT;
    this.#inputs[at] = input;
    this.#dependents[at] = dependent;
  }

  /** Visits those of which both ends are still known, in no order. */
  each(core: Core, visit: (input: Task, dependent: Task) => void): void {
    for (let at = 0; at < this.#inputs.length; at++) {
      const dependent = core.taskById(this.#dependents[at]!);
      if (dependent === null) continue;
      const input = core.taskById(this.#inputs[at]!);
      if (input !== null) visit(input, dependent);
    }
  }

  /** What a task needed and what needed it, of what is still known. */
  around(core: Core, task: Task): { readonly inputs: Task[]; readonly dependents: Task[] } {
    const [inputs, dependents]: [Task[], Task[]] = [[], []];
    for (let at = 0; at < this.#inputs.length; at++) {
      if (this.#dependents[at] === task.id) push(inputs, core.taskById(this.#inputs[at]!));
      else if (this.#inputs[at] === task.id) push(dependents, core.taskById(this.#dependents[at]!));
    }
    return { inputs, dependents };
  }
}

function push(tasks: Task[], task: Task | null): void {
  if (task !== null) tasks.push(task);
}

/** Neighbours of tasks, present and past, each once. */
export class Neighbours {
  readonly #inputs: Map<Task, Task[]> = new Map();
  readonly #dependents: Map<Task, Task[]> = new Map();

  constructor(core: Core) {
    core.pastEdges.each(core, (input, dependent) => {
      add(this.#inputs, dependent, input);
      add(this.#dependents, input, dependent);
    });
  }

  inputsOf(task: Task): readonly Task[] {
    if (task.deps.length === 0) return each(this.#inputs.get(task));
    return joined(
      task.deps.map(({ dependency }) => dependency),
      this.#inputs.get(task),
    );
  }

  dependentsOf(task: Task): readonly Task[] {
    if (task.dependents.length === 0) return each(this.#dependents.get(task));
    return joined(
      task.dependents.map(({ dependent }) => dependent),
      this.#dependents.get(task),
    );
  }
}

function add(to: Map<Task, Task[]>, task: Task, neighbour: Task): void {
  const known = to.get(task);
  if (known === undefined) to.set(task, [neighbour]);
  else known.push(neighbour);
}

const none: readonly Task[] = [];

function each(past: readonly Task[] | undefined): readonly Task[] {
  if (past === undefined) return none;
  return past.length < 2 ? past : [...new Set(past)];
}

/** Each once. */
export function joined(present: Task[], past: readonly Task[] | undefined): Task[] {
  return past === undefined || past.length === 0 ? present : [...new Set([...present, ...past])];
}
