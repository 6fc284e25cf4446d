// How a local cluster starts workers: what of the machine each process gets.

import { totalmem } from "node:os";
import type { CompleteOptions } from "./options.ts";
import { RoleProcess } from "./role-process.ts";

/** The machine's GPUs are dealt out in so many shares: one for each worker that the cluster begins with, and at least one. */
export function dealsOf({ workers }: CompleteOptions): number[] {
  return [...Array(Math.max(1, workers)).keys()];
}

export interface StartedWorkers {
  readonly name: string;
  readonly count: number;
  readonly sharing: number;
  /** Theirs of the GPUs; a process that has all shares deals them out itself. */
  readonly deals: readonly number[];
}

/** `count` processes of the `sharing` that share the machine's memory, unless the options give each a limit of its own. */
export function startWorkers(
  options: CompleteOptions,
  address: string,
  { name, count, sharing, deals }: StartedWorkers,
): RoleProcess {
  const { roleCommand, env, workerFlags, logFlags, nanny } = options;
  const which = ["--name", name, "--processes", String(count), ...(nanny ? [] : ["--no-nanny"])];
  if (!workerFlags.includes("--memory-limit")) which.push("--memory-limit", String(Math.floor(totalmem() / sharing)));
  const gpuFlags = deals.length === 0 ? ["--gpus", "none"] : dealFlags(options, deals);
  const args = ["worker", address, ...which, ...workerFlags, ...gpuFlags, ...logFlags];
  return new RoleProcess({ roleCommand, env, args });
}

function dealFlags(options: CompleteOptions, [deal, ...others]: readonly number[]): string[] {
  return others.length > 0 ? [] : ["--gpu-deal", `${deal}/${dealsOf(options).length}`];
}
