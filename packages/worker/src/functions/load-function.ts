// From a function's description to the function.
import { FlockError, type FunctionDescription } from "@taskflock/protocol/code";
import { storeAsset } from "./assets.ts";
import { type CodeText, evaluate, messageOf, scriptName } from "./evaluate.ts";
import { resolveImports } from "./imports.ts";
import { Kept } from "./kept.ts";
import { usualFolders } from "./package-match.ts";
import { missingExport } from "./whole-export.ts";

export type Callable = (...args: unknown[]) => unknown;

/**
 * Makes a function of what it captured. Calls `bind` once, with the functions to which captured values may refer; `bind`
 * gives the captured values.
 */
export type ClosureFactory = (bind: (units: readonly unknown[]) => readonly unknown[]) => unknown;

export type LoadedFunction =
  | { readonly closure: false; readonly value: Callable }
  | { readonly closure: true; readonly value: ClosureFactory };

export interface FunctionLoaderOptions {
  /** How many functions are kept; the least recently used one goes first. Default 512. */
  readonly maxFunctions?: number;
  /** Folders in which packages are looked for, in this order. Default: the current folder, then this package's own. */
  readonly from?: readonly string[];
}

/**
 * Makes functions of descriptions, and keeps them by hash.
 *
 * Rejects with `FLOCK_FUNCTION_NOT_FOUND` when a package or its export is not here, with `FLOCK_PACKAGE_MISMATCH` when it
 * is here in another version or build, with `FLOCK_FUNCTION_NOT_SERIALIZABLE` when code does not give a function.
 */
export class FunctionLoader {
  readonly #loaded: Kept<Promise<LoadedFunction>>;
  readonly #folders: readonly [string, ...string[]];

  constructor(options: FunctionLoaderOptions = {}) {
    this.#loaded = new Kept(options.maxFunctions ?? 512);
    const [first = process.cwd(), ...others] = options.from ?? usualFolders();
    this.#folders = [first, ...others];
  }

  /** How many functions are kept now. */
  get size(): number {
    return this.#loaded.size;
  }

  load(description: FunctionDescription): Promise<LoadedFunction> {
    const { hash } = description;
    return this.#loaded.get(hash, () => {
      const loading = this.#make(description);
      loading.catch(() => this.#loaded.delete(hash)); // a package may be installed later
      return loading;
    });
  }

  async #make(description: FunctionDescription): Promise<LoadedFunction> {
    const value = await this.#evaluate(description, await this.#surroundings(description));
    if (typeof value !== "function") {
      throw missingExport(description) ?? doesNotRun(`The code of ${description.name} gives no function.`);
    }
    return description.closure
      ? { closure: true, value: value as ClosureFactory }
      : { closure: false, value: value as Callable };
  }

  /** What the code finds around it. */
  async #surroundings({ name, imports, assets }: FunctionDescription): Promise<Readonly<Record<string, unknown>>> {
    const $imports = await resolveImports(imports, { name, folders: this.#folders });
    return { $imports, $assets: assets.map(storeAsset) };
  }

  async #evaluate(description: FunctionDescription, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { name, hash, code } = description;
    const text: CodeText = { code, script: `taskflock:${scriptName(name, hash)}`, folder: this.#folders[0] };
    try {
      return await evaluate(text, parameters);
    } catch (error) {
      const message = `The code of ${name} does not run here (${messageOf(error)}).`;
      throw missingExport(description, error) ?? doesNotRun(message, error);
    }
  }
}

function doesNotRun(message: string, cause?: unknown): FlockError {
  return new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", message, cause === undefined ? {} : { cause });
}

let shared: FunctionLoader | undefined;

/** Loads with this thread's own loader. */
export function loadFunction(description: FunctionDescription): Promise<LoadedFunction> {
  shared ??= new FunctionLoader();
  return shared.load(description);
}
