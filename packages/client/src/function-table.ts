// The functions that a session has defined: each code travels once, by the hash of what describes it.

import {
  type ClientToScheduler,
  encodeFunctionDescription,
  type FunctionDescription,
  type FunctionNumber,
  type PayloadRef,
  type PayloadStore,
  type Welcome,
} from "@taskflock/protocol";
import {
  type FunctionCode,
  forgetFunction,
  type PackageMode,
  type Prepared,
  prepareFunction,
} from "./functions/index.ts";
import type { Gate } from "./gate.ts";
import { ensureMayWork } from "./rights.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function is meant, whatever it takes
export type AnyFunction = (...args: any[]) => unknown;

/** A code of a session. Functions that differ only in what they captured share one. */
export interface FunctionEntry {
  readonly number: FunctionNumber;
  readonly name: string;
  /** Of its description; null until that is known. */
  hash: string | null;
  /** Why it cannot travel, if that turned out after the call. */
  failure: Error | null;
  /** The function that was used with this code last; and whether others were before. */
  live: AnyFunction;
  several: boolean;
  /** What travels with the function that was used last, as arguments use what it uses. */
  besides: readonly AnyFunction[] | undefined;
}

/** A function as one call uses it, with what it captured. */
export interface FunctionUse extends Pick<Prepared, "captured" | "names" | "unitIndex" | "shares" | "isClass"> {
  readonly fn: AnyFunction;
  readonly entry: FunctionEntry;
  /** What it captures and the arguments are written as one, so that they may share functions and classes. */
  readonly shared: boolean;
}

export interface FunctionTableHost {
  readonly payloads: PayloadStore;
  readonly gate: Gate;
  readonly packages: PackageMode;
  readonly welcome: Welcome | null;
  /** Sends in order, and frees the payload. */
  send(message: ClientToScheduler, payload: PayloadRef): void;
  /** Sends now; for what the gate runs. */
  transmit(message: ClientToScheduler, payload: PayloadRef): void;
}

export class FunctionTable {
  readonly #host: FunctionTableHost;
  readonly #byCode: WeakMap<FunctionCode, FunctionEntry> = new WeakMap();
  readonly #byHash: Map<string, FunctionEntry> = new Map();
  readonly #byNumber: Map<FunctionNumber, FunctionEntry> = new Map();
  #last = 0;

  constructor(host: FunctionTableHost) {
    this.#host = host;
  }

  /**
   * A function with its captured values as they are now; its code is defined at the scheduler before whatever is sent after
   * this call. Throws FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_FORBIDDEN; `path` says where the function stands. `shared`: the arguments may refer to
   * functions and classes that travel with it, among them `besides`.
   */
  use(fn: AnyFunction, path?: string, shared = false, besides?: readonly AnyFunction[]): FunctionUse {
    const manner = { packages: this.#host.packages, shared, besides };
    const { code, captured, names, unitIndex, shares, isClass } = prepareFunction(fn, manner, path);
    const entry = this.#byCode.get(code) ?? this.#enter(code, fn);
    if (entry.failure !== null) throw entry.failure;
    entry.several ||= entry.live !== fn;
    entry.live = fn;
    entry.besides = besides;
    return { fn, entry, shared, captured, names, unitIndex, shares, isClass };
  }

  /** What the function captured holds other functions than before: the next use looks at all of it. */
  forget(fn: AnyFunction): void {
    forgetFunction(fn);
  }

  /** The functions that captured values of this code refer to, in their places; null when it is not the function's any more. */
  unitsOf(fn: AnyFunction, entry: FunctionEntry): readonly unknown[] | null {
    for (const shared of [false, true]) {
      const { code, units } = prepareFunction(fn, { packages: this.#host.packages, shared, besides: entry.besides });
      const { description } = code;
      const hash = description instanceof Promise ? null : description.hash;
      if (this.#byCode.get(code) === entry || (hash !== null && hash === entry.hash)) return units(fn);
    }
    return null;
  }

  get(number: FunctionNumber): FunctionEntry | undefined {
    return this.#byNumber.get(number);
  }

  #enter(code: FunctionCode, fn: AnyFunction): FunctionEntry {
    ensureMayWork(this.#host.welcome, "submit functions");
    const { name, description } = code;
    const entry =
      description instanceof Promise ? this.#awaited(name, description, fn) : this.#described(description, fn);
    this.#byCode.set(code, entry);
    return entry;
  }

  #described(description: FunctionDescription, fn: AnyFunction): FunctionEntry {
    const same = this.#byHash.get(description.hash);
    if (same !== undefined) return same;
    const entry = this.#add(description.name, description.hash, fn);
    this.#define(entry, description, (message, payload) => this.#host.send(message, payload));
    return entry;
  }

  #awaited(name: string, description: Promise<FunctionDescription>, fn: AnyFunction): FunctionEntry {
    const entry = this.#add(name, null, fn);
    const defined = description.then(
      (found) => () => {
        entry.hash = found.hash;
        this.#define(entry, found, (message, payload) => this.#host.transmit(message, payload));
      },
      (error: unknown) => () => {
        entry.failure = error instanceof Error ? error : new Error(String(error));
        this.#byNumber.delete(entry.number); // the scheduler never hears of it
      },
    );
    this.#host.gate.hold(defined);
    return entry;
  }

  #add(name: string, hash: string | null, live: AnyFunction): FunctionEntry {
    const entry: FunctionEntry = {
      number: ++this.#last as FunctionNumber,
      name,
      hash,
      failure: null,
      live,
      several: false,
      besides: undefined,
    };
    if (hash !== null) this.#byHash.set(hash, entry);
    this.#byNumber.set(entry.number, entry);
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
