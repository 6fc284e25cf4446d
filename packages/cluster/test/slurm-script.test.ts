import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { shellQuoted } from "../src/shell-quoted.ts";
import { completeSlurmOptions, reachableHost, type SlurmClusterOptions } from "../src/slurm/options.ts";
import { type JobScript, jobScript } from "../src/slurm/script.ts";

const job: JobScript = {
  jobName: "taskflock-1a2b",
  count: 4,
  directives: ["--cpus-per-task=2", "--partition=gpu"],
  output: "/shared/it/%A_%a.log",
  prologue: ["module load nodejs"],
  command: ["node", "cli.js"],
  flags: ["--threads", "2"],
  address: "10.0.0.1:8786",
  workerHost: null,
};

const roleCommand = { command: "node", args: ["cli.js"] };
const complete = (options: Partial<SlurmClusterOptions>) => completeSlurmOptions({ roleCommand, ...options });

test("the whole script of an array", () => {
  expect(jobScript(job)).toBe(`#!/bin/bash
#SBATCH --job-name=taskflock-1a2b
#SBATCH --array=0-3
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --signal=B:TERM@60
#SBATCH --no-requeue
#SBATCH --output=/shared/it/%A_%a.log
#SBATCH --cpus-per-task=2
#SBATCH --partition=gpu
module load nodejs
exec node cli.js worker 10.0.0.1:8786 --name "slurm-$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID" --host "\${TASKFLOCK_WORKER_HOST:-$SLURMD_NODENAME}" --threads 2
`);
});

describe("a shell runs it", () => {
  const folder = mkdtempSync(join(tmpdir(), "slurm script-"));
  const asSlurmWould = { SLURM_ARRAY_JOB_ID: "17", SLURM_ARRAY_TASK_ID: "3", SLURMD_NODENAME: "node5" };

  /** The words that the command line gets. */
  function words(parts: Partial<JobScript>): string[] {
    const file = join(folder, "job.sh");
    const print = ["-e", "console.log(JSON.stringify(process.argv.slice(1)))", "--"];
    writeFileSync(file, jobScript({ ...job, command: [process.execPath, ...print], prologue: [], ...parts }));
    return JSON.parse(execFileSync("bash", [file], { env: asSlurmWould, encoding: "utf8" })) as string[];
  }

  test("and gives the worker its name, its node's name, and each flag as it is", () => {
    const odd = ["--preload", 'it\'s $HOME `id` "x"; y/setup.mjs'];
    const got = words({ flags: odd });
    expect(got).toEqual(["worker", "10.0.0.1:8786", "--name", "slurm-17-3", "--host", "node5", ...odd]);
  });

  test("whose prologue says where the worker is reached, unless the options do", () => {
    const prologue = ["export TASKFLOCK_WORKER_HOST=10.1.1.5"];
    expect(words({ prologue })).toContain("10.1.1.5");
    expect(words({ prologue, workerHost: "10.2.2.2" })).toContain("10.2.2.2");
    rmSync(folder, { recursive: true });
  });
});

test("a folder with blanks is quoted for Slurm's reader", () => {
  expect(jobScript({ ...job, output: "/a b/%A_%a.log" })).toContain('#SBATCH --output="/a b/%A_%a.log"\n');
});

test("words that need no quotes get none", () => {
  expect(["a-b_c.d/e:f,g=h", "", "a b", "don't"].map(shellQuoted)).toEqual([
    "a-b_c.d/e:f,g=h",
    "''",
    "'a b'",
    "'don'\\''t'",
  ]);
});

test("options become Slurm's directives and the worker's flags", () => {
  const options = complete({
    ...{ host: "10.0.0.1", cores: 4, memory: "8GiB", gpus: 2, gpuType: "a100", partition: "gpu", account: "lab" },
    ...{ walltime: "1-12:00:00", directives: ["--constraint=skylake"], resources: { licence: 1 } },
  });
  expect(options.directives).toEqual([
    ...["--cpus-per-task=4", "--mem=8192M", "--gres=gpu:a100:2", "--partition=gpu", "--account=lab"],
    ...["--time=1-12:00:00", "--constraint=skylake"],
  ]);
  const flags = options.workerFlags.join(" ");
  for (const part of ["--threads 4", "--gpus 2", "--resources licence=1"]) expect(flags).toContain(part);
  // A tenth of what Slurm allows is not the worker's.
  expect(flags).toContain(`--memory-limit ${Math.floor(8 * 1024 ** 3 * 0.9)}`);
  expect(options.resources).toEqual({ licence: 1, GPU: 2 });
  expect(options.workerHost).toBeNull();
  expect(complete({ host: "127.0.0.1" }).workerHost).toBe("127.0.0.1");
  expect([options.isSecure, options.schedulerFlags.includes("--insecure")]).toEqual([true, false]);
  const trusting = complete({ host: "10.0.0.1", insecure: true });
  expect([trusting.isSecure, trusting.schedulerFlags.includes("--insecure")]).toEqual([false, true]);
});

test.each([
  [{ walltime: "two hours" }],
  [{ partition: "gpu\n#SBATCH --uid=0" }],
  [{ directives: ["constraint=x"] }],
  [{ directives: ["--a\n--b"] }],
  [{ prologue: ["a\nb"] }],
  [{ memory: "much" }],
  [{ sharedDirectory: 'a"b' }],
  [{ cores: 0 }],
])("%j is refused", (options) => {
  expect(() => complete(options)).toThrow(expect.objectContaining({ code: "FLOCK_OPTION_INVALID" }));
});

test("nodes reach the first address that is not loopback", () => {
  const address = (address: string, family: "IPv4" | "IPv6", internal: boolean) => {
    const rest = { netmask: "", mac: "", cidr: null };
    return family === "IPv4"
      ? { address, family, internal, ...rest }
      : { address, family, internal, scopeid: 0, ...rest };
  };
  const lo = [address("127.0.0.1", "IPv4", true)];
  const eth0 = [address("fd00::2", "IPv6", false), address("10.0.0.7", "IPv4", false)];
  expect(reachableHost({ lo, eth0 })).toBe("10.0.0.7");
  expect(reachableHost({ lo })).toBe("127.0.0.1");
});
