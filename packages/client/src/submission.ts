// Sending work: what `submit`, `map` and `scatter` have in common. Runs once per task, so plainer than the rest.

import { createHash } from "node:crypto";
import {
  type Allowance,
  type ClientToScheduler,
  encodeValue,
  FlockError,
  type FunctionNumber,
  NO_PAYLOAD,
  type OptionsNumber,
  type PayloadRef,
  type PayloadStore,
  type RunNumber,
  type Submit,
  type TaskNumber,
} from "@taskflock/protocol";
import type { ArgumentEncoder, EncodedArguments } from "./arguments.ts";
import type { FunctionEntry, FunctionUse } from "./function-table.ts";
import { isFuture } from "./future.ts";
import type { Gate } from "./gate.ts";
import type { KeptArguments } from "./kept-arguments.ts";
import { describe } from "./option-checks.ts";
import type { TaskRecord } from "./record.ts";
import type { SpareMemory } from "./spare-memory.ts";
import { type InternalOptions, optionsData } from "./task-options.ts";
import type { TaskTable } from "./task-table.ts";
import type { Tracing } from "./tracing.ts";
import type { Uploads } from "./uploads.ts";

/** What the wire takes. */
const MAX_FINGERPRINT = 128;

export interface SubmissionHost {
  readonly payloads: PayloadStore;
  readonly tasks: TaskTable;
  readonly encoder: ArgumentEncoder;
  readonly uploads: Uploads;
  readonly kept: KeptArguments;
  readonly gate: Gate;
  readonly sessionId: number;
  readonly inlineLimitBytes: number;
  readonly tracing: Tracing | null;
  keyOf(record: TaskRecord): string;
  /** Sends in order, and frees the payload. */
  send(message: ClientToScheduler, payload?: PayloadRef): void;
  /** Sends now, or when the scheduler takes it; for what the gate runs. */
  transmit(message: ClientToScheduler, payload: PayloadRef): void;
  sendNow(message: ClientToScheduler, payload: PayloadRef): void;
  readonly allowance: Allowance;
}

/** Options of one call, interned: a map of 50,000 items looks at them once. */
export interface Plan {
  readonly options: OptionsNumber;
  readonly run: RunNumber;
  readonly key: string | null;
  readonly pure: boolean;
  readonly name: string | null;
}

export interface ScatterPlan {
  readonly name: string;
  readonly key: string | null;
  /** The hash of the content, or null. */
  readonly fingerprint: string | null;
  readonly broadcast: boolean;
  readonly workers: readonly string[];
  /** The bytes are kept here: they may be asked for again. */
  readonly kept: boolean;
}

/** One call, ready to be sent but for what is not known of its functions. */
interface Call {
  readonly fn: FunctionEntry;
  readonly plan: Plan;
  readonly payload: PayloadRef;
  readonly bytes: number;
  readonly deps: readonly TaskRecord[];
  readonly functions: readonly FunctionEntry[];
}

const NO_DEPS: readonly TaskNumber[] = [];
const NO_FUNCTIONS: readonly FunctionNumber[] = [];

export class Submission {
  readonly #host: SubmissionHost;
  readonly #optionsNumbers: Map<string, OptionsNumber> = new Map();
  /** Of a call without options. */
  readonly plainPlan: Plan = { options: 0 as OptionsNumber, run: 0 as RunNumber, key: null, pure: false, name: null };
  #lastNumber = 0;

  constructor(host: SubmissionHost) {
    this.#host = host;
  }

