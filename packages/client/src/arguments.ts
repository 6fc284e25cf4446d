// From the arguments of a call, and what its functions captured, to what travels: bytes, with futures and functions as places
// in two tables.

import {
  type EncodeOptions,
  encodeInto,
  encodeValue,
  FlockError,
  hasHooks,
  type PayloadRef,
  type PayloadStore,
  type SharedCall,
  type ValueLeaf,
} from "@taskflock/protocol";
import { isActor } from "./actors/actor.ts";
import { actorGiven, calledClass, capturedFuture, tooLarge } from "./argument-errors.ts";
import { releasedError } from "./endings.ts";
import type { AnyFunction, FunctionEntry, FunctionTable, FunctionUse } from "./function-table.ts";
import { classOf, instanceLeaf, instanceProblem, meet, noteCopy } from "./functions/index.ts";
import { type Future, type FutureOwner, isFuture, isReleased, ownerOf, recordOf } from "./future.ts";
import { delayedGiven, isDelayed } from "./graph/delayed.ts";
import { LARGE_LEAF_BYTES, LargeReplacer, type LargeValue } from "./large-values.ts";
import { Places } from "./places.ts";
import type { TaskRecord } from "./record.ts";
import type { SharedData } from "./shared-data.ts";

/** An argument whose encoded size is above this travels as data of its own, even if none of its parts is large. */
const LARGE_ARGUMENT_BYTES = 1024 * 1024;
/** The same of all that a function captured, when many calls share it: it is decoded by each, and private to it. */
const LARGE_SHARED_BYTES = 1024;
/** Of a frame, for what stands in it beside the arguments. */
const FRAME_SLACK_BYTES = 64 * 1024;

/** Valid until the next `encode`. */
export interface EncodedArguments {
  /** In the payload store; the caller frees it. */
  readonly payload: PayloadRef;
  readonly bytes: number;
  /** The code of the function that is called. */
  readonly entry: FunctionEntry;
  /** What stands in the arguments. */
  readonly deps: readonly TaskRecord[];
  readonly functions: readonly FunctionEntry[];
}

/** A function whose captured values were encoded for many calls. */
export interface BoundUse extends FunctionUse {
  readonly encoded: EncodedCapture;
  readonly deps: readonly TaskRecord[];
  readonly functions: readonly FunctionEntry[];
}

/** What a function captured, as a value of its own: its bytes, or which of the dependencies they are. */
type EncodedCapture = Uint8Array | number;

/** Stands in for data that was taken out of an argument; the codec asks about it as about a future. */
class DataLeaf {
  readonly record: TaskRecord;
  constructor(record: TaskRecord) {
    this.record = record;
  }
}

/** The function must be described anew before its call can be encoded. */
class Renewal extends FlockError {
  readonly fn: AnyFunction;
  /** A function or class that travels with it stands in the arguments; else a captured value changed into a function. */
  readonly shared: boolean;
  /** Functions in the arguments that must travel with it. */
  readonly besides: readonly AnyFunction[];
  constructor(fn: AnyFunction, shared: boolean, besides: readonly AnyFunction[] = []) {
    super(
      "FLOCK_FUNCTION_NOT_SERIALIZABLE",
      `The function ${fn.name || "(anonymous)"} cannot travel to a worker: what it captured, or is called with, holds another function each time that it is read, as getters may; read it once, into a variable.`,
    );
    this.fn = fn;
    this.shared = shared;
    this.besides = besides;
  }
}

export interface ArgumentHost {
  readonly payloads: PayloadStore;
  readonly owner: FutureOwner;
  readonly functions: FunctionTable;
  readonly shared: SharedData;
  readonly maxFrameBytes: number;
}

const ANY_LEAF: ValueLeaf = { kind: "future", index: 0 };
const NO_ARGUMENTS: readonly unknown[] = [];
/** How often the capture of one function that turns out to be of an earlier state is done anew for a call. */
const MAX_RENEWALS = 3;
/** How often it turns out that more of the arguments' functions must travel with the called one. */
const MAX_MEETINGS = 16;

