// `taskflock tensorflow status` and `remove`.
import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { folderOf, tensorflowHome } from "./home.ts";
import type { NativeModule, NoNativeModule } from "./installed.ts";
import { nativeModule } from "./native-module.ts";

export interface NativeStatus {
  readonly gpu: boolean;
  readonly found: NativeModule | NoNativeModule;
  /** Bytes of the folder that `taskflock tensorflow install` made; 0 when there is none. */
  readonly bytes: number;
}

/** What is there, for the processor and for GPUs. Nothing is loaded. */
export function tensorflowStatus(home: string = tensorflowHome()): NativeStatus[] {
  return [false, true].map((gpu) => ({
    gpu,
    found: nativeModule(gpu, { home }),
    bytes: bytesOf(folderOf(resolve(home), gpu)),
  }));
}

/** Removes what `taskflock tensorflow install` put into the folder; the folders that were removed. */
export function removeTensorFlow(home: string = tensorflowHome(), only?: { readonly gpu: boolean }): string[] {
  const kinds = only === undefined ? [false, true] : [only.gpu];
  const folders = kinds.map((gpu) => folderOf(resolve(home), gpu)).filter((folder) => existsSync(folder));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return folders;
}

function bytesOf(folder: string): number {
  if (!existsSync(folder)) return 0;
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.reduce((sum, name) => sum + lstatSync(join(folder, name)).size, 0);
}
