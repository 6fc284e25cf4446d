// Slurm's own programs, and what they say when they do not do what they are asked.

import { spawn } from "node:child_process";
import { FlockError } from "@taskflock/client";
import { parseQueue, QUEUE_FORMAT, type QueueRow } from "./queue.ts";

/** A controller that answers later than that is taken for one that does not, milliseconds. */
const PATIENCE_MS = 60_000;

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The jobs of one cluster, which have a name that nothing else has. */
export class SlurmCommands {
  readonly #env: NodeJS.ProcessEnv;
  readonly #jobName: string;

  constructor(jobName: string, env: NodeJS.ProcessEnv) {
    this.#jobName = jobName;
    this.#env = env;
  }

  /** The number of the job. Rejects with FLOCK_SLURM_MISSING and FLOCK_SLURM_REFUSED. */
  async submit(script: string): Promise<string> {
    const { code, stdout, stderr } = await run("sbatch", ["--parsable"], this.#env, script);
    const jobId = /^(\d+)/m.exec(stdout)?.[1];
    if (code === 0 && jobId !== undefined) return jobId;
    throw new FlockError("FLOCK_SLURM_REFUSED", `Slurm refused the workers' job. It said: ${said(stdout, stderr)}`);
  }

  /** Rejects with FLOCK_SLURM_MISSING and FLOCK_SLURM_FAILED. */
  async queue(): Promise<QueueRow[]> {
    const args = ["--noheader", "--array", `--name=${this.#jobName}`, `--format=${QUEUE_FORMAT}`];
    return parseQueue(await this.#must("squeue", args));
  }

  /** Ends all jobs of the cluster, whatever they do. */
  async cancelAll(): Promise<void> {
    await this.#must("scancel", [`--name=${this.#jobName}`]);
  }

  /** Ends those of the tasks; `onlyPending` spares those that began to run in the meantime. */
  async cancel(tasks: readonly QueueTask[], { onlyPending }: { readonly onlyPending: boolean }): Promise<void> {
    if (tasks.length === 0) return;
    const ids = tasks.map(({ jobId, index }) => `${jobId}_${index}`);
    await this.#must("scancel", [...(onlyPending ? ["--state=PENDING"] : []), ...ids]);
  }

  async #must(program: string, args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(program, args, this.#env);
    if (code === 0) return stdout;
    throw new FlockError("FLOCK_SLURM_FAILED", `${program} failed (exit code ${code}): ${said(stdout, stderr)}`);
  }
}

export type QueueTask = Pick<QueueRow, "jobId" | "index">;

function said(stdout: string, stderr: string): string {
  return `${stderr}\n${stdout}`.trim() || "nothing";
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ""): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE_MS });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const absent = cause.code === "ENOENT";
      const message = absent
        ? `This machine has no ${program}: a SlurmCluster is started where jobs can be submitted, such as a login node, with Slurm's programs in PATH.`
        : `${program} could not be started: ${cause.message}`;
      reject(new FlockError(absent ? "FLOCK_SLURM_MISSING" : "FLOCK_SLURM_FAILED", message, { cause }));
    });
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined); // it may end without reading
    child.stdin.end(input);
  });
}
