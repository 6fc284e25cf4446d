// A scheduler and two workers of one thread, each a process of its own, as a person would start them. Under a nanny, as LocalCluster
// does; without, when somebody looks into the processes, because each needs an inspector of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { type Role, startRole } from "../test/system/processes.ts";

export interface BenchProcess {
  readonly name: string;
  readonly pid: number;
  readonly inspector: string | null;
}

export interface BenchCluster {
  readonly address: string;
  /** The status page's, http://…/status. */
  readonly dashboard: string;
  readonly processes: readonly BenchProcess[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Who gets an inspector. */
  readonly inspect: "nobody" | "scheduler" | "all";
}

const WORKERS = 2;
const quiet = ["--log-level", "warn"];

export async function startCluster({ inspect }: ClusterOptions): Promise<BenchCluster> {
  const roles: Role[] = [];
  const stop = async (): Promise<void> => {
    for (const role of roles.reverse()) await stopRole(role);
  };
  try {
    const ports = ["--port", "0", "--dashboard-port", "0"];
    const scheduler = await startRole(["scheduler", ...ports, ...quiet], { inspect: inspect !== "nobody" });
    roles.push(scheduler);
    const { address, dashboard } = scheduler.ready;
    const first = { name: "scheduler", pid: scheduler.child.pid ?? 0, inspector: scheduler.inspector };
    const workers = inspect === "all" ? await watchedWorkers(address, roles) : await nannyAndWorkers(address, roles);
    return { address, dashboard, processes: [first, ...workers], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function nannyAndWorkers(address: string, roles: Role[]): Promise<BenchProcess[]> {
  const role = await startRole(["worker", address, "--threads", "1", "--processes", String(WORKERS), ...quiet]);
  roles.push(role);
  const workers = role.ready.workers as readonly { readonly pid: number }[];
  return workers.map(({ pid }, index) => ({ name: `worker-${index + 1}`, pid, inspector: null }));
}

async function watchedWorkers(address: string, roles: Role[]): Promise<BenchProcess[]> {
  const workers: BenchProcess[] = [];
  for (let number = 1; number <= WORKERS; number++) {
    const name = `worker-${number}`;
    const args = ["worker", address, "--name", name, "--threads", "1", "--no-nanny", ...quiet];
    const role = await startRole(args, { inspect: true });
    roles.push(role);
    workers.push({ name, pid: role.child.pid ?? 0, inspector: role.inspector });
  }
  return workers;
}

/** Asked first, killed where that takes too long. */
async function stopRole(role: Role): Promise<void> {
  const stopped = role.stop();
  const late = await Promise.race([stopped.then(() => false), sleep(5_000, true, { ref: false })]);
  if (late) role.child.kill("SIGKILL");
  await stopped;
}
