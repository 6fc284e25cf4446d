// The native TensorFlow.js that `taskflock tensorflow install` made.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { folderOf, readRecord } from "./home.ts";

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

/** The one in the folder, or why there is none. */
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
