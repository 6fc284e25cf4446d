// CPU time and memory of other processes, and summaries of repeated runs.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessFigures {
  /** User and system time, µs. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** Reads what the operating system accounts to a process; CPU time in steps of 10 ms on Linux. */
export function figuresOf(pid: number): ProcessFigures {
  if (process.platform === "linux") {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { cpuUs: (Number(fields[11]) + Number(fields[12])) * 10_000, rssBytes: Number(fields[21]) * 4096 };
  }
  const [rss = "0", time = "0:0"] = execFileSync("ps", ["-o", "rss=,time=", "-p", String(pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/);
  const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuUs: seconds * 1e6, rssBytes: Number(rss) * 1024 };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the given part of the sample lies (nearest rank). */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function spread(values: readonly number[], digits = 1): { median: number; min: number; max: number } {
  const round = (value: number): number => Number(value.toFixed(digits));
  return { median: round(median(values)), min: round(Math.min(...values)), max: round(Math.max(...values)) };
}
