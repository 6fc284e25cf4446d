// From the arguments of a call to what travels: bytes, with futures and functions as places in two tables.

import {
  type EncodeOptions,
  encodeInto,
  encodeValue,
  FlockError,
  type PayloadRef,
  type PayloadStore,
  type ValueLeaf,
} from "@taskflock/protocol";
import { releasedError } from "./endings.ts";
import type { AnyFunction, FunctionEntry, FunctionTable } from "./function-table.ts";
import { type Future, type FutureOwner, isFuture, isReleased, ownerOf, recordOf } from "./future.ts";
import { LARGE_LEAF_BYTES, type LargeValue, replaceLarge } from "./large-values.ts";
import type { TaskRecord } from "./record.ts";
import type { SharedData } from "./shared-data.ts";

/** An argument whose encoded size is above this travels as data of its own, even if none of its parts is large. */
const LARGE_ARGUMENT_BYTES = 1024 * 1024;
/** Of a frame, for what stands in it beside the arguments. */
const FRAME_SLACK_BYTES = 64 * 1024;

export interface EncodedArguments {
  /** In the payload store; the caller frees it. */
  readonly payload: PayloadRef;
  readonly bytes: number;
  /** What stands in the arguments; valid until the next `encode`. */
  readonly deps: ReadonlyMap<TaskRecord, number>;
  readonly functions: ReadonlyMap<FunctionEntry, number>;
}

/** Stands in for data that was taken out of an argument; the codec asks about it as about a future. */
class DataLeaf {
  readonly record: TaskRecord;
  constructor(record: TaskRecord) {
    this.record = record;
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

export class ArgumentEncoder {
  readonly #host: ArgumentHost;
  /** Small arguments are encoded here, without an object of their own. */
  readonly #scratch: Uint8Array = new Uint8Array(LARGE_LEAF_BYTES);
  readonly #deps: Map<TaskRecord, number> = new Map();
  readonly #functions: Map<FunctionEntry, number> = new Map();
  readonly #options: EncodeOptions;

  constructor(host: ArgumentHost) {
    this.#host = host;
    this.#options = { path: "args", leaf: (value, path) => this.#leaf(value, path) };
  }

  /**
   * Throws FLOCK_NOT_SERIALIZABLE, FLOCK_FUNCTION_NOT_SERIALIZABLE, FLOCK_ARGUMENT_INVALID (another client's future),
   * FLOCK_RELEASED, FLOCK_TOO_LARGE.
   */
  encode(args: readonly unknown[]): EncodedArguments {
    this.#reset();
    const bytes = encodeInto(args, this.#scratch, 0, this.#options);
    if (bytes < 0) return this.#encodeLarge(args);
    return this.#finish(this.#host.payloads.putSlice(this.#scratch, 0, bytes), bytes);
  }

  #reset(): void {
    if (this.#deps.size > 0) this.#deps.clear();
    if (this.#functions.size > 0) this.#functions.clear();
  }

  #finish(payload: PayloadRef, bytes: number): EncodedArguments {
    return { payload, bytes, deps: this.#deps, functions: this.#functions };
  }

  #encodeLarge(args: readonly unknown[]): EncodedArguments {
    const lighter = replaceLarge(args, (large) => this.#place(large)) as readonly unknown[];
    let encoded = this.#again(lighter);
    if (encoded.bytes > LARGE_ARGUMENT_BYTES) {
      encoded = this.#again(lighter.map((arg, index) => this.#placeWhole(arg, args[index])));
    }
    const limit = this.#host.maxFrameBytes - FRAME_SLACK_BYTES;
    if (encoded.bytes > limit) throw tooLarge(encoded.bytes, limit);
    return this.#finish(this.#host.payloads.put(encoded.toBytes()), encoded.bytes);
  }

  #again(args: readonly unknown[]): ReturnType<typeof encodeValue> {
    this.#reset();
    return encodeValue(args, this.#options);
  }

  #place(large: LargeValue): DataLeaf {
    return new DataLeaf(this.#host.shared.place(large, () => encodeValue(large, { path: "args" }).toBytes()));
  }

  /** The argument itself when it is small without its large leaves, or when futures or functions stand in it: data has none. */
  #placeWhole(lighter: unknown, original: unknown): unknown {
    if (typeof lighter !== "object" || lighter === null || lighter instanceof DataLeaf || isFuture(lighter))
      return lighter;
    if (encodeValue(lighter, { leaf: () => ANY_LEAF }).bytes <= LARGE_LEAF_BYTES) return lighter;
    let whole = true;
    const leaf = (): ValueLeaf => {
      whole = false;
      return ANY_LEAF;
    };
    const encoded = encodeValue(original, { leaf });
    return whole ? new DataLeaf(this.#host.shared.place(original, () => encoded.toBytes())) : lighter;
  }

  #leaf(value: object, path: () => string): ValueLeaf | undefined {
    if (isFuture(value)) return { kind: "future", index: indexIn(this.#deps, this.#recordOf(value, path)) };
    if (value instanceof DataLeaf) return { kind: "future", index: indexIn(this.#deps, value.record) };
    if (typeof value !== "function") return undefined;
    return {
      kind: "function",
      index: indexIn(this.#functions, this.#host.functions.entryOf(value as AnyFunction, path())),
    };
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

function indexIn<T>(table: Map<T, number>, item: T): number {
  let index = table.get(item);
  if (index === undefined) {
    index = table.size;
    table.set(item, index);
  }
  return index;
}

function tooLarge(bytes: number, limit: number): FlockError {
  const mib = (count: number): string => `${(count / 1024 ** 2).toFixed(1)} MiB`;
  return new FlockError(
    "FLOCK_TOO_LARGE",
    `The arguments take ${mib(bytes)}, of which no part could travel on its own; at most ${mib(limit)} can. Use typed arrays, pass large data as arguments without futures or functions in them, or client.scatter() them first.`,
  );
}
