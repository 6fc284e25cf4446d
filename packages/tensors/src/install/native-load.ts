// Loads a native TensorFlow.js onto the copy of `@tensorflow/tfjs` that the program uses.
import { createRequire, Module } from "node:module";
import util from "node:util";
import type { TensorFlow } from "../types.ts";
import type { NativeModule } from "./installed.ts";

/**
 * Makes `tensorflow` the backend of `tf`, and returns `tf`. The package gets this very copy for its own `require("@tensorflow/tfjs")`:
 * a second copy would register every kernel again, with a warning each, and its classes would be others than the program's. Without `tf`
 * the package's own copy is used and returned. Throws when a library cannot be loaded.
 */
export function loadNative(native: NativeModule, tf?: TensorFlow): TensorFlow {
  // TensorFlow greets with lines about the processor; warnings and errors stay.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "1";
  const require = createRequire(native.path);
  openLibraries(require, native);
  const seeds: [string, unknown][] = [["util", olderUtil()]];
  // One kernel asks for the core alone, whose names `@tensorflow/tfjs` has, too.
  for (const name of tf === undefined ? [] : ["@tensorflow/tfjs", "@tensorflow/tfjs-core"])
    seeds.push([require.resolve(name), commonJs(tf as TensorFlow)]);
  const loaded = withSeeds(require, seeds, () => require(native.path) as TensorFlow);
  return tf ?? loaded;
}

function openLibraries(require: NodeJS.Require, { preload, libraries }: NativeModule): void {
  if (preload === null) return;
  const { open } = require(preload) as { open(path: string): string | null };
  for (const library of libraries) {
    const problem = open(library);
    if (problem !== null) throw new Error(`${library} cannot be opened: ${problem}`);
  }
}

/** The package calls two functions of `util` that Node 23 removed, and that warn before. */
function olderUtil(): object {
  return Object.assign(Object.create(util) as object, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  });
}

/** What `require` gives, also when the caller has it from `import`. */
function commonJs(tf: TensorFlow): unknown {
  return (tf as { default?: unknown }).default ?? tf;
}

/** Node's require asks its cache first, for its own modules too; so `work` loads these in place of what they are. */
function withSeeds<T>(require: NodeJS.Require, seeds: readonly [string, unknown][], work: () => T): T {
  const before = seeds.map(([key]) => [key, require.cache[key]] as const);
  for (const [key, exports] of seeds) {
    const seed = new Module(key);
    seed.exports = exports;
    seed.loaded = true;
    require.cache[key] = seed;
  }
  try {
    return work();
  } finally {
    for (const [key, module] of before) {
      if (module === undefined) delete require.cache[key];
      else require.cache[key] = module;
    }
  }
}
