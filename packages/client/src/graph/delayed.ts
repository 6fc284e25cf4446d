// Delayed calls: the nodes of a graph. A call is written down with its arguments, and made by `client.compute`.

import { inspect } from "node:util";
import { FlockError } from "@taskflock/protocol/words";
import type { AnyFunction } from "../function-table.ts";
import { isFuture } from "../future.ts";
import { describe } from "../option-checks.ts";
import { COPY, holdersOf, Rebuilder } from "../structure.ts";
import { checkTaskOptions, type TaskOptions } from "../task-options.ts";
import type { DelayableArguments } from "./types.ts";

/** Options of each call of a delayed function. A `signal` is for `compute`, which starts them. */
export type DelayedOptions = Omit<TaskOptions, "signal">;

/** What a delayed call is, for the other files of this package. */
export interface Call {
  readonly fn: AnyFunction;
  /** Their own copy, where other delayed calls stand in them. */
  readonly args: readonly unknown[];
  /** The delayed calls that stand in the arguments, each once. */
  readonly inputs: readonly Delayed<unknown>[];
  /** The containers in the arguments in which some of them stand. */
  readonly holders: ReadonlySet<object>;
  readonly options: DelayedOptions | undefined;
}

let callIn: (node: Delayed<unknown>) => Call;
let madeHere: (value: object) => boolean;

/**
 * A call that was written down and not made yet. Give it to other delayed functions, anywhere in their arguments, and to
 * `client.compute`, which makes all the calls that it needs. It is no promise, and has no value of its own.
 */
export class Delayed<out R> {
  /** Never there: it only tells TypeScript what the call returns. */
  declare readonly "~result"?: R;
  readonly #call: Call;

  static {
    callIn = (node) => node.#call;
    madeHere = (value) => #call in value;
    Object.defineProperty(Delayed.prototype, inspect.custom, {
      value(this: Delayed<unknown>) {
        return this.toString();
      },
    });
  }

  /** Delayed calls come from delayed functions: `delayed(fn)(…)`. */
  constructor(call: Call) {
    this.#call = call;
  }

  /** The stem of its task's key: the name given in the options, or the function's. */
  get name(): string {
    return nameOf(this.#call.fn, this.#call.options);
  }

  /** `Delayed { name }`. */
  toString(): string {
    return `Delayed { ${this.name} }`;
  }
}

/** A function whose calls are written down, not made. */
export interface DelayedFunction<A extends readonly unknown[], R> {
  (...args: DelayableArguments<A>): Delayed<R>;
  /** The same function, whose calls have these options besides those it has: `load.with({ retries: 2 })("a.csv")`. */
  with(options: DelayedOptions): DelayedFunction<A, R>;
}

/**
 * Makes a function whose calls are the nodes of a graph: each returns at once what stands for its result, and
 * `client.compute` makes the calls on the workers.
 *
 * The arguments are as they are when the graph is computed, except that a container in which delayed calls stand is
 * copied at once: what is put into it later does not count. Throws FLOCK_ARGUMENT_INVALID and FLOCK_OPTION_INVALID.
 */
export function delayed<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options?: DelayedOptions,
): DelayedFunction<A, Awaited<R>> {
  if (typeof fn !== "function") {
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `delayed takes a function, not ${describe(fn)}. Values need no delayed(): give them to delayed functions as they are.`,
    );
  }
  if (functions.has(fn)) {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", "delayed takes a function of yours; this one is delayed already.");
  }
  return delayedFunction<A, Awaited<R>>(fn as AnyFunction, checkDelayedOptions("delayed", options));
}

function nameOf(fn: AnyFunction, options: DelayedOptions | undefined): string {
  return options?.name ?? (fn.name || "anonymous");
}

/** Those that `delayed` made: nobody means to send one. */
const functions: WeakSet<AnyFunction> = new WeakSet();

function delayedFunction<A extends readonly unknown[], R>(
  fn: AnyFunction,
  options: DelayedOptions | undefined,
): DelayedFunction<A, R> {
  const call = (...args: DelayableArguments<A>): Delayed<R> => new Delayed<R>(writeDown(fn, args, options));
  functions.add(call);
  const own = (more: DelayedOptions): DelayedFunction<A, R> =>
    delayedFunction<A, R>(fn, { ...options, ...checkDelayedOptions("with", more) });
  Object.defineProperty(call, "name", { value: `delayed ${nameOf(fn, options)}` });
  return Object.assign(call, { with: own });
}

function checkDelayedOptions(where: string, options: DelayedOptions | undefined): DelayedOptions | undefined {
  if (options === undefined) return undefined;
  if (typeof options === "object" && options !== null && "signal" in options) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `${where}: a signal is for what runs: client.compute(nodes, { signal }).`,
    );
  }
  return { ...checkTaskOptions(where, options) };
}

const NO_HOLDERS: ReadonlySet<object> = new Set();

/** No call can come to depend on itself: its inputs were there before it, and are not changed any more. */
function writeDown(fn: AnyFunction, args: readonly unknown[], options: DelayedOptions | undefined): Call {
  const inputs = new Set<Delayed<unknown>>();
  let flat = true;
  for (const arg of args) {
    if (typeof arg !== "object" || arg === null) continue;
    if (isDelayed(arg)) inputs.add(arg);
    else if (!isFuture(arg)) flat = false;
  }
  if (flat) return { fn, args, inputs: [...inputs], holders: NO_HOLDERS, options };
  const shared = holdersOf(args, isDelayed);
  const copies = new Rebuilder((value) => {
    if (isDelayed(value)) inputs.add(value);
    return shared.has(value) ? COPY : value;
  });
  const own = args.map((arg) => copies.copy(arg));
  return { fn, args: own, inputs: [...inputs], holders: new Set(copies.made), options };
}

export function callOf(node: Delayed<unknown>): Call {
  return callIn(node);
}

/** True for delayed calls made by this copy of the package. */
export function isDelayed(value: unknown): value is Delayed<unknown> {
  return typeof value === "object" && value !== null && madeHere(value);
}

/** For a function that was not called: `compute(load)` in place of `compute(load("a.csv"))`. */
export function isDelayedFunction(value: unknown): boolean {
  return typeof value === "function" && functions.has(value as AnyFunction);
}

/** For a delayed call that stands where a value or a future should. */
export function delayedGiven(place: string, node: Delayed<unknown>): FlockError {
  return new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${place} is a delayed call (${node.name}), which has no value yet. client.compute(node) gives a future of it, which may stand there; or give the call to a delayed function, in its arguments, or in arrays, plain objects, maps or sets in them.`,
  );
}

export function delayedFunctionGiven(where: string): FlockError {
  return new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${where} takes a function that is not delayed. Give it the function itself, or compute a call of the delayed one: client.compute(fn(…)).`,
  );
}
