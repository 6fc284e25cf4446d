// The functions a slot has been given, loaded when a task first needs them.
import { decodeFunctionDescription, FlockError } from "@taskflock/protocol/code";
import { type Callable, type ClosureFactory, loadFunction } from "../functions/index.ts";
import type { SentFunction } from "./batch.ts";

/** Either `call`, or `make` for a function that captures values. */
export interface SlotFunction {
  readonly name: string;
  readonly call: Callable | undefined;
  readonly make: ClosureFactory | undefined;
  /** The last result was too large for the outbox, so the next probably is. */
  largeResult: boolean;
}

export class SlotFunctions {
  readonly #sent: Map<number, SentFunction> = new Map();
  readonly #loaded: Map<number, SlotFunction> = new Map();

  add(functions: readonly SentFunction[]): void {
    for (const sent of functions) this.#sent.set(sent.fn, sent);
  }

  forget(functions: readonly number[]): void {
    for (const fn of functions) {
      this.#sent.delete(fn);
      this.#loaded.delete(fn);
    }
  }

  /** Undefined until `load` has made it ready. */
  ready(fn: number): SlotFunction | undefined {
    return this.#loaded.get(fn);
  }

  /** The name under which it was submitted. */
  nameOf(fn: number): string {
    return this.#sent.get(fn)?.name ?? "";
  }

  async load(fn: number): Promise<void> {
    if (this.#loaded.has(fn)) return;
    const sent = this.#sent.get(fn);
    if (sent === undefined) {
      throw new FlockError("FLOCK_INTERNAL", `A slot was not given function ${fn} before a task that calls it.`);
    }
    const loaded = await loadFunction(decodeFunctionDescription(sent.code));
    const call = loaded.closure ? undefined : loaded.value;
    const make = loaded.closure ? loaded.value : undefined;
    this.#loaded.set(fn, { name: sent.name, call, make, largeResult: false });
  }
}
