// An inline executor that remembers what was submitted and what has not been released.

import { type Executor, type Handle, InlineExecutor, type RunScope, type SubmitOptions } from "../src/index.ts";

export class CountingExecutor extends InlineExecutor {
  /** Names of submitted tasks, in order. */
  readonly submitted: string[] = [];
  readonly closed: string[] = [];
  readonly #held = new Map<Handle<unknown>, string>();

  /** Names of what is still held, in order. */
  get held(): string[] {
    return [...this.#held.values()];
  }

  override submit<R>(
    // biome-ignore lint/suspicious/noExplicitAny: as in `Executor`
    fn: (...args: any[]) => R | Promise<R>,
    args: readonly unknown[],
    options?: SubmitOptions,
  ): Handle<R> {
    const name = options?.name ?? fn.name;
    this.submitted.push(name);
    return this.#hold(super.submit<R>(fn, args), name);
  }

  override scatter<T>(value: T, options?: { readonly name?: string }): Handle<T> {
    return this.#hold(super.scatter(value), options?.name ?? "scattered");
  }

  override openRun(name: string, total: number): { readonly executor: Executor; readonly scope: RunScope } {
    const { scope } = super.openRun(name, total);
    return { executor: this, scope: { ...scope, close: (outcome) => this.closed.push(outcome) } };
  }

  #hold<R>(handle: Handle<R>, name: string): Handle<R> {
    this.#held.set(handle, name);
    const release = handle.release.bind(handle);
    handle.release = () => {
      this.#held.delete(handle);
      release();
    };
    return handle;
  }
}
