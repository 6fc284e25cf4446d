// What a slot has beside its tasks: modules that were loaded before anything else, and plugins. They prepare the thread or process that
// is the slot: what they leave in globalThis is what its tasks see.
import {
  decodeFunctionDescription,
  decodeValue,
  FlockError,
  type GearFailure,
  type Preloaded,
  preload,
} from "@taskflock/protocol/code";
import { type Callable, type ClosureFactory, loadFunction } from "../functions/index.ts";
import type { SentFunction } from "./batch.ts";
import { failureOf } from "./failure.ts";
import type { SlotConfig, SlotToMain } from "./protocol.ts";

/** A plugin as a slot gets it. */
export interface SlotPlugin {
  /** The worker's own number, never used again. */
  readonly serial: number;
  readonly name: string;
  /** The worker's name. */
  readonly worker: string;
  readonly functions: readonly SentFunction[];
  /** An encoded array: its setup, and its teardown or null. */
  readonly data: Uint8Array;
}

interface SetUp {
  readonly name: string;
  readonly place: object;
  readonly teardown: Callable | null;
  /** What setup returned: the second argument of teardown. */
  readonly made: unknown;
}

type LoadedFunction = Awaited<ReturnType<typeof loadFunction>>;

/** An error's stack as it travels. */
const MAX_STACK_CHARACTERS = 16_384;

export class SlotEquipment {
  readonly #config: SlotConfig;
  readonly #post: (message: SlotToMain) => void;
  readonly #plugins: Map<number, SetUp> = new Map();
  /** Plugins that are being taken down. */
  readonly #closing: Set<Promise<void>> = new Set();
  #preloaded: Preloaded | undefined;

  constructor(config: SlotConfig, post: (message: SlotToMain) => void) {
    this.#config = config;
    this.#post = post;
  }

  /** Nothing is to be loaded before the first batch. */
  get isReady(): boolean {
    return this.#config.preload.length === 0;
  }

  /** Loads what comes before anything else, and says whether the slot is ready. */
  async begin(): Promise<void> {
    const { preload: modules, worker, slot } = this.#config;
    try {
      this.#preloaded = await preload(modules, process.cwd(), { worker, slot });
      this.#post({ t: "ready" });
    } catch (error) {
      this.#post({ t: "unready", message: error instanceof Error ? error.message : String(error) });
    }
  }

  async plug(plugin: SlotPlugin): Promise<void> {
    const { serial, name, worker } = plugin;
    try {
      const { setup, teardown } = await read(plugin);
      const place = { worker, slot: this.#config.slot };
      const made: unknown = await setup(place);
      this.#plugins.set(serial, { name, place, teardown, made });
      this.#post({ t: "plugged", serial, failure: null });
    } catch (error) {
      this.#post({ t: "plugged", serial, failure: gearFailure(error) });
    }
  }

  unplug(serial: number): Promise<void> {
    const plugin = this.#plugins.get(serial);
    this.#plugins.delete(serial);
    const over = this.#tearDown(plugin).finally(() => this.#closing.delete(over));
    this.#closing.add(over);
    return over;
  }

  async #tearDown(plugin: SetUp | undefined): Promise<void> {
    try {
      await plugin?.teardown?.(plugin.place, plugin.made);
    } catch (error) {
      process.stderr.write(`The teardown of plugin ${plugin?.name} failed: ${String(error)}\n`);
    }
  }

  /** The slot ends: what came last goes first. */
  async dispose(): Promise<void> {
    await Promise.all(this.#closing);
    for (const serial of [...this.#plugins.keys()].reverse()) await this.unplug(serial);
    await this.#preloaded?.teardown();
    this.#preloaded = undefined;
  }
}

async function read({ functions, data }: SlotPlugin): Promise<{ setup: Callable; teardown: Callable | null }> {
  const loaded: LoadedFunction[] = [];
  for (const { code } of functions) loaded.push(await loadFunction(decodeFunctionDescription(code)));
  const [setup, teardown] = decodeValue(data, {
    copy: true,
    leaf: (kind, index) => (kind === "future" ? undefined : callableOf(loaded[index])),
    closure: (index, bind) => makerOf(loaded[index])(bind) as object,
  }) as [Callable, Callable | null];
  return { setup, teardown };
}

function callableOf(loaded: LoadedFunction | undefined): Callable {
  if (loaded === undefined || loaded.closure) throw malformed();
  return loaded.value;
}

function makerOf(loaded: LoadedFunction | undefined): ClosureFactory {
  if (loaded === undefined || !loaded.closure) throw malformed();
  return loaded.value;
}

function malformed(): FlockError {
  return new FlockError("FLOCK_VALUE_MALFORMED", "A plugin names a function that did not come with it.");
}

/** What was thrown, as far as it travels. */
function gearFailure(thrown: unknown): GearFailure {
  const { name, message } = failureOf(thrown);
  const stack = thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : "";
  return { name, message, stack: stack.slice(0, MAX_STACK_CHARACTERS) };
}
