// Runs the items of a batch, one after the other, in the thread or process that is the slot. An item that does not wait
// for anything costs no promise: this loop carries tiny tasks.
import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import {
  callOf,
  type DecodeOptions,
  decodeValue,
  type EncodedValue,
  encodeValue,
  FlockError,
} from "@taskflock/protocol/code";
import { type Callable, type ClosureFactory, useAssetFolder } from "../functions/index.ts";
import { readSpillFile, SpoiledFile } from "../spill/spill-file.ts";
import { provideTaskContext } from "../task-context.ts";
import {
  type Batch,
  keyOf,
  type Segments,
  type SlotInput,
  type SlotItem,
  type Supplies,
  unpackItems,
} from "./batch.ts";
import { SlotConnection } from "./connection.ts";
import { disposeOf, isThenable } from "./duck.ts";
import { encodeFailure, failureOf } from "./failure.ts";
import { FROZEN } from "./frozen.ts";
import { InputCache } from "./input-cache.ts";
import { ItemContext, type ItemHost } from "./item-context.ts";
import { checksums, checkUnchanged } from "./mutation.ts";
import { OUTCOME, type OutboxWriter, RESULT_OPTIONS } from "./outbox.ts";
import { Output } from "./output.ts";
import type { SlotConfig, SlotToMain, StopReason } from "./protocol.ts";
import { type SlotFunction, SlotFunctions } from "./slot-functions.ts";

/** What differs between a thread and a process. */
export interface SlotHost {
  readonly outbox: OutboxWriter;
  readonly segments: Segments;
  post(message: SlotToMain): void;
  /** False when the item is not to run any more. */
  begun(index: number): boolean;
  /** The item listens to its AbortSignal. */
  heeds(index: number): void;
  /** Brings a result that is too large to travel to where the worker keeps it. Rejects coded when there is no room. */
  storeLarge(index: number, result: EncodedValue, durationUs: number): Promise<void>;
  /** An item has its outcome. */
  settled(): void;
}

export class BatchRunner {
  readonly #config: SlotConfig;
  readonly #host: SlotHost;
  readonly #output: Output;
  readonly #functions: SlotFunctions = new SlotFunctions();
  readonly #cache: InputCache;
  readonly #contexts: AsyncLocalStorage<ItemContext> = new AsyncLocalStorage();
  readonly #items: ItemHost & { retires: boolean };
  readonly connection: SlotConnection;
  /** For the arguments of the current item: one for all items, because a tiny task is not to cost more than its bytes. */
  readonly #decoding: DecodeOptions;
  /** Encoded results of the batch's items that items behind them need. */
  readonly #results: Map<number, Uint8Array> = new Map();
  #current: ItemContext | undefined;
  /** The function that the current item calls, as soon as it does. */
  #called: Callable | undefined;
  /** Of an actor's slot, once its first item has made it. */
  #actor: { readonly instance: unknown } | undefined;
  #inlineLimitBytes = 0;
  #worker = "";

