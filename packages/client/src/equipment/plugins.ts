// Plugins: functions that prepare each slot of each worker, those that are there and those to come.

import type { PayloadStore } from "@taskflock/protocol";
import { FlockError, type GearOutcome } from "@taskflock/protocol/words";
import type { ArgumentEncoder } from "../arguments.ts";
import type { FunctionEntry, FunctionTable } from "../function-table.ts";
import { type Checks, checkOptions, describe, flag, name as nameCheck } from "../option-checks.ts";
import type { Questions } from "../questions.ts";

/** Where a plugin runs. */
export interface PluginPlace {
  /** Name of the worker. */
  readonly worker: string;
  /** Which of its slots: 0, 1, 2 …; those of actors have higher numbers. */
  readonly slot: number;
}

/** A part of a worker that tasks need: a connection, a model in memory, a setting of a library. */
export interface Plugin<S = unknown> {
  readonly name: string;
  /** Runs once in each slot, before further tasks. Tasks of the slot see what it leaves in `globalThis`. */
  readonly setup: (place: PluginPlace) => S;
  /** Runs when the plugin is unregistered, or the slot ends in order. The second argument is what setup returned there. */
  readonly teardown?: (place: PluginPlace, made: Awaited<S>) => unknown;
}

export interface RegisterPluginOptions {
  /** Takes the name from the plugin that has it, whose teardown runs first. Default false. */
  readonly override?: boolean;
}

/** A plugin that is registered. */
export interface PluginInfo {
  readonly name: string;
  /** The name of the client. */
  readonly registeredBy: string;
  readonly registeredAt: Date;
  /** Names of the workers that have it. */
  readonly workers: readonly string[];
}

/** The part of a session that this needs. */
export interface EquipmentHost {
  readonly questions: Questions;
  readonly payloads: PayloadStore;
  readonly functions: FunctionTable;
  readonly encoder: ArgumentEncoder;
  readonly maxFrameBytes: number;
}

const registerChecks: Checks<RegisterPluginOptions> = { override: flag };

/** See `Client.registerPlugin`. */
export async function registerPlugin(
  host: EquipmentHost,
  plugin: Plugin<never>,
  raw: RegisterPluginOptions | undefined,
): Promise<Readonly<Record<string, number>>> {
  const { override = false } = checkOptions("registerPlugin", raw, registerChecks);
  const { name, setup, teardown } = checkPlugin(plugin);
  const { data, dataBytes, entries } = encode(host, name, [setup, teardown ?? null]);
  const functions = entries.map(({ number }) => number);
  try {
    const question = { q: "equip", kind: "plugin", name, override, draft: 0, functions, data, dataBytes } as const;
    const outcome = await host.questions.ask(question);
    if (outcome.failed.length > 0) throw pluginFailed(name, outcome);
    const byName = Object.entries(outcome.workers).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
    return Object.fromEntries(byName);
  } catch (error) {
    // The scheduler does not know what failed before it was sent.
    for (const { failure } of entries) if (failure !== null) throw failure;
    throw error;
  } finally {
    host.payloads.free(data);
  }
}

/** See `Client.unregisterPlugin`. */
export async function unregisterPlugin({ questions }: EquipmentHost, name: string): Promise<void> {
  const takes = nameCheck(name);
  if (takes !== null) throw invalid(`unregisterPlugin takes a name, ${takes}, not ${describe(name)}.`);
  await questions.ask({ q: "unequip", kind: "plugin", name });
}

/** See `Client.plugins`. */
export async function listPlugins({ questions }: EquipmentHost): Promise<readonly PluginInfo[]> {
  const facts = await questions.ask({ q: "equipment", kind: "plugin" });
  return facts.map(({ name, by, agoMs, workers }) => {
    return { name, registeredBy: by, registeredAt: new Date(Date.now() - agoMs), workers };
  });
}

function checkPlugin(plugin: unknown): Plugin {
  const { name, setup, teardown } = (typeof plugin === "object" && plugin !== null ? plugin : {}) as Partial<Plugin>;
  const takes = "registerPlugin takes { name, setup, teardown? }";
  if (typeof plugin !== "object" || plugin === null) throw invalid(`${takes}, not ${describe(plugin)}.`);
  const nameTakes = nameCheck(name);
  if (nameTakes !== null) throw invalid(`${takes}: name is ${nameTakes}, not ${describe(name)}.`);
  if (typeof setup !== "function") throw invalid(`${takes}: setup is a function, not ${describe(setup)}.`);
  if (teardown !== undefined && typeof teardown !== "function") {
    throw invalid(`${takes}: teardown is a function, not ${describe(teardown)}.`);
  }
  return { name: name as string, setup, ...(teardown === undefined ? {} : { teardown }) };
}

/** Called by nobody: a call is what the encoder knows how to write. */
const carry = (): void => undefined;

function encode(
  { encoder, functions, payloads }: EquipmentHost,
  name: string,
  parts: readonly unknown[],
): { data: ReturnType<PayloadStore["put"]>; dataBytes: number; entries: readonly FunctionEntry[] } {
  const { payload, bytes, deps, functions: entries } = encoder.encode(functions.use(carry), parts);
  if (deps.length === 0) return { data: payload, dataBytes: bytes, entries: [...entries] };
  payloads.free(payload);
  throw new FlockError(
    "FLOCK_TOO_LARGE",
    `The plugin "${name}" captures large data, which does not travel with a plugin. Upload it as a file (client.uploadFile), and read that in setup.`,
  );
}

function pluginFailed(name: string, { failed, workers }: GearOutcome): FlockError {
  const shown = failed.slice(0, 5).map((one) => `${one.worker} (${one.name}: ${one.message})`);
  const more = failed.length > shown.length ? ` and ${failed.length - shown.length} more` : "";
  const all = failed.length + Object.keys(workers).length;
  const text = `The setup of plugin "${name}" failed on ${failed.length} of ${all} workers: ${shown.join(", ")}${more}. It is not kept.`;
  return new FlockError("FLOCK_PLUGIN_FAILED", text, { cause: thrown(failed[0]!) });
}

/** The error as it was thrown there, as far as it travels. */
function thrown({ name, message, stack }: GearOutcome["failed"][number]): Error {
  const error = new Error(message);
  error.name = name;
  if (stack !== "") error.stack = stack;
  return error;
}

function invalid(message: string): FlockError {
  return new FlockError("FLOCK_ARGUMENT_INVALID", message);
}
