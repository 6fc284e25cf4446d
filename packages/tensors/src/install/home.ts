// The folder that `taskflock tensorflow install` fills, and the record of what it put there.
import { readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where the native backends are put and looked for: TASKFLOCK_TENSORFLOW_HOME, or a folder of the user's data. */
export function tensorflowHome(env: NodeJS.ProcessEnv = process.env): string {
  const named = env["TASKFLOCK_TENSORFLOW_HOME"];
  if (named !== undefined && named !== "") return resolve(named);
  const data = env["XDG_DATA_HOME"];
  return join(data !== undefined && data !== "" ? data : join(homedir(), ".local/share"), "taskflock/tensorflow");
}

/** One for the processor and one for GPUs can lie side by side. */
export function folderOf(home: string, gpu: boolean): string {
  return join(home, gpu ? "gpu" : "cpu");
}

export function packageName(gpu: boolean): string {
  return gpu ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
}

/** What one folder holds. Paths in it are relative to the folder, so that it can be moved, or copied into an image. */
export interface InstallRecord {
  readonly format: 1;
  readonly platform: string;
  readonly arch: string;
  readonly gpu: boolean;
  /** The main file of the package. */
  readonly main: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Opens `libraries`; null when there are none. */
  readonly preload: string | null;
  /** NVIDIA's libraries, in the order in which they are opened before TensorFlow asks for them by name. */
  readonly libraries: readonly string[];
}

const fileName = "taskflock.json";

/** It is written last, so a folder that has one is whole. Null when there is none that can be read. */
export function readRecord(folder: string): InstallRecord | null {
  try {
    const record = JSON.parse(readFileSync(join(folder, fileName), "utf8")) as InstallRecord;
    return record.format === 1 ? record : null;
  } catch {
    return null;
  }
}

export function writeRecord(folder: string, record: InstallRecord): void {
  writeFileSync(join(folder, fileName), `${JSON.stringify(record, null, 2)}\n`);
}