  constructor(config: SlotConfig, host: SlotHost) {
    this.#config = config;
    this.#host = host;
    useAssetFolder(config.assetFolder);
    this.#cache = new InputCache(config.cacheBytes);
    this.#output = new Output((message) => host.post(message));
    this.#items = {
      print: (context, stream, text) => this.#output.print(context, stream, text),
      heed: (index) => host.heeds(index),
      report: ({ task, attempt }, data) => host.post({ t: "report", task, attempt, data }),
      retires: false,
    };
    this.#decoding = {
      // An actor may keep what it is given, which then is not to lie in memory that is used again.
      copy: config.actor,
      leaf: (kind, index) => (kind === "future" ? this.#input(index) : this.#function(index)),
      closure: (index, bind) => this.#closure(index, bind),
    };
    this.#output.capture(() => this.#contexts.getStore() ?? this.#current);
    this.connection = new SlotConnection((message) => host.post(message));
    provideTaskContext(() => this.#contexts.getStore());
    process.on("uncaughtException", (error) => this.#stray(error));
    process.on("unhandledRejection", (reason) => this.#stray(reason));
  }

  supply({ worker, forget, functions }: Supplies): void {
    this.#worker = worker;
    this.#functions.forget(forget);
    this.#functions.add(functions);
  }

  /** Undefined when the batch has been run through: nothing in it had to be waited for. */
  run(batch: Batch): Promise<void> | undefined {
    this.#inlineLimitBytes = batch.inlineLimitBytes;
    this.#results.clear();
    const items = unpackItems(batch, this.#host.segments);
    for (let i = 0; i < items.length; i++) {
      const pending = this.#runItem(items[i]!);
      if (pending !== undefined) return this.#runRest(items, i + 1, pending);
    }
    return undefined;
  }

  async #runRest(items: readonly SlotItem[], from: number, before: Promise<void>): Promise<void> {
    await before;
    for (let i = from; i < items.length; i++) {
      const pending = this.#runItem(items[i]!);
      if (pending !== undefined) await pending;
    }
  }

  /** The actor's own way to let go of what it has. What it throws is printed. */
  async dispose(): Promise<void> {
    try {
      await disposeOf(this.#actor?.instance);
    } catch (error) {
      process.stderr.write(`An actor threw while it was disposed of: ${String(error)}\n`);
    }
  }

  abort(task: number, attempt: number, reason: StopReason): void {
    const item = this.#current?.item;
    if (item?.task === task && item.attempt === attempt) this.#current?.stop(reason);
  }

  /** A client's word to an item; its code hears it as its own. */
  heard(task: number, attempt: number, data: Uint8Array): void {
    const context = this.#current;
    if (context?.item.task !== task || context.item.attempt !== attempt) return;
    try {
      this.#contexts.run(context, () => context.talk.heard(data));
    } catch (error) {
      this.#stray(error, context);
    }
  }

  retiring(on: boolean): void {
    this.#items.retires = on;
    this.#current?.retires(on);
  }

  #runItem(item: SlotItem): Promise<void> | undefined {
    if (item.inputs.length > 0 && !this.#takeResults(item)) {
      this.#host.outbox.write(item.index, OUTCOME.returned, 0, 0, null);
      this.#host.settled();
      return undefined;
    }
    const wanted = this.#host.begun(item.index);
    const context = new ItemContext(item, this.#worker, this.#items);
    this.#current = context;
    if (!wanted) {
      context.stop("cancelled");
      this.#failed(context, undefined, 0);
      return undefined;
    }
    const fn = this.#functions.ready(item.fn);
    if (fn === undefined || (item.functions.length > 0 && !this.#areReady(item.functions))) {
      return this.#loadAndCall(context);
    }
    return this.#callUserFunction(context, fn);
  }

  #areReady(functions: readonly number[]): boolean {
    return functions.every((fn) => this.#functions.ready(fn) !== undefined);
  }

  /** Gives the item the results that it needs of items before it, each as bytes of its own. False when one is missing. */
  #takeResults(item: SlotItem): boolean {
    for (let i = 0; i < item.inputs.length; i++) {
      const input = item.inputs[i]!;
      if (input.from < 0) continue;
      const result = this.#results.get(input.from);
      if (result === undefined) return false;
      input.bytes = result.slice();
    }
    return true;
  }

  async #loadAndCall(context: ItemContext): Promise<void> {
    const { item } = context;
    try {
      await this.#contexts.run(context, async () => {
        for (const fn of [item.fn, ...item.functions]) await this.#functions.load(fn);
      });
    } catch (error) {
      this.#failed(context, error, 0, false);
      return;
    }
    await this.#callUserFunction(context, this.#functions.ready(item.fn)!);
  }

  /** Profiles know by its name where a user's code begins. */
  #callUserFunction(context: ItemContext, fn: SlotFunction): Promise<void> | undefined {
    const { item } = context;
    let before: readonly number[] | undefined;
    /** 0: it did not. */
    let began = 0;
    let value: unknown;
    try {
      if (this.#config.checkArguments) before = this.#checksums(item);
      const args = this.#decodeArguments(item);
      const call = fn.call ?? takeClosure(args, item);
      context.args = args;
      this.#called = call;
      began = performance.now();
      value = this.#contexts.run(context, call, ...args);
      if (!isThenable(value)) {
        const durationUs = microsecondsSince(began);
        if (before !== undefined) checkUnchanged(item, before);
        return this.#finished(context, fn, value, durationUs);
      }
    } catch (error) {
      this.#failed(context, error, began === 0 ? 0 : microsecondsSince(began));
      return undefined;
    }
    return this.#settle(context, fn, value, began, before);
  }

