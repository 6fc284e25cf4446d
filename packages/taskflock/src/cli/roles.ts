// The commands that run until they are told to stop. A cluster starts several of them at once, and waits for them: what is not
// needed to read an ordinary command line is not loaded.

import type { SchedulerFlags } from "../roles/scheduler.ts";
import type { WorkerFlags } from "../roles/worker.ts";
import { type CommandLine, readFlags } from "./flag-table.ts";

/** Runs a role to its end; false when the command line is for commander: another command, help, or something is wrong with it. */
export async function runRole([command, ...args]: readonly string[]): Promise<boolean> {
  const role = command === "scheduler" ? schedulerRole : command === "worker" ? workerRole : null;
  return (await role?.(args)) ?? false;
}

async function schedulerRole(args: readonly string[]): Promise<boolean> {
  const { schedulerFlags } = await import("./scheduler-flags.ts");
  const line = readFlags(schedulerFlags, args);
  if (line === null || line.operands.length > 0) return false;
  await scheduleWith(line);
  return true;
}

async function workerRole(args: readonly string[]): Promise<boolean> {
  const { workerFlags } = await import("./worker-flags.ts");
  const line = readFlags(workerFlags, args);
  if (line === null || line.operands.length > 1) return false;
  await workWith(line);
  return true;
}

export async function scheduleWith({ flags }: CommandLine): Promise<void> {
  const { runScheduler } = await import("../roles/scheduler.ts");
  await runScheduler(flags as unknown as SchedulerFlags);
}

export async function workWith({ operands: [operand], flags }: CommandLine): Promise<void> {
  const { runWorkers } = await import("../roles/worker.ts");
  const { address = "127.0.0.1:8786" } = flags as { readonly address?: string };
  await runWorkers(operand ?? address, flags as unknown as WorkerFlags);
}