  /** Throws FLOCK_OPTION_INVALID for a run of another client: here its number would mean another run. */
  plan(options: InternalOptions): Plan {
    const { run } = options;
    if (run?.isOf(this.#host) === false) {
      const text = `run: ${describe(run.name)} was opened by another client. Open one with this client's run(name), or submit through the other.`;
      throw new FlockError("FLOCK_OPTION_INVALID", text);
    }
    return {
      options: this.#intern(options),
      run: run?.number ?? (0 as RunNumber),
      key: options.key ?? null,
      pure: options.pure ?? false,
      name: options.name ?? null,
    };
  }

  /** Sends one task. The record has no handle yet: make a future of it. */
  submit(use: FunctionUse, args: readonly unknown[], plan: Plan, key: string | null = plan.key): TaskRecord {
    const encoded = this.#host.encoder.encode(use, args);
    const record = this.#submit(encoded, plan, key);
    if (this.#host.kept.size > 0) this.#host.kept.submitted(record, encoded.deps);
    record.fn = use.fn;
    record.entry = encoded.entry;
    return record;
  }

  #submit(encoded: EncodedArguments, plan: Plan, key: string | null): TaskRecord {
    if (key === null && !plan.pure && plan.name === null && !this.#host.gate.closed && this.#host.tasks.allSent) {
      return this.#sendPlain(encoded, plan);
    }
    const call: Call = {
      fn: encoded.entry,
      plan,
      payload: encoded.payload,
      bytes: encoded.bytes,
      deps: [...encoded.deps],
      functions: [...encoded.functions],
    };
    if (key === null && !plan.pure) return this.#sendNamed(call);
    return this.#sendKeyed(call, key);
  }

  /**
   * Puts an encoded value on the cluster as data; with a key, `fingerprint` is its hash. Small ones travel at once, others
   * when the scheduler says where to.
   */
  scatter(bytes: Uint8Array, { name, key, fingerprint, broadcast, workers, kept }: ScatterPlan): TaskRecord {
    const { payloads, tasks, uploads } = this.#host;
    const known = key === null ? undefined : tasks.shared(key, fingerprint ?? "");
    if (known !== undefined) return known;
    const record = tasks.add(name, key, fingerprint);
    record.sentBytes = bytes.length;
    const { n } = record;
    const small = bytes.length <= this.#host.inlineLimitBytes;
    const data = small ? payloads.put(bytes) : NO_PAYLOAD;
    if (!small) {
      uploads.add(n, bytes);
      record.handles++; // the upload's own: tasks may need the data when nobody else holds a handle on it any more
    }
    const wireFingerprint = key === null ? null : fingerprint;
    this.#host.send(
      { t: "scatter", n, key, fingerprint: wireFingerprint, name, bytes: bytes.length, data, broadcast, workers, kept },
      data,
    );
    return record;
  }