export class ArgumentEncoder {
  readonly #host: ArgumentHost;
  /** Small arguments are encoded here, without an object of their own. */
  readonly #scratch: Uint8Array = new Uint8Array(LARGE_LEAF_BYTES);
  readonly #deps: Places<TaskRecord> = new Places();
  readonly #functions: Places<FunctionEntry> = new Places();
  readonly #plain: EncodeOptions;
  /** With the function itself in front. */
  readonly #withFunction: EncodeOptions;
  /** Of a `SharedCall`. */
  readonly #withBoth: EncodeOptions;
  /** One for all calls. */
  #encoded: { -readonly [K in keyof EncodedArguments]: EncodedArguments[K] } | undefined;
  /** The function whose call is encoded. */
  #main: FunctionUse | BoundUse | null = null;
  /** The functions whose captured values are being written, the innermost last. */
  readonly #captors: FunctionUse[] = [];
  #args: readonly unknown[] = [];
  /** Functions in the arguments that use what the called one uses. */
  readonly #met: AnyFunction[] = [];
  /** What becomes of captured values before they are written. */
  #lighten: (value: unknown) => unknown = same;
  /** Captured values are encoded apart from the arguments. */
  #apart = false;

  constructor(host: ArgumentHost) {
    this.#host = host;
    const leaf = (value: object, path: () => string): ValueLeaf | undefined => this.#leaf(value, path);
    this.#plain = { path: "args", leaf };
    this.#withFunction = { path: (index) => (index === 0 ? "the function" : `args[${Number(index) - 1}]`), leaf };
    this.#withBoth = { path: (key) => (key === "main" ? "the function" : "args"), leaf };
  }

