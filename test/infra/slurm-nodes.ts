// Slurm with two virtual nodes on this machine, for tests: its own daemons, its own folder, its own ports.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { howToGet, installPackages, programPath } from "../../scripts/debian.mjs";

const execute = promisify(execFile);
const upScript = fileURLToPath(new URL("slurm-up.sh", import.meta.url));
const programs = ["sbatch", "squeue", "scancel", "scontrol", "slurmctld", "slurmd", "munged"];
const packages = ["slurm-wlm", "munge"];

/** Why there can be no Slurm here, in one line; null when there can. */
export async function whyNoSlurm(): Promise<string | null> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "Slurm's daemons need Linux and root";
  const missing = (): string | undefined => {
    const absent = programs.filter((program) => programPath(program) === undefined);
    return absent.length === 0 ? undefined : howToGet(absent.join(", "), packages);
  };
  const { skipped } = await installPackages(packages, missing());
  return skipped ?? missing() ?? null;
}

export class SlurmNodes {
  /** Where the nodes' state lies, and what they share. */
  readonly folder: string;
  /** What Slurm's programs need. */
  readonly env: Readonly<Record<string, string>>;

  /** Resolves when both nodes, n1 and n2, are idle: two cores, 4,000 MB and two GPUs (by its own word) each. */
  static async start(): Promise<SlurmNodes> {
    const nodes = new SlurmNodes(mkdtempSync(join(tmpdir(), "taskflock-slurm-")));
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    try {
      await execute("bash", [upScript, nodes.folder, ...ports.map(String)], { timeout: 60_000 });
      return nodes;
    } catch (error) {
      await nodes.stop();
      throw error;
    }
  }

  constructor(folder: string) {
    this.folder = folder;
    this.env = { SLURM_CONF: join(folder, "slurm.conf") };
  }

  async run(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(program, args, { env: { ...process.env, ...this.env } });
    return stdout.trim();
  }

  /** As when its power goes: all that runs there ends at once, and nobody tells Slurm. */
  lose(node: string): void {
    const here = processesOf(node, this.env["SLURM_CONF"] ?? "");
    const keepers = new Set(here.map(parentOf).filter((pid) => nameOf(pid) === "slurmstepd"));
    for (const pid of [this.#daemon(`slurmd-${node}.pid`), ...keepers, ...here]) kill(pid, "SIGKILL");
  }

  /** It comes back, empty. Resolves when Slurm has both nodes again. */
  async restore(node: string): Promise<void> {
    await this.run("slurmd", "-N", node);
    while (
      (await this.run("sinfo", "-h", "-N", "-p", "main", "-t", "idle,mix,alloc", "-o", "%N")).split("\n").length < 2
    )
      await new Promise((resolve) => setTimeout(resolve, 200));
  }

  async stop(): Promise<void> {
    for (const node of ["n1", "n2"]) this.lose(node);
    for (const file of ["slurmctld.pid", "munge/munged.pid"]) kill(this.#daemon(file), "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  #daemon(file: string): number {
    try {
      return Number(readFileSync(join(this.folder, file), "utf8"));
    } catch {
      return 0; // it never ran
    }
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** What Slurm started on the node, and what that started. */
function processesOf(node: string, conf: string): number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((pid) => {
    const variables = readProcess(pid, "environ").split("\0");
    return variables.includes(`SLURMD_NODENAME=${node}`) && variables.includes(`SLURM_CONF=${conf}`);
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readProcess(pid, "status"))?.[1] ?? 0);
}

function nameOf(pid: number): string {
  return readProcess(pid, "comm").trim();
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it ended
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
