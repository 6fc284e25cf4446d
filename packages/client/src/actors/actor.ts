// The handle of an actor: an object on a worker, seen from here as what it can be called for.

import { inspect } from "node:util";
import { FlockError } from "@taskflock/protocol/words";
import type { AnyFunction } from "../function-table.ts";
import { type Future, isReleased } from "../future.ts";
import { type Checks, checkOptions, describe, name as nameCheck } from "../option-checks.ts";
import { type InternalOptions, type TaskOptions, taskOptionChecks } from "../task-options.ts";
import type { Arguments } from "../types.ts";
import { callActor, makeActor, readActor } from "./on-worker.ts";

/** A method of an actor, as its handle has it: a call returns at once, and futures may stand for arguments. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the method takes
export type ActorMethod<F> = F extends (...args: infer A extends any[]) => infer R
  ? (...args: Arguments<A>) => Future<Awaited<R>>
  : never;

// biome-ignore lint/suspicious/noExplicitAny: whatever the method takes
type Callable = (...args: any[]) => unknown;

/** Names of the public methods. */
type MethodNames<T> = {
  [K in keyof T]: T[K] extends Callable ? Exclude<K & string, "then"> : never;
}[keyof T];

/**
 * An object that lives on a worker. Each of its methods is called there: the call returns a future at once. The calls of one client
 * run in the order in which they were made, one at a time; one that returns a promise holds the next until that settles.
 *
 * The actor ends when its handle is closed (`closeActor`, or the end of a `using` block) and its calls are over, with its client, or
 * with its worker.
 */
export type Actor<T extends object> = { readonly [K in MethodNames<T>]: ActorMethod<T[K]> } & Disposable;

/** Options of `client.actor`. */
export interface ActorOptions
  extends Pick<
    TaskOptions,
    | "allowOtherWorkers"
    | "cancelGraceMs"
    | "isolation"
    | "key"
    | "name"
    | "noWorkerTimeoutMs"
    | "resources"
    | "timeoutMs"
    | "workers"
  > {
  /**
   * A key that all clients of the scheduler share: who asks for an actor of the same class with the same arguments under it gets the one
   * that is there. With another class or other arguments it fails with FLOCK_KEY_CONFLICT.
   */
  readonly key?: string;
  /** A readable stem for keys and events. Default the name of the class. */
  readonly name?: string;
  /** What it takes of its worker for as long as it lives, such as { GPU: 1 }. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Milliseconds that its constructor, and each call, may take; 0 is no limit, the default. A call that does not stop then loses the actor. */
  readonly timeoutMs?: number;
  /** Milliseconds a call that is cancelled may go on after its AbortSignal, before the actor is ended. Default 1,000. */
  readonly cancelGraceMs?: number;
  /** "process" makes it in a child process of the worker. Default "thread": a thread of its own. */
  readonly isolation?: "thread" | "process";
}

const { allowOtherWorkers, cancelGraceMs, isolation, key, noWorkerTimeoutMs, resources, timeoutMs, workers } =
  taskOptionChecks;
const checks: Checks<ActorOptions> = {
  ...{ allowOtherWorkers, cancelGraceMs, isolation, key, noWorkerTimeoutMs, resources, timeoutMs, workers },
  name: nameCheck,
};

/** What holds for the calls through one handle. */
export type CallLimits = Pick<ActorOptions, "cancelGraceMs" | "timeoutMs">;
const limitChecks: Checks<CallLimits> = { cancelGraceMs, timeoutMs };

/** The part of a session that actors need. */
export interface ActorHost {
  submit(fn: AnyFunction, args: readonly unknown[], options: InternalOptions): Future<unknown>;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the constructor takes
export type AnyClass = new (...args: any[]) => object;

const MAX_NAME = 200;
const states: WeakMap<object, ActorState> = new WeakMap();

/** What a handle knows. */
class ActorState {
  readonly #host: ActorHost;
  readonly #made: Future<unknown>;
  readonly #name: string;
  readonly #options: InternalOptions;

  constructor(host: ActorHost, made: Future<unknown>, name: string, options: InternalOptions) {
    this.#host = host;
    this.#made = made;
    this.#name = name;
    this.#options = options;
  }

  get key(): string {
    return this.#made.key;
  }

  call(method: string, args: readonly unknown[]): Future<unknown> {
    return this.#submit(callActor, [this.#made, method, args], method);
  }

  read(property: string): Future<unknown> {
    return this.#submit(readActor, [this.#made, property], property);
  }