  /**
   * Throws FLOCK_NOT_SERIALIZABLE, FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_ARGUMENT_INVALID (another client's future),
   * FLOCK_RELEASED, FLOCK_TOO_LARGE.
   */
  encode(fn: FunctionUse | BoundUse, args: readonly unknown[]): EncodedArguments {
    if (this.#main !== null) return this.#another().encode(fn, args);
    return this.#renewing(fn, this.#encodeCall, args);
  }

  /** Made once, not for each call. */
  readonly #encodeCall = (use: FunctionUse | BoundUse, args: readonly unknown[]): EncodedArguments => {
    this.#lighten = same;
    this.#apart = false;
    this.#reset();
    const bytes = encodeInto(this.#whole(use, args), this.#scratch, 0, this.#optionsOf(use));
    if (this.#met.length > 0) throw new Renewal(use.fn, true, this.#met.splice(0));
    if (bytes < 0) return this.#encodeLarge(use, args);
    return this.#finish(this.#host.payloads.putSlice(this.#scratch, 0, bytes), bytes, use.entry);
  };

  /** Encodes what a function captured once, for many calls. */
  bind(fn: FunctionUse): FunctionUse | BoundUse {
    if (fn.captured === null) return fn;
    if (this.#main !== null) return this.#another().bind(fn);
    return this.#renewing(fn, this.#encodeBound, NO_ARGUMENTS);
  }

  /** For a call that a getter among the arguments of another makes. */
  #another(): ArgumentEncoder {
    return new ArgumentEncoder(this.#host);
  }

  readonly #encodeBound = (use: FunctionUse | BoundUse): FunctionUse | BoundUse => {
    if (use.captured === null) return use;
    const replacer = new LargeReplacer((large) => this.#place(large), isFields, noteCopy);
    this.#lighten = (value) => replacer.copy(value);
    this.#reset();
    this.#functions.of(use.entry);
    const encoded = this.#encodeCaptured(use, use.captured, LARGE_SHARED_BYTES);
    return { ...use, encoded, deps: [...this.#deps.items], functions: [...this.#functions.items] };
  };

  /** As one, so that what stands in several captured values is one there, too. */
  #encodeCaptured(use: FunctionUse, captured: readonly unknown[], limitBytes: number): EncodedCapture {
    const { names } = use;
    this.#captors.push(use);
    const path = (index: number | string): string => names[Number(index)] ?? "a captured value";
    const options = { path, leaf: this.#plain.leaf! };
    const encoded = encodeValue(captured.map(this.#lighten), options).toBytes();
    this.#captors.pop();
    if (encoded.length <= limitBytes) return encoded;
    return this.#deps.of(this.#host.shared.place(encoded, () => encodeValue(encoded).toBytes()));
  }

  #renewing<R>(
    fn: FunctionUse,
    encode: (use: FunctionUse, args: readonly unknown[]) => R,
    args: readonly unknown[],
  ): R {
    if (fn.isClass) throw calledClass(fn);
    let use = fn;
    let renewals: Map<AnyFunction, number> | undefined; // hardly ever needed
    let besides: readonly AnyFunction[] | undefined;
    let meetings = 0;
    for (;;) {
      this.#main = use;
      try {
        return encode(use, args);
      } catch (error) {
        if (!(error instanceof Renewal)) throw error;
        if (error.besides.length > 0) {
          if (++meetings > MAX_MEETINGS) throw error;
          besides = [...(besides ?? []), ...new Set(error.besides)];
        } else if (!error.shared) {
          renewals ??= new Map();
          const before = renewals.get(error.fn) ?? 0;
          if (before === MAX_RENEWALS) throw error;
          renewals.set(error.fn, before + 1);
          this.#host.functions.forget(error.fn);
        }
        use = this.#host.functions.use(use.fn, undefined, use.shared || error.shared, besides);
      } finally {
        if (this.#captors.length > 0) this.#captors.length = 0;
        if (this.#met.length > 0) this.#met.length = 0;
        this.#main = null;
      }
    }
  }

  #reset(): void {
    this.#deps.clear();
    this.#functions.clear();
    if (this.#main === null || !isBound(this.#main)) return;
    this.#deps.addAll(this.#main.deps);
    this.#functions.addAll(this.#main.functions);
  }

  #finish(payload: PayloadRef, bytes: number, entry: FunctionEntry): EncodedArguments {
    this.#encoded ??= { payload, bytes, entry, deps: this.#deps.items, functions: this.#functions.items };
    this.#encoded.payload = payload;
    this.#encoded.bytes = bytes;
    this.#encoded.entry = entry;
    return this.#encoded;
  }

  /** The value that stands for the call. */
  #whole(use: FunctionUse, args: readonly unknown[]): readonly unknown[] | SharedCall {
    if (use.captured === null) return args;
    if (!use.shared) return [use.fn, ...args];
    this.#args = args;
    return { main: use.fn, args };
  }

  #optionsOf({ captured, shared }: FunctionUse): EncodeOptions {
    if (captured === null) return this.#plain;
    return shared ? this.#withBoth : this.#withFunction;
  }

  #encodeLarge(use: FunctionUse, args: readonly unknown[]): EncodedArguments {
    const replacer = new LargeReplacer((large) => this.#place(large), isFields, noteCopy);
    const lighter = args.map((arg) => replacer.copy(arg));
    this.#lighten = (value) => replacer.copy(value);
    let encoded = this.#again(use, lighter);
    if (encoded.bytes > LARGE_ARGUMENT_BYTES) {
      // What arguments refer to cannot stand apart from them: its large parts are then shared with other calls.
      if (this.#main?.shared)
        this.#lighten = (value) => this.#placeWhole(replacer.copy(value), value, LARGE_LEAF_BYTES);
      else this.#apart = true;
      const lightest = lighter.map((arg, index) => this.#placeWhole(arg, args[index], LARGE_LEAF_BYTES));
      encoded = this.#again(use, lightest);
    }
    const limit = this.#host.maxFrameBytes - FRAME_SLACK_BYTES;
    if (encoded.bytes > limit) throw tooLarge(encoded.bytes, limit);
    return this.#finish(this.#host.payloads.put(encoded.toBytes()), encoded.bytes, use.entry);
  }

  #again(use: FunctionUse, args: readonly unknown[]): ReturnType<typeof encodeValue> {
    this.#reset();
    return encodeValue(this.#whole(use, args), this.#optionsOf(use));
  }

  #place(large: LargeValue): DataLeaf {
    return new DataLeaf(this.#host.shared.place(large, () => encodeValue(large, { path: "args" }).toBytes()));
  }

  /** The argument itself when it is small without its large leaves, or when futures or functions stand in it: data has none. */
  #placeWhole(lighter: unknown, original: unknown, limitBytes: number): unknown {
    if (typeof lighter !== "object" || lighter === null || lighter instanceof DataLeaf || isFuture(lighter))
      return lighter;
    if (encodeValue(lighter, { leaf: anyLeaf }).bytes <= limitBytes) return lighter;
    let whole = true;
    const leaf = (value: object): ValueLeaf => {
      whole = false;
      return anyLeaf(value);
    };
    const encoded = encodeValue(original, { leaf });
    return whole ? new DataLeaf(this.#host.shared.place(original, () => encoded.toBytes())) : lighter;
  }

  #leaf(value: object, path: () => string): ValueLeaf | undefined {
    if (typeof value === "function") return this.#functionLeaf(value as AnyFunction, path);
    if (value instanceof DataLeaf) return { kind: "future", index: this.#deps.of(value.record) };
    if (isDelayed(value)) throw delayedGiven(path(), value);
    if (isFuture(value)) {
      const captor = this.#captors.at(-1);
      if (captor !== undefined && !captor.shared) throw capturedFuture(captor, path());
      return { kind: "future", index: this.#deps.of(this.#recordOf(value, path)) };
    }
    if (isActor(value)) throw actorGiven(path());
    const type = classOf(value);
    if (type === undefined) return undefined;
    const problem = instanceProblem(type);
    if (problem === null) return instanceLeaf(value, type);
    throw new FlockError(
      "FLOCK_NOT_SERIALIZABLE",
      `${path()} is an instance of ${type.name || "a class"}, ${problem}; pass plain data, or register the class with registerClass.`,
    );
  }

  #functionLeaf(fn: AnyFunction, path: () => string): ValueLeaf {
    const captors = this.#captors;
    for (let at = captors.length - 1, outer = 0; at >= 0; at--, outer++) {
      const unit = captors[at]!.unitIndex(fn);
      if (unit !== undefined) return { kind: "unit", index: unit, outer };
    }
    const captor = captors.at(-1);
    if (captor !== undefined && !captor.shared) throw new Renewal(captor.fn, false);
    const main = this.#main;
    const use = main?.fn === fn ? main : this.#useInArguments(fn, path());
    const index = this.#functions.of(use.entry);
    if (use.captured === null) return { kind: "function", index };
    if (isBound(use)) return closureApart(index, use.encoded);
    if (this.#apart && captors.length === 0 && !use.shared) {
      return closureApart(index, this.#encodeCaptured(use, use.captured, LARGE_LEAF_BYTES));
    }
    captors.push(use);
    const end = (): void => void captors.pop();
    const captured = use.captured.map(this.#lighten);
    const { names } = use;
    if (!use.shared) return { kind: "closure", index, captured, names, end };
    // Behind what the code asks for: the arguments of the call are then what was read here.
    const both = { captured: [...captured, this.#args], names: [...names, "args"], beside: captured.length };
    return { kind: "closure", index, ...both, end };
  }

  /** What stands in the arguments and travels with the function, too, is one there only if both are written as one. */
  #useInArguments(fn: AnyFunction, path: string): FunctionUse {
    const main = this.#main;
    const isOuter = this.#captors.length === (main?.shared ? 1 : 0);
    if (main === null || !isOuter) return this.#host.functions.use(fn, path);
    if (main.unitIndex(fn) !== undefined) throw new Renewal(main.fn, true);
    const use = this.#host.functions.use(fn, path);
    if (meet(main.shares, use.shares)) this.#met.push(fn);
    return use;
  }

  #recordOf(future: Future<unknown>, path: () => string): TaskRecord {
    if (ownerOf(future) !== this.#host.owner) {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `${path()} is a future of another client (${future.key}). Pass its value, or submit through the client that made it.`,
      );
    }
    if (isReleased(future)) throw releasedError(future.key);
    return recordOf(future);
  }
}

/** An instance of a class that travels with it. */
function isFields(value: object): boolean {
  const type = isFuture(value) ? undefined : classOf(value);
  return type !== undefined && !hasHooks(type) && instanceProblem(type) === null;
}

function isBound(use: FunctionUse | BoundUse): use is BoundUse {
  return "encoded" in use;
}

function closureApart(index: number, encoded: EncodedCapture): ValueLeaf {
  return typeof encoded === "number"
    ? { kind: "dataClosure", index, future: encoded }
    : { kind: "boundClosure", index, encoded };
}

function same(value: unknown): unknown {
  return value;
}

function anyLeaf(value: object): ValueLeaf {
  const type = typeof value === "function" ? undefined : classOf(value);
  return type === undefined ? ANY_LEAF : { kind: "instance", type };
}
