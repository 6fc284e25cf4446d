// Submitting a graph: its calls in depth-first order, each as a task; only what was asked for is kept.

import { FlockError, isFlockError } from "@taskflock/protocol/words";
import type { ArgumentEncoder, BoundUse } from "../arguments.ts";
import type { AnyFunction, FunctionTable, FunctionUse } from "../function-table.ts";
import { type Future, recordOf } from "../future.ts";
import { describe } from "../option-checks.ts";
import type { TaskRecord } from "../record.ts";
import type { SharedData } from "../shared-data.ts";
import { cancelOnAbort } from "../signals.ts";
import { COPY, objectsIn, Rebuilder } from "../structure.ts";
import type { Plan, Submission } from "../submission.ts";
import { checkTaskOptions, type TaskOptions } from "../task-options.ts";
import type { TaskTable } from "../task-table.ts";
import { callOf, type Delayed, type DelayedOptions, isDelayed, isDelayedFunction } from "./delayed.ts";
import { depthFirst } from "./order.ts";

/** Options of all calls of a graph; those that a call has of its own come first. */
export type ComputeOptions = Omit<TaskOptions, "key" | "name">;

/** The part of a session that graphs need. */
export interface GraphHost {
  readonly submission: Submission;
  readonly encoder: ArgumentEncoder;
  readonly functions: FunctionTable;
  readonly shared: SharedData;
  readonly tasks: TaskTable;
}

/** The graphs of one session. */
export class Graphs {
  readonly #host: GraphHost;
  /** The task of each delayed call that was asked for. While somebody has a future of it, it is not computed again. */
  readonly #asked: WeakMap<Delayed<unknown>, TaskRecord> = new WeakMap();

  constructor(host: GraphHost) {
    this.#host = host;
  }

  /** Futures of those that are to keep their results; they live as long as their nodes. */
  readonly #persisted: WeakMap<Delayed<unknown>, Future<unknown>> = new WeakMap();

  /** See `Client.compute`. */
  compute(structure: unknown, given: ComputeOptions | undefined): unknown {
    const futures = this.#futuresOf("compute", structure, given);
    return new Rebuilder((value) => (isDelayed(value) ? futures.get(value) : COPY)).copy(structure);
  }

  /** See `Client.persist`. */
  persist(structure: unknown, given: ComputeOptions | undefined): void {
    for (const [node, future] of this.#futuresOf("persist", structure, given)) {
      this.#persisted.get(node)?.release();
      this.#persisted.set(node, future);
    }
  }

  unpersist(structure: unknown): void {
    for (const node of delayedIn("unpersist", structure)) {
      this.#persisted.get(node)?.release();
      this.#persisted.delete(node);
    }
  }

  #futuresOf(
    where: string,
    structure: unknown,
    given: ComputeOptions | undefined,
  ): ReadonlyMap<Delayed<unknown>, Future<unknown>> {
    const options = checkComputeOptions(where, given);
    const asked = delayedIn(where, structure);
    const futures = new GraphSubmission(this.#host, this.#asked, options).submit(asked);
    if (options?.signal !== undefined) cancelOnAbort([...futures.values()], options.signal);
    return futures;
  }
}

function checkComputeOptions(where: string, options: ComputeOptions | undefined): ComputeOptions | undefined {
  if (options === undefined) return undefined;
  for (const name of ["key", "name"]) {
    if (typeof options !== "object" || options === null || !(name in options)) continue;
    const text = `${where}: a ${name} is for one call, not for all of a graph: fn.with({ ${name}: … })(…).`;
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  }
  return checkTaskOptions(where, options);
}

