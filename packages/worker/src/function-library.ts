// The code of functions, as the scheduler sent it. The worker numbers them itself: a scheduler that restarted uses its ids
// again, and slots must not take one function for another.
import { FlockError, type FunctionId } from "@taskflock/protocol";
import type { SentFunction } from "./slot/batch.ts";

export interface LibraryFunction {
  /** 1, 2, 3 …; never used again. */
  readonly number: number;
  readonly name: string;
  /** An encoded function description. */
  readonly code: Uint8Array;
}

export class FunctionLibrary {
  readonly #byId: Map<FunctionId, LibraryFunction> = new Map();
  readonly #known: Set<number> = new Set();
  #number = 0;
  #forgotten = 0;

  /** Rises whenever a function is forgotten, so that slots look then only. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Copies the code. */
  add(id: FunctionId, name: string, code: Uint8Array): void {
    this.forget(id);
    const added: LibraryFunction = { number: ++this.#number, name, code: code.slice() };
    this.#byId.set(id, added);
    this.#known.add(added.number);
  }

  forget(id: FunctionId): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    this.#known.delete(known.number);
    this.#forgotten++;
  }

  get(id: FunctionId): LibraryFunction {
    const found = this.#byId.get(id);
    if (found === undefined) throw new FlockError("FLOCK_INTERNAL", `Function ${id} was not sent to this worker.`);
    return found;
  }

  has(number: number): boolean {
    return this.#known.has(number);
  }
}

/** Which functions one slot has been given. */
export class SeenFunctions {
  readonly #library: FunctionLibrary;
  readonly #seen: Set<number> = new Set();
  #forgotten: number;
  /** The number of the function that was looked for last: most batches call one. */
  #last = 0;

  constructor(library: FunctionLibrary) {
    this.#library = library;
    this.#forgotten = library.forgotten;
  }

  /** What the slot needs for these items and was not given yet; it counts as given from now on. */
  unseen(
    items: readonly { readonly fn: LibraryFunction; readonly functions: readonly LibraryFunction[] }[],
  ): SentFunction[] {
    const unseen: SentFunction[] = [];
    for (let i = 0; i < items.length; i++) {
      const { fn, functions } = items[i]!;
      if (fn.number !== this.#last) this.#look(fn, unseen);
      for (let k = 0; k < functions.length; k++) this.#look(functions[k]!, unseen);
    }
    return unseen;
  }

  /** Numbers that the slot may forget. */
  stale(): number[] {
    if (this.#forgotten === this.#library.forgotten) return [];
    this.#forgotten = this.#library.forgotten;
    const stale = [...this.#seen].filter((number) => !this.#library.has(number));
    for (const number of stale) this.#seen.delete(number);
    if (stale.length > 0) this.#last = 0;
    return stale;
  }

  #look({ number, name, code }: LibraryFunction, unseen: SentFunction[]): void {
    this.#last = number;
    if (this.#seen.has(number)) return;
    this.#seen.add(number);
    unseen.push({ fn: number, name, code });
  }
}
