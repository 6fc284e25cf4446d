// The functions that a session has defined: each travels once, by the hash of what describes it.

import {
  type ClientToScheduler,
  encodeFunctionDescription,
  type FunctionDescription,
  type FunctionNumber,
  type PayloadRef,
  type PayloadStore,
} from "@taskflock/protocol";
import { prepareFunction } from "./functions/index.ts";
import type { Gate } from "./gate.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function is meant, whatever it takes
export type AnyFunction = (...args: any[]) => unknown;

/** A function of a session. */
export interface FunctionEntry {
  readonly number: FunctionNumber;
  readonly name: string;
  /** Of its description; null until that is known. */
  hash: string | null;
  /** Why it cannot travel, if that turned out after the call. */
  failure: Error | null;
}

export interface FunctionTableHost {
  readonly payloads: PayloadStore;
  readonly gate: Gate;
  /** Sends in order, and frees the payload. */
  send(message: ClientToScheduler, payload: PayloadRef): void;
  /** Sends now; for what the gate runs. */
  transmit(message: ClientToScheduler, payload: PayloadRef): void;
}

export class FunctionTable {
  readonly #host: FunctionTableHost;
  readonly #byFunction: WeakMap<AnyFunction, FunctionEntry> = new WeakMap();
  readonly #byHash: Map<string, FunctionEntry> = new Map();
  #last = 0;

  constructor(host: FunctionTableHost) {
    this.#host = host;
  }

  /**
   * The entry of a function, defined at the scheduler before whatever is sent after this call.
   * Throws FLOCK_FUNCTION_NOT_SERIALIZABLE; `path` says where the function stands.
   */
  entryOf(fn: AnyFunction, path?: string): FunctionEntry {
    const known = this.#byFunction.get(fn);
    const entry = known ?? this.#enter(fn, path);
    if (entry.failure !== null) throw entry.failure;
    return entry;
  }

  #enter(fn: AnyFunction, path: string | undefined): FunctionEntry {
    const preparation = prepareFunction(fn, path);
    const entry = preparation instanceof Promise ? this.#awaited(fn, preparation) : this.#described(preparation);
    this.#byFunction.set(fn, entry);
    return entry;
  }

  #described(description: FunctionDescription): FunctionEntry {
    const same = this.#byHash.get(description.hash);
    if (same !== undefined) return same;
    const entry = this.#add(description.name, description.hash);
    this.#define(entry, description, (message, payload) => this.#host.send(message, payload));
    return entry;
  }

  #awaited(fn: AnyFunction, preparation: Promise<FunctionDescription>): FunctionEntry {
    const entry = this.#add(fn.name === "" ? "anonymous" : fn.name, null);
    const defined = preparation.then(
      (description) => () => {
        entry.hash = description.hash;
        this.#define(entry, description, (message, payload) => this.#host.transmit(message, payload));
      },
      (error: unknown) => () => {
        entry.failure = error instanceof Error ? error : new Error(String(error));
      },
    );
    this.#host.gate.hold(defined);
    return entry;
  }

  #add(name: string, hash: string | null): FunctionEntry {
    const entry: FunctionEntry = { number: ++this.#last as FunctionNumber, name, hash, failure: null };
    if (hash !== null) this.#byHash.set(hash, entry);
    return entry;
  }

  /** A description that is too large for a frame makes the entry a failed one. */
  #define(
    entry: FunctionEntry,
    description: FunctionDescription,
    send: (message: ClientToScheduler, payload: PayloadRef) => void,
  ): void {
    const code = encodeFunctionDescription(description);
    const payload = this.#host.payloads.put(code);
    const { number: fn, name } = entry;
    try {
      send({ t: "function", fn, hash: description.hash, name, code: payload, codeBytes: code.length }, payload);
    } catch (error) {
      entry.failure = error as Error;
    }
  }
}