/** What is asked for, in its order. Throws FLOCK_ARGUMENT_INVALID when there is nothing, unless in an empty structure. */
function delayedIn(where: string, structure: unknown): readonly Delayed<unknown>[] {
  if (isDelayed(structure)) return [structure];
  const objects = [...objectsIn(structure)];
  const found = objects.filter(isDelayed);
  const empty = objects.length === 1 && [Object, Array, Map, Set].includes(objects[0]!.constructor as never);
  if (found.length > 0 || (empty && isEmpty(objects[0]!))) return found;
  const hint = isDelayedFunction(structure) ? ` Call the delayed function: client.${where}(fn(…)).` : "";
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${where} takes a delayed call, as delayed(fn)(…) returns it, or arrays, objects, maps or sets of them, not ${describe(structure)}${typeof structure === "object" && structure !== null ? " without one" : ""}.${hint}`,
  );
}

function isEmpty(container: object): boolean {
  return container instanceof Map || container instanceof Set
    ? container.size === 0
    : Object.keys(container).length === 0;
}

/** One call of `compute`. */
class GraphSubmission {
  readonly #host: GraphHost;
  readonly #known: WeakMap<Delayed<unknown>, TaskRecord>;
  readonly #options: ComputeOptions | undefined;
  readonly #plans: Map<TaskOptions | undefined, Plan> = new Map();
  readonly #uses: Map<AnyFunction, { readonly use: FunctionUse | BoundUse; readonly bound: boolean }> = new Map();
  /** Of what was submitted and is still needed. */
  readonly #futures: Map<Delayed<unknown>, Future<unknown>> = new Map();
  /** Per call: how many that need its result were not submitted. */
  readonly #readers: Map<Delayed<unknown>, number> = new Map();

  constructor(host: GraphHost, known: WeakMap<Delayed<unknown>, TaskRecord>, options: ComputeOptions | undefined) {
    this.#host = host;
    this.#known = known;
    this.#options = options;
  }

  /** The futures of what is asked for. Throws what `submit` throws; then what was submitted is dropped. */
  submit(asked: readonly Delayed<unknown>[]): ReadonlyMap<Delayed<unknown>, Future<unknown>> {
    const futures = this.#futures;
    const wanted = new Set(asked);
    try {
      const order = depthFirst(asked, (node) => this.#isKnown(node));
      for (const node of order) {
        for (const input of callOf(node).inputs) this.#readers.set(input, (this.#readers.get(input) ?? 0) + 1);
      }
      for (const node of order) {
        futures.set(node, this.#submitCall(node));
        for (const input of callOf(node).inputs) if (this.#readOnce(input) && !wanted.has(input)) this.#release(input);
      }
      for (const node of asked) this.#remember(node);
      return futures;
    } catch (error) {
      for (const future of futures.values()) future.release();
      throw error;
    } finally {
      this.#host.shared.callEnded();
    }
  }

  /** A task that runs or is done, of which somebody has a future: this is one more. Failed ones are computed again. */
  #isKnown(node: Delayed<unknown>): boolean {
    if (this.#futures.has(node)) return true;
    const record = this.#known.get(node);
    if (record === undefined || !record.open || (record.state !== "pending" && record.state !== "done")) return false;
    this.#futures.set(node, this.#host.tasks.futureOf(record));
    return true;
  }

  #remember(node: Delayed<unknown>): void {
    this.#known.set(node, recordOf(this.#futures.get(node)!));
  }

  #submitCall(node: Delayed<unknown>): Future<unknown> {
    const { fn, options } = callOf(node);
    try {
      const plan = this.#planOf(options);
      return this.#host.tasks.futureOf(this.#host.submission.submit(this.#useOf(fn), this.#argumentsOf(node), plan));
    } catch (error) {
      if (!isFlockError(error)) throw error;
      throw new FlockError(error.code, `compute, in a call of ${node.name}: ${error.message}`, { cause: error.cause });
    }
  }

  #planOf(own: DelayedOptions | undefined): Plan {
    const { submission } = this.#host;
    if (own === undefined && this.#options === undefined) return submission.plainPlan;
    let plan = this.#plans.get(own);
    if (plan === undefined) {
      plan = submission.plan({ ...this.#options, ...own });
      this.#plans.set(own, plan);
    }
    return plan;
  }

  /** What a function captured is read once for all of the graph; and written once, when it is called a second time. */
  #useOf(fn: AnyFunction): FunctionUse | BoundUse {
    const known = this.#uses.get(fn);
    if (known === undefined) {
      const use = this.#host.functions.use(fn);
      this.#uses.set(fn, { use, bound: false });
      return use;
    }
    if (!known.bound) this.#uses.set(fn, { use: this.#host.encoder.bind(known.use), bound: true });
    return this.#uses.get(fn)!.use;
  }

  #argumentsOf(node: Delayed<unknown>): readonly unknown[] {
    const { args, inputs, holders } = callOf(node);
    if (inputs.length === 0) return args;
    const filled = new Rebuilder((value) => {
      if (isDelayed(value)) return this.#futures.get(value);
      return holders.has(value) ? COPY : value;
    });
    return args.map((arg) => filled.copy(arg));
  }

  /** True when it was the last time. */
  #readOnce(input: Delayed<unknown>): boolean {
    const left = this.#readers.get(input)! - 1;
    this.#readers.set(input, left);
    return left === 0;
  }

  /** Its readers were submitted: they keep the result for as long as they need it. */
  #release(input: Delayed<unknown>): void {
    this.#futures.get(input)!.release();
    this.#futures.delete(input);
  }
}