  close(): void {
    if (!isReleased(this.#made)) this.#made.release();
  }

  #submit(fn: AnyFunction, args: readonly unknown[], what: string): Future<unknown> {
    if (isReleased(this.#made)) {
      const text = `The actor ${this.#name} was closed: call ${what} before closeActor(), or before the end of its using block.`;
      throw new FlockError("FLOCK_RELEASED", text);
    }
    return this.#host.submit(fn, args, { ...this.#options, name: `${this.#name}.${what}`.slice(0, MAX_NAME) });
  }
}

/** Target of the proxies; no class of the user's, so that the codec asks about it. */
class ActorHandle {
  // Printed in place of its proxy, which is what `this` is.
  [inspect.custom](): string {
    return `Actor(${states.get(this)?.key})`;
  }
}

/** Makes an actor; resolves once its constructor has run. See `Client.actor`. */
export async function createActor(
  host: ActorHost,
  type: AnyClass,
  args: readonly unknown[],
  raw: ActorOptions | undefined,
): Promise<Actor<object>> {
  const given = checkOptions("actor", raw, checks);
  ensureClass(type, args);
  const { name = type.name || "actor", isolation = "thread", timeoutMs, cancelGraceMs, ...placing } = given;
  const limits = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(cancelGraceMs === undefined ? {} : { cancelGraceMs }),
  };
  const making: InternalOptions = {
    ...placing,
    ...limits,
    name: name.slice(0, MAX_NAME),
    isolation: isolation === "process" ? "actor-process" : "actor",
  };
  const made = host.submit(makeActor, [type, args], making);
  const error = await made.error();
  if (error === null) return handleOf(new ActorState(host, made, name, { ...limits, isolation: "call" }));
  made.release();
  throw error;
}

/** See `Client.getActor`. `refer` makes a future of the actor that has the key, or rejects. */
export async function findActor(
  host: ActorHost,
  key: string,
  raw: CallLimits | undefined,
  refer: (key: string) => Promise<Future<unknown>>,
): Promise<Actor<object>> {
  const limits = checkOptions("getActor", raw, limitChecks);
  if (nameCheck(key) !== null) {
    const takes = "getActor takes the key of an actor, as actorKey() gives it";
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `${takes}, not ${describe(key)}.`);
  }
  const made = await refer(key);
  const error = await made.error();
  const name = key.replace(/-\d+-\d+$/, "").slice(0, MAX_NAME);
  if (error === null) return handleOf(new ActorState(host, made, name, { ...limits, isolation: "call" }));
  made.release();
  throw error;
}

function ensureClass(type: unknown, args: unknown): void {
  if (typeof type !== "function" || type.prototype === undefined) {
    const takes = "actor takes a class first, actor(Counter, [10])";
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `${takes}, not ${describe(type)}.`);
  }
  if (Array.isArray(args)) return;
  const takes = "actor takes the constructor's arguments as an array, actor(Counter, [10])";
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `${takes}, not ${describe(args)}.`);
}

/** Every name that is asked for is a method: which there are is known where the object is. `then` is none, so that it can be awaited. */
function handleOf(state: ActorState): Actor<object> {
  const methods = new Map<string, (...args: readonly unknown[]) => Future<unknown>>();
  const methodOf = (name: string): ((...args: readonly unknown[]) => Future<unknown>) => {
    const known = methods.get(name) ?? ((...args: readonly unknown[]) => state.call(name, args));
    methods.set(name, known);
    return known;
  };
  const handle = new Proxy(new ActorHandle(), {
    get: (_, name) => {
      if (name === Symbol.dispose) return () => state.close();
      if (name === Symbol.toPrimitive) return () => `Actor(${state.key})`;
      if (typeof name === "symbol" || name === "then") return undefined;
      return methodOf(name);
    },
    has: (_, name) => name === Symbol.dispose || (typeof name === "string" && name !== "then"),
    set: (_, name) => {
      const text = `${String(name)} cannot be set on the handle of an actor: its state is on a worker. Call a method that sets it.`;
      throw new FlockError("FLOCK_ARGUMENT_INVALID", text);
    },
  });
  states.set(handle, state);
  return handle as unknown as Actor<object>;
}

export function isActor(value: unknown): value is Actor<object> {
  return typeof value === "object" && value !== null && states.has(value);
}

/** A property of the object, read between its calls, in the order in which they were made. */
export function actorValue<T extends object, K extends keyof T & string>(
  actor: Actor<T>,
  property: K,
): Future<Awaited<T[K]>> {
  return stateOf("actorValue", actor).read(property) as Future<Awaited<T[K]>>;
}

/** The name under which the scheduler knows the actor: pass it to tasks and other clients, which call `getActor` with it. */
export function actorKey(actor: Actor<object>): string {
  return stateOf("actorKey", actor).key;
}

/** Lets go of the actor: it ends when its calls are over. Its handle makes no calls any more. */
export function closeActor(actor: Actor<object>): void {
  stateOf("closeActor", actor).close();
}

function stateOf(where: string, actor: unknown): ActorState {
  const state = typeof actor === "object" && actor !== null ? states.get(actor) : undefined;
  if (state !== undefined) return state;
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${where} takes an actor, as client.actor() gives it, not ${describe(actor)}.`,
  );
}
