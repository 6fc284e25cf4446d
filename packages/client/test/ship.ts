// Sends functions through everything but the network: from the live function to a function of its own on "the worker".
import {
  type ClientToScheduler,
  callOf,
  decodeFunctionDescription,
  decodeValue,
  type PayloadRef,
  PayloadStore,
} from "@taskflock/protocol";
import { FunctionLoader } from "@taskflock/worker/functions";
import { ArgumentEncoder } from "../src/arguments.ts";
import { type AnyFunction, FunctionTable } from "../src/function-table.ts";
import type { PackageMode } from "../src/functions/index.ts";
import type { FutureOwner } from "../src/future.ts";
import { Gate } from "../src/gate.ts";
import { TaskRecord } from "../src/record.ts";
import { SharedData } from "../src/shared-data.ts";

/** One client, its functions as they were defined, and one worker. */
export class Shipping {
  readonly payloads: PayloadStore = new PayloadStore();
  readonly gate: Gate = new Gate();
  readonly packages: PackageMode;
  readonly welcome = null;
  readonly functions: FunctionTable;
  readonly shared: SharedData;
  readonly owner: FutureOwner = {} as FutureOwner; // no test passes futures
  readonly maxFrameBytes = 4 * 1024 * 1024;
  readonly encoder: ArgumentEncoder;
  readonly loader: FunctionLoader = new FunctionLoader();
  /** The encoded descriptions by their number. */
  readonly defined: Map<number, Uint8Array> = new Map();
  readonly #data: Map<TaskRecord, Uint8Array> = new Map();

  constructor(packages: PackageMode = "installed") {
    this.packages = packages;
    this.functions = new FunctionTable(this);
    this.shared = new SharedData({
      scatterBytes: (bytes, name, hash) => {
        const record = new TaskRecord(this.#data.size as TaskRecord["n"], name, null, hash);
        this.#data.set(record, bytes);
        return record;
      },
      dropHandle: () => undefined,
      keep: () => undefined,
    });
    this.encoder = new ArgumentEncoder(this);
  }

  send(message: ClientToScheduler, payload: PayloadRef): void {
    if (message.t === "function") this.defined.set(message.fn, this.payloads.get(payload).slice());
  }

  transmit(message: ClientToScheduler, payload: PayloadRef): void {
    this.send(message, payload);
  }

  code(fn: AnyFunction): string {
    return decodeFunctionDescription(this.defined.get(this.functions.use(fn).entry.number)!).code;
  }

  /** Calls the function as a worker would; its result is not encoded. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the function returns
  async call(fn: AnyFunction, args: readonly unknown[] = [], bind = false): Promise<any> {
    const use = this.functions.use(fn);
    const encoded = this.encoder.encode(bind ? this.encoder.bind(use) : use, args);
    const bytes = this.payloads.get(encoded.payload).slice();
    const deps = [...encoded.deps];
    const entries = [...encoded.functions];
    const main = encoded.entry;
    if (main.hash === null) await new Promise<void>((opened) => this.gate.pass(opened));
    if (main.failure !== null) throw main.failure;
    const loaded = new Map<number, Awaited<ReturnType<FunctionLoader["load"]>>>();
    for (const { number } of [main, ...entries]) {
      loaded.set(number, await this.loader.load(decodeFunctionDescription(this.defined.get(number)!)));
    }
    const decoded = decodeValue(bytes, {
      leaf: (kind, index) =>
        kind === "future" ? decodeValue(this.#data.get(deps[index]!)!) : loaded.get(entries[index]!.number)!.value,
      closure: (index, bindTo) => (loaded.get(entries[index]!.number)!.value as AnyFunction)(bindTo),
    });
    const values = callOf(decoded);
    const mainLoaded = loaded.get(main.number)!;
    const [called, rest] = mainLoaded.closure
      ? [values[0] as AnyFunction, values.slice(1)]
      : [mainLoaded.value as AnyFunction, values];
    return called(...rest);
  }
}
