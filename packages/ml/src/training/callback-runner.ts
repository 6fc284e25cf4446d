// Runs the callbacks of a training, and keeps their states.
import { hooksOf } from "./callbacks/built-in.ts";
import type { Callback, CallbackContext, CallbackHooks, EpochLogs } from "./types.ts";

/** State of a callback as checkpoints keep it. */
export interface CallbackState {
  readonly name: string;
  readonly state: unknown;
}

export class CallbackRunner {
  readonly #callbacks: readonly CallbackHooks[];
  readonly #context: CallbackContext;
  #states: unknown[];

  /** Errors: FLOCK_ML_PARAMETER for what is no callback. */
  constructor(callbacks: readonly Callback[], context: CallbackContext) {
    this.#callbacks = callbacks.map(hooksOf);
    this.#context = context;
    this.#states = this.#callbacks.map((callback) => callback.start?.(context));
  }

  async epochBegin(epoch: number): Promise<void> {
    await this.#each((callback, state) => callback.onEpochBegin?.(epoch, state, this.#context));
  }

  async batchEnd(step: number, logs: EpochLogs): Promise<void> {
    await this.#each((callback, state) => callback.onBatchEnd?.(step, logs, state, this.#context));
  }

  async epochEnd(epoch: number, logs: EpochLogs): Promise<void> {
    await this.#each((callback, state) => callback.onEpochEnd?.(epoch, logs, state, this.#context));
  }

  async trainEnd(): Promise<void> {
    await this.#each((callback, state) => callback.onTrainEnd?.(state, this.#context));
  }

  states(): CallbackState[] {
    return this.#callbacks.map(({ name }, i) => ({ name, state: this.#states[i] ?? null }));
  }

  /** Takes the states of a checkpoint; a callback that it does not know begins anew. Each name is matched in order. */
  restore(saved: readonly CallbackState[]): void {
    const left = [...saved];
    this.#states = this.#callbacks.map((callback, i) => {
      const at = left.findIndex(({ name }) => name === callback.name);
      return at < 0 ? this.#states[i] : left.splice(at, 1)[0]?.state;
    });
  }

  /** One after the other, in their order. */
  async #each(run: (callback: CallbackHooks, state: unknown) => void | Promise<void>): Promise<void> {
    for (const [i, callback] of this.#callbacks.entries()) {
      const pending = run(callback, this.#states[i]);
      // Most do nothing at most times: no turn of the event loop for those.
      if (pending !== undefined) await pending;
    }
  }
}
