// Runs the call of a task here, in the client's process: the live function, with the arguments that the task had.

import { callOf, decodeValue, FlockError, type TaskNumber } from "@taskflock/protocol";
import { releasedError } from "./endings.ts";
import type { AnyFunction, FunctionEntry, FunctionTable } from "./function-table.ts";
import { type Future, type FutureOwner, isReleased, recordOf } from "./future.ts";
import type { Questions } from "./questions.ts";
import type { TaskRecord } from "./record.ts";
import { runAsTask } from "./task-here.ts";
import type { TaskTable } from "./task-table.ts";

export interface RerunHost extends FutureOwner {
  readonly tasks: TaskTable;
  readonly functions: FunctionTable;
  readonly questions: Questions;
}

/** The live functions that stand in the encoded arguments, by index; undefined where there is none. */
type Functions = readonly (ReturnType<FunctionTable["get"]> | undefined)[];

/** See `Client.rerunHere`. The future is one of this session's. */
export async function rerunHere(host: RerunHost, future: Future<unknown>): Promise<unknown> {
  if (isReleased(future)) throw releasedError(future.key);
  const record = failedFirst(host, recordOf(future));
  const key = host.keyOf(record);
  const fn = functionOf(record, key);
  const args = await argumentsOf(host, record, fn);
  const attempt = record.outcome?.t === "failed" ? record.outcome.attempt : 1;
  return await runAsTask({ key, attempt, worker: "here" }, () => fn(...args));
}

/** The task itself, or the one because of whose failure it was never called. */
function failedFirst(host: RerunHost, record: TaskRecord): TaskRecord {
  const { outcome } = record;
  const failedKey = outcome?.t === "failed" ? outcome.failedKey : null;
  if (failedKey === null || failedKey === host.keyOf(record)) return record;
  const first = host.tasks.withKey(failedKey);
  if (first !== undefined) return first;
  throw new FlockError(
    "FLOCK_RELEASED",
    `${host.keyOf(record)} was not called, because ${failedKey} failed before it, and nobody has the future of that any more. Keep it in a variable, and rerunHere() that one.`,
  );
}

function functionOf(record: TaskRecord, key: string): AnyFunction {
  if (record.fn !== null && record.fault === null) return record.fn as AnyFunction;
  const text =
    record.fn === null
      ? `${key} is data: no function made it. Look at it with \`await future.result()\`.`
      : `${key} was not sent (${record.fault?.message}): call the function yourself.`;
  throw new FlockError("FLOCK_ARGUMENT_INVALID", `rerunHere takes the future of a call; ${text}`);
}

async function argumentsOf(host: RerunHost, record: TaskRecord, fn: AnyFunction): Promise<readonly unknown[]> {
  const { n, entry } = record;
  const { value: call, data } = await host.questions.askWithData({ q: "call", n });
  const functions = call.functions.map((number) => (number === null ? undefined : host.functions.get(number)));
  const inputs = await inputsOf(host, n, call.inputs);
  const units = entry === null ? null : unitsNow(host, fn, entry);
  const main = { met: false };
  const decoded = decodeValue(data, {
    copy: true,
    leaf: (kind, index) => (kind === "future" ? inputs[index] : liveAt(functions, index)),
    closure: (index, bind) => {
      // A function with captured values stands before its arguments, and so comes first.
      if (main.met || entry === null || !isSameCode(functions[index], entry)) {
        bind(STAND_INS);
        return liveAt(functions, index, true);
      }
      main.met = true;
      bind(units ?? STAND_INS);
      return fn;
    },
    made: (_type, key) => () => {
      throw forgotten(`${key}() belongs to an instance in the task's arguments, and only its class can make it`);
    },
  });
  // The arguments may refer to what travelled with the function.
  if (units === null && !Array.isArray(decoded)) throw forgotten(`What ${fn.name || "the function"} uses has changed`);
  const args = callOf(decoded);
  return main.met ? args.slice(1) : args;
}

function isSameCode(one: FunctionEntry | undefined, other: FunctionEntry): boolean {
  return one === other || (one !== undefined && one.hash !== null && one.hash === other.hash);
}

/** Null when the function uses others than it did. */
function unitsNow({ functions }: RerunHost, fn: AnyFunction, entry: FunctionEntry): readonly unknown[] | null {
  try {
    return functions.unitsOf(fn, entry);
  } catch {
    return null; // it could not travel as it is now
  }
}

/** The values of a task's inputs, which may have been released since. */
async function inputsOf(host: RerunHost, n: TaskNumber, count: number): Promise<readonly unknown[]> {
  if (count === 0) return [];
  const futures = Array.from({ length: count }, () => host.tasks.futureOf(host.tasks.add("input", null, null)));
  try {
    await host.questions.ask({ q: "inputs", n, as: futures.map((future) => recordOf(future).n) });
    return await Promise.all(futures.map((future) => future.result()));
  } finally {
    for (const future of futures) future.release();
  }
}

function liveAt(functions: Functions, index: number, isClosure = false): AnyFunction {
  const entry = functions[index];
  if (entry !== undefined && !(isClosure && entry.several)) return entry.live;
  const text =
    entry === undefined
      ? "A function in the task's arguments was passed by another client"
      : `There were several functions ${entry.name} with the same code, and the one in the task's arguments is not known from the others`;
  throw forgotten(text);
}

function forgotten(text: string): FlockError {
  return new FlockError("FLOCK_CALL_FORGOTTEN", `${text}: call the task's function yourself.`);
}

/** For the functions that a closure captured: the closure is here, so that nobody calls them. */
const STAND_INS: readonly unknown[] = new Proxy([], {
  get: (_, property) => (property === "length" ? Number.MAX_SAFE_INTEGER : StandIn),
});
function StandIn(): void {}
