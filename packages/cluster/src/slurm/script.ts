// The script of a job array whose every task is one worker. Pure: what it is made of is given.

import { shellQuoted } from "../shell-quoted.ts";

export interface JobScript {
  /** Slurm's name of the job. */
  readonly jobName: string;
  /** Tasks of the array, and so workers. */
  readonly count: number;
  /** Lines of `#SBATCH` without that word, such as "--partition=gpu". */
  readonly directives: readonly string[];
  /** Where the output of each task goes; Slurm replaces %A and %a. */
  readonly output: string;
  /** Lines of shell that run before the worker, such as "module load nodejs". */
  readonly prologue: readonly string[];
  /** What starts the command line on a node. */
  readonly command: readonly string[];
  /** Flags of the worker, but for its name, its address, and its host. */
  readonly flags: readonly string[];
  /** The scheduler, as host:port. */
  readonly address: string;
  /** Where others reach the worker; null: the node's name, or what the prologue exports as TASKFLOCK_WORKER_HOST. */
  readonly workerHost: string | null;
}

/** So long before the end of its time Slurm tells a worker to retire, seconds. Slurm may do so up to a minute earlier. */
export const NOTICE_S = 60;

/** What sbatch takes on stdin. It holds no secret: Slurm keeps scripts, and shows them to administrators. */
export function jobScript(job: JobScript): string {
  const directives = [
    `--job-name=${job.jobName}`,
    `--array=0-${job.count - 1}`,
    "--nodes=1",
    "--ntasks=1",
    // To the batch shell only, which `exec` makes the worker's nanny: the nanny tells its worker, once.
    `--signal=B:TERM@${NOTICE_S}`,
    // The cluster replaces what is lost itself, under another name.
    "--no-requeue",
    `--output=${directiveValue(job.output)}`,
    ...job.directives,
  ];
  const lines = ["#!/bin/bash", ...directives.map((directive) => `#SBATCH ${directive}`), ...job.prologue];
  return `${[...lines, `exec ${workerCommand(job)}`].join("\n")}\n`;
}

function workerCommand({ command, flags, address, workerHost }: JobScript): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
  const host = workerHost === null ? '"${TASKFLOCK_WORKER_HOST:-$SLURMD_NODENAME}"' : shellQuoted(workerHost);
  const name = `"${workerName("$SLURM_ARRAY_JOB_ID", "$SLURM_ARRAY_TASK_ID")}"`;
  const words = [...command, "worker", address].map(shellQuoted);
  return [...words, "--name", name, "--host", host, ...flags.map(shellQuoted)].join(" ");
}

/** The name of the worker that an array's task runs. */
export function workerName(jobId: string, index: string | number): string {
  return `slurm-${jobId}-${index}`;
}

/** Slurm's own reader of directives takes double quotes around what has blanks. */
function directiveValue(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}
