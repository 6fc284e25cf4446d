// Finds a native TensorFlow.js: the one that `taskflock tensorflow install` made, or else the user's own.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { packagePlaces } from "../packages.ts";
import { packageName, tensorflowHome } from "./home.ts";
import { installedModule, type NativeModule, type NoNativeModule } from "./installed.ts";

export interface NativePlaces {
  /** Default: TASKFLOCK_TENSORFLOW_HOME, or the folder in the user's data. */
  readonly home?: string;
  /** Files or folders (ending in a slash) whose node_modules are searched; default: the program's and ours. */
  readonly from?: readonly string[];
}

/**
 * The native TensorFlow.js of this machine, for GPUs or for the processor, or why there is none. Nothing is loaded yet; the one that
 * `taskflock tensorflow install` made comes first.
 */
export function nativeModule(gpu: boolean, places: NativePlaces = {}): NativeModule | NoNativeModule {
  const made = installedModule(places.home ?? tensorflowHome(), gpu);
  if (!("why" in made)) return made;
  const own = ownModule(gpu, places.from ?? packagePlaces());
  return "why" in own ? { why: `${made.why}; ${own.why}` } : own;
}

function ownModule(gpu: boolean, from: readonly string[]): NativeModule | NoNativeModule {
  const name = packageName(gpu);
  const file = from.map((place) => find(`${name}/package.json`, place)).find((found) => found !== null);
  if (file === undefined || file === null) return { why: `${name} is not installed beside the program` };
  const folder = dirname(file);
  // The binding's Node-API version: 8 is the highest that it knows, and every Node that Taskflock runs on has it.
  if (!existsSync(join(folder, "lib/napi-v8/tfjs_binding.node")))
    return { why: `${folder} has no binary: its download failed, or its install script did not run` };
  const { version, main } = JSON.parse(readFileSync(file, "utf8")) as { version: string; main: string };
  const versions = { [name.slice("@tensorflow/".length)]: version };
  return { path: join(folder, main), versions, preload: null, libraries: [] };
}

function find(specifier: string, from: string): string | null {
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    return null;
  }
}
