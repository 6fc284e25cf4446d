// Plans shared computations as tasks: each key once, kept as long as somebody holds it.

import type { SharedStep } from "../estimator.ts";
import type { Executor, Handle } from "../executor.ts";
import { runSharedStep } from "./tasks.ts";

export interface HeldSteps {
  /** What the task's `shared` argument is; the handles stand for the steps' values. */
  readonly values: Readonly<Record<string, Handle<unknown>>>;
  release(): void;
}

interface Entry {
  readonly handle: Handle<unknown>;
  readonly needs: HeldSteps;
  holders: number;
}

export class SharedSteps {
  readonly #executor: Executor;
  readonly #X: Handle<unknown>;
  readonly #entries = new Map<string, Entry>();

  constructor(executor: Executor, X: Handle<unknown>) {
    this.#executor = executor;
    this.#X = X;
  }

  /** Submits the steps that are not there yet, and holds all of them until `release`. */
  hold(steps: Readonly<Record<string, SharedStep>>): HeldSteps {
    const values: Record<string, Handle<unknown>> = {};
    for (const [name, step] of Object.entries(steps)) values[name] = this.#holdOne(step);
    let held = true;
    return {
      values,
      release: () => {
        if (!held) return;
        held = false;
        for (const step of Object.values(steps)) this.#drop(step.key);
      },
    };
  }

  #holdOne(step: SharedStep): Handle<unknown> {
    const entry = this.#entries.get(step.key) ?? this.#submit(step);
    entry.holders++;
    return entry.handle;
  }

  #submit(step: SharedStep): Entry {
    const needs = this.hold(step.needs ?? {});
    const args = [step.compute, this.#X, step.args ?? null, needs.values];
    const handle = this.#executor.submit(runSharedStep, args, { name: step.key });
    const entry: Entry = { handle, needs, holders: 0 };
    this.#entries.set(step.key, entry);
    return entry;
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.holders--;
    if (entry.holders > 0) return;
    this.#entries.delete(key);
    entry.handle.release();
    entry.needs.release();
  }
}
