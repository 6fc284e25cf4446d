// Finds a native TensorFlow.js: the one that `taskflock tensorflow install` made, or else the user's own.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { folderOf, packageName, readRecord, tensorflowHome } from "./home.ts";

export interface NativeModule {
  /** The file that is loaded, by `loadNative`. */
  readonly path: string;
  /** Such as `{ "tfjs-node": "4.22.0", tensorflow: "2.21.0" }`; TensorFlow's is unknown for a package of the user's. */
  readonly versions: Readonly<Record<string, string>>;
  /** What opens `libraries`; null when there are none. */
  readonly preload: string | null;
  /** Shared libraries to open before it, in this order. */
  readonly libraries: readonly string[];
}

export interface NoNativeModule {
  readonly why: string;
}

export interface NativePlaces {
  /** Default: TASKFLOCK_TENSORFLOW_HOME, or the folder in the user's data. */
  readonly home?: string;
  /** Files or folders (ending in a slash) whose node_modules are searched; default: the working folder's and ours. */
  readonly from?: readonly string[];
}

/**
 * The native TensorFlow.js of this machine, for GPUs or for the processor, or why there is none. Nothing is loaded yet; the one that
 * `taskflock tensorflow install` made comes first.
 */
export function nativeModule(gpu: boolean, places: NativePlaces = {}): NativeModule | NoNativeModule {
  const made = installedModule(places.home ?? tensorflowHome(), gpu);
  if (!("why" in made)) return made;
  const own = ownModule(gpu, places.from ?? [join(process.cwd(), "/"), import.meta.url]);
  return "why" in own ? { why: `${made.why}; ${own.why}` } : own;
}

/** Only the one in the folder. */
export function installedModule(home: string, gpu: boolean): NativeModule | NoNativeModule {
  const folder = folderOf(home, gpu);
  const record = readRecord(folder);
  const command = `taskflock tensorflow install${gpu ? " --gpu" : ""}`;
  if (record === null) return { why: `there is none in ${folder} (\`${command}\` puts one there)` };
  const { platform, arch, main, versions, preload, libraries } = record;
  if (platform !== process.platform || arch !== process.arch)
    return { why: `the one in ${folder} is for ${platform} ${arch}, and this is ${process.platform} ${process.arch}` };
  const path = join(folder, main);
  if (!existsSync(path)) return { why: `${path} is missing: \`${command} --force\` makes it anew` };
  const inFolder = (file: string): string => join(folder, file);
  return {
    path,
    versions,
    preload: preload === null ? null : inFolder(preload),
    libraries: libraries.map(inFolder),
  };
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