  /** The record of a new call. */
  #added(name: string, key: string | null, fingerprint: string | null): TaskRecord {
    const record = this.#host.tasks.add(name, key, fingerprint);
    this.#host.tracing?.submitted(record);
    return record;
  }

  /** The usual case: nothing to look up, nothing to wait for. */
  #sendPlain({ payload, bytes, entry: fn, deps, functions }: EncodedArguments, plan: Plan): TaskRecord {
    const record = this.#added(fn.name, null, null);
    this.#deliver(
      record,
      {
        t: "submit",
        n: record.n,
        fn: fn.number,
        functions: functions.length === 0 ? NO_FUNCTIONS : functions.map(({ number }) => number),
        args: payload,
        argsBytes: bytes,
        deps: deps.length === 0 ? NO_DEPS : deps.map(({ n }) => n),
        options: plan.options,
        run: plan.run,
        key: null,
        fingerprint: null,
      },
      payload,
    );
    return record;
  }

  /** A task with a name of its own gets a key by the rule of derived keys; also any other that must wait at the gate. */
  #sendNamed(call: Call): TaskRecord {
    const { tasks, sessionId, gate } = this.#host;
    const { name } = call.plan;
    const key = name === null ? null : `${name}-${sessionId}-${tasks.next}`;
    // Nobody else's task is like it: its key's end, which no other has, says so.
    const fingerprint = key?.slice(-MAX_FINGERPRINT) ?? null;
    const record = this.#added(name ?? call.fn.name, key, fingerprint);
    gate.pass(() => this.#sendCall(record, call, key, fingerprint));
    return record;
  }

  /** A key of the user's, or for a pure function one that is derived from code and arguments. */
  #sendKeyed(call: Call, key: string | null): TaskRecord {
    const { tasks, gate, payloads } = this.#host;
    const stem = call.plan.name ?? call.fn.name;
    const fingerprint = this.#fingerprint(call);
    if (fingerprint === null) {
      // The first call of a package's function: what it is called with a key is known when the gate opens.
      const record = this.#added(stem, key, null);
      gate.pass(() => {
        const late = this.#fingerprint(call);
        this.#sendCall(record, call, late === null ? null : (key ?? keyOfPure(stem, late)), late);
      });
      return record;
    }
    const wanted = key ?? keyOfPure(stem, fingerprint);
    try {
      const known = tasks.shared(wanted, fingerprint);
      if (known !== undefined) {
        payloads.free(call.payload);
        return known;
      }
    } catch (error) {
      payloads.free(call.payload);
      throw error;
    }
    const record = this.#added(stem, wanted, fingerprint);
    gate.pass(() => this.#sendCall(record, call, wanted, fingerprint));
    return record;
  }

  /** Sends, or fails the task here when one of its functions turned out not to travel, or an input was never sent. */
  #sendCall(record: TaskRecord, call: Call, key: string | null, fingerprint: string | null): void {
    const { tasks, payloads } = this.#host;
    const { fn, plan, payload } = call;
    const stuck = [fn, ...call.functions].find(({ failure }) => failure !== null)?.failure;
    const input = call.deps.find(({ fault }) => fault !== null);
    if (stuck != null || input !== undefined) {
      payloads.free(payload);
      tasks.failHere(record, stuck ?? this.#dependencyFailed(record, input!));
      return;
    }
    tasks.rename(record, key, fingerprint);
    const deps = call.deps.map(({ n }) => n);
    const functions = call.functions.map(({ number }) => number);
    const { options, run } = plan;
    const { n } = record;
    this.#deliver(
      record,
      {
        t: "submit",
        n,
        fn: fn.number,
        functions,
        args: payload,
        argsBytes: call.bytes,
        deps,
        options,
        run,
        key,
        fingerprint,
      },
      payload,
    );
  }

  /** What is too large for a frame fails here. */
  #deliver(record: TaskRecord, message: ClientToScheduler, payload: PayloadRef): void {
    try {
      this.#host.transmit(message, payload);
    } catch (error) {
      this.#host.tasks.failHere(record, error as Error);
    }
  }

  /** A submission that had to wait: meanwhile it was perhaps released, or an input of it failed here. */
  sendHeld(message: Submit, payload: PayloadRef): void {
    const { tasks, allowance } = this.#host;
    const record = tasks.get(message.n);
    const input = message.deps.map((n) => tasks.get(n)).find((dep) => dep !== undefined && dep.fault !== null);
    try {
      if (input === undefined) {
        this.#host.sendNow(message, payload);
        return;
      }
      allowance.unsent(message);
      this.#host.payloads.free(payload);
      if (record !== undefined) tasks.failHere(record, this.#dependencyFailed(record, input));
    } catch (error) {
      if (record !== undefined) tasks.failHere(record, error as Error);
    }
  }

  #dependencyFailed(record: TaskRecord, input: TaskRecord): FlockError {
    const cause = input.fault!;
    const text = `Task ${this.#host.keyOf(record)} could not run, because ${this.#host.keyOf(input)} failed: ${cause.message}`;
    return new FlockError("FLOCK_DEPENDENCY_FAILED", text, { cause });
  }

  /** A hash of all that decides the result: code, arguments, and the identities of what they refer to; null if not known yet. */
  #fingerprint({ fn, functions, deps, payload }: Call): string | null {
    if (fn.hash === null) return null;
    const hash = createHash("sha256").update(`${fn.hash}\n`);
    for (const entry of functions) {
      if (entry.hash === null) return null;
      hash.update(`f ${entry.hash}\n`);
    }
    for (const record of deps) hash.update(`d ${record.fingerprint ?? this.#host.keyOf(record)}\n`);
    return hash.update(this.#host.payloads.get(payload)).digest("hex");
  }

  #intern(options: InternalOptions): OptionsNumber {
    const data = optionsData(options);
    if (data === null) return 0 as OptionsNumber;
    const text = JSON.stringify(data);
    const known = this.#optionsNumbers.get(text);
    if (known !== undefined) return known;
    const number = ++this.#lastNumber as OptionsNumber;
    this.#optionsNumbers.set(text, number);
    this.#host.send({ t: "options", options: number, data });
    return number;
  }
}

function keyOfPure(stem: string, fingerprint: string): string {
  return `${stem}-${fingerprint.slice(0, 32)}`;
}

/** The bytes of a value that becomes data, in memory from `memory`; futures and functions cannot stand in it. */
export function encodeData(value: unknown, memory: SpareMemory): Uint8Array {
  const encoded = encodeValue(value, {
    leaf: (leaf, path) => {
      if (!isFuture(leaf)) return undefined;
      throw new FlockError(
        "FLOCK_NOT_SERIALIZABLE",
        `${path()} is a future (${leaf.key}), which data cannot hold: pass it in the arguments of a task.`,
      );
    },
  });
  const bytes = memory.take(encoded.bytes);
  encoded.writeTo(bytes, 0);
  return bytes;
}