  async #settle(
    context: ItemContext,
    fn: SlotFunction,
    promise: PromiseLike<unknown>,
    began: number,
    before: readonly number[] | undefined,
  ): Promise<void> {
    try {
      const value = await Promise.race([promise, context.faults()]);
      const durationUs = microsecondsSince(began);
      if (before !== undefined) checkUnchanged(context.item, before);
      await this.#finished(context, fn, value, durationUs);
    } catch (error) {
      this.#failed(context, error, microsecondsSince(began));
    }
  }

  #decodeArguments(item: SlotItem): unknown[] {
    return callOf(decodeValue(item.batch, this.#decoding, item.argsStart, item.argsEnd));
  }

  #input(index: number): unknown {
    const { item } = this.#current!;
    if (index === 0 && this.#actor !== undefined) return this.#actor.instance;
    const input = item.inputs[index];
    if (input === undefined) throw missing("input", index, item);
    if (this.#config.actor) return decodeValue(input.filed < 0 ? input.bytes : this.#readFile(input, index), COPIED);
    if (input.serial === 0) return decodeValue(input.bytes);
    if (input.filed >= 0) {
      return this.#cache.get(input.serial, input.filed, () => decodeValue(this.#readFile(input, index), FROZEN));
    }
    return this.#cache.get(input.serial, input.bytes.length, () => decodeValue(input.bytes, FROZEN));
  }

  #readFile(input: SlotInput, index: number): Uint8Array {
    try {
      return readSpillFile(join(this.#config.spillFolder, String(input.serial)), input.filed);
    } catch (error) {
      throw error instanceof SpoiledFile ? new SpoiledInput(index, error) : error;
    }
  }

  /** What is in a file is read for it, once for all tasks that share what is decoded from it. */
  #checksums({ inputs }: SlotItem): readonly number[] {
    for (const [index, input] of inputs.entries()) {
      if (input.filed < 0) continue;
      const { serial, filed } = input;
      input.bytes = this.#cache.get(-serial, filed, () => this.#readFile(input, index)) as Uint8Array;
      input.filed = -1;
    }
    return checksums(inputs);
  }

  #function(index: number): Callable {
    const { call } = this.#functionAt(index);
    if (call === undefined) throw missing("a plain function", index, this.#current!.item);
    return call;
  }

  #closure(index: number, bind: Parameters<ClosureFactory>[0]): unknown {
    const { make, name } = this.#functionAt(index);
    if (make === undefined) throw missing("a function with captured values", index, this.#current!.item);
    const made = make(bind);
    if (typeof made === "function") return made;
    throw new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `The code of ${name} gives no function.`);
  }

  #functionAt(index: number): SlotFunction {
    const { item } = this.#current!;
    const fn = item.functions[index];
    const loaded = fn === undefined ? undefined : this.#functions.ready(fn);
    if (loaded === undefined) throw missing("function", index, item);
    return loaded;
  }

  #finished(context: ItemContext, fn: SlotFunction, made: unknown, durationUs: number): Promise<void> | undefined {
    const value = this.#config.actor && this.#actor === undefined ? this.#keep(made) : made;
    const { index, handsOn } = context.item;
    const { outbox } = this.#host;
    if (!fn.largeResult && outbox.writeSmall(index, value, this.#inlineLimitBytes, durationUs)) {
      if (handsOn) this.#results.set(index, outbox.lastPayload());
      this.#settled(context);
      return undefined;
    }
    const result = encodeValue(value, RESULT_OPTIONS);
    fn.largeResult = result.bytes > this.#inlineLimitBytes;
    if (fn.largeResult) return this.#storeLarge(context, result, durationUs);
    const bytes = result.toBytes();
    if (handsOn) this.#results.set(index, bytes);
    outbox.write(index, OUTCOME.small, result.bytes, durationUs, bytes);
    this.#settled(context);
    return undefined;
  }

  /** The actor itself stays here. */
  #keep(instance: unknown): undefined {
    this.#actor = { instance };
  }

  async #storeLarge(context: ItemContext, result: EncodedValue, durationUs: number): Promise<void> {
    try {
      await this.#host.storeLarge(context.item.index, result, durationUs);
    } catch (error) {
      this.#failed(context, error, durationUs);
      return;
    }
    this.#settled(context);
  }

  #failed(context: ItemContext, thrown: unknown, durationUs: number, retryable?: boolean): void {
    const error = context.stopped === undefined ? thrown : context.stopError({ cause: thrown });
    const { item } = context;
    if (error instanceof SpoiledInput) {
      process.stderr.write(`${error.message}\n`);
      this.#host.outbox.write(item.index, OUTCOME.spoiled, error.index, 0, null);
      this.#settled(context);
      return;
    }
    const call = context.failedCall(this.#functions.nameOf(item.fn), this.#called, thrown);
    const payload = encodeFailure(failureOf(error, retryable, call));
    this.#host.outbox.write(item.index, OUTCOME.failed, payload.length, durationUs, payload);
    this.#settled(context);
  }

  #settled(context: ItemContext): void {
    context.ended();
    context.args = undefined; // what the task left in the background may keep the context
    this.#output.finish(context);
    this.#current = undefined;
    this.#called = undefined;
    this.#host.settled();
  }

  /** An error outside any promise that is awaited: it fails the item whose code threw it, while that runs. */
  #stray(error: unknown, context: ItemContext | undefined = this.#contexts.getStore() ?? this.#current): void {
    if (context?.fail(error)) return;
    const { name, message } = failureOf(error);
    const text = `${name}: ${message} (thrown after the task had ended)`;
    if (context !== undefined) this.#output.print(context, "stderr", `${text}\n`);
    else process.stderr.write(`${text}\n`);
  }
}

/** The item is not run: the input of that index has to be made again. */
class SpoiledInput extends Error {
  readonly index: number;

  constructor(index: number, cause: SpoiledFile) {
    super(cause.message, { cause });
    this.index = index;
  }
}

const COPIED: DecodeOptions = { copy: true };

function microsecondsSince(began: number): number {
  return Math.max(0, Math.round((performance.now() - began) * 1000));
}

/** A main function with captured values is the first of its own arguments. */
function takeClosure(args: unknown[], item: SlotItem): Callable {
  const main = args.shift();
  if (typeof main === "function") return main as Callable;
  throw new FlockError("FLOCK_VALUE_MALFORMED", `The arguments of task ${keyOf(item)} do not begin with its function.`);
}

function missing(what: string, index: number, item: SlotItem): FlockError {
  return new FlockError("FLOCK_VALUE_MALFORMED", `Task ${keyOf(item)} names ${what} ${index}, which it does not have.`);
}
