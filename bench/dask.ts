// `npm run bench:dask [-- WORKLOAD …] [--repeats N]`: Dask and ours in turn, at the same sizes, as a table of ratios beside what was
// promised. A run of all workloads writes the table of docs/benchmarks.md.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import { costsTable, otherTable, promisesTable, writeBetweenMarks } from "./report.ts";
import type { Line } from "./row.ts";
import { rows } from "./rows.ts";
import { text } from "./text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = join(root, "bench/dask/run.py");
const HOW_TO_GET_IT =
  "bench:dask needs Dask and scikit-learn for Python: on Debian or Ubuntu `apt-get install python3-distributed python3-sklearn python3-joblib python3-psutil`, " +
  "elsewhere `pip install distributed scikit-learn joblib psutil`; BENCH_PYTHON names another Python.";

/** What Dask runs for each of our workloads. */
const counterparts: Readonly<Record<string, readonly string[]>> = {
  "digits-grid-search": ["digits-n-jobs-2", "digits-grid-search"],
  ...Object.fromEntries(
    ["scaling", "submit-functions", "map-closure-50000", "import-time"].map((workload) => [workload, []]),
  ),
};
const textOf: Readonly<Record<string, number>> = { "word-count-3.3mb": 3.3, "word-count-330mb": 330 };

interface Versions {
  readonly dask: string;
  readonly sklearn: string;
  readonly python: string;
}

function findPython(): [python: string, versions: Versions] | null {
  const candidates = [process.env["BENCH_PYTHON"], "python3", "/usr/bin/python3"];
  for (const python of candidates) {
    if (python === undefined) continue;
    try {
      return [python, JSON.parse(runPython(python, ["versions"]))];
    } catch {
      // Another may have it.
    }
  }
  return null;
}

function runPython(python: string, args: readonly string[]): string {
  return execFileSync(python, [program, ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", args[0] === "versions" ? "ignore" : "inherit"],
  });
}

function runDask(python: string, workload: string, repeats: number): Line {
  const args = [workload, "--repeats", String(Math.min(repeats, workload === "word-count-330mb" ? 2 : repeats))];
  const megabytes = textOf[workload];
  if (megabytes !== undefined) args.push("--text", `${text(megabytes).path}.json`);
  if (workload.startsWith("digits")) args.push("--reference", "test/data/digits-svc-grid.json");
  const lines = runPython(python, args).trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "");
}

function headline({ dask, sklearn, python }: Versions, repeats: number, minutes: number): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  const date = new Date().toISOString().slice(0, 10);
  return [
    `${date}, commit ${commit}: \`npm run bench:dask -- --repeats ${repeats}\`, ${minutes.toFixed(0)} minutes, everything in this one run.`,
    `${machine["cores"]} cores (${machine["cpu"]}), ${memory}, ${machine["platform"]}; Node ${process.version}; ` +
      `Dask ${dask} with worker-saturation inf, scikit-learn ${sklearn}, Python ${python}. Medians, and ranges in brackets.`,
  ].join("\n");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { repeats: { type: "string", default: "3" } },
  });
  const repeats = Number(values.repeats);
  const unknown = positionals.filter((name) => !(name in rows));
  if (unknown.length > 0 || !(repeats >= 1)) {
    process.stderr.write(
      `usage: npm run bench:dask [-- WORKLOAD …] [--repeats N]\nworkloads: ${Object.keys(rows).join(", ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const found = findPython();
  if (found === null) {
    process.stderr.write(`${HOW_TO_GET_IT}\n`);
    process.exitCode = 1;
    return;
  }
  const [python, versions] = found;
  const [ours, dask] = [new Map<string, Line>(), new Map<string, Line>()];
  const started = performance.now();
  for (const [workload, row] of Object.entries(rows)) {
    if (positionals.length > 0 && !positionals.includes(workload)) continue;
    for (const counterpart of counterparts[workload] ?? [workload]) {
      process.stderr.write(`${counterpart}: Dask …\n`);
      dask.set(counterpart, runDask(python, counterpart, repeats));
    }
    process.stderr.write(`${workload}: Taskflock …\n`);
    ours.set(workload, await row({ repeats, profile: null }));
  }
  const minutes = (performance.now() - started) / 60_000;
  mkdirSync(join(root, ".cache/bench"), { recursive: true });
  writeFileSync(
    join(root, ".cache/bench/last.json"),
    JSON.stringify({ ours: [...ours.values()], dask: [...dask.values()] }),
  );
  const page = [
    headline(versions, repeats, minutes),
    promisesTable(ours, dask),
    "What no promise is about:",
    otherTable(ours),
    "What each process of ours spent, in the median:",
    costsTable(ours),
  ].join("\n\n");
  process.stdout.write(`${page}\n`);
  if (positionals.length === 0) writeBetweenMarks(join(root, "docs/benchmarks.md"), page);
}

await main();
