// What the operating system accounts to a process: read from outside, so that reading costs the process nothing.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const linux = process.platform === "linux";

/** User and system time so far, µs. NaN when there is no such process any more. */
export function cpuUsOf(pid: number): number {
  try {
    return linux ? schedulerUs(pid) : clockUs(ps(pid, "time"));
  } catch {
    return Number.NaN;
  }
}

/** Largest resident memory so far, bytes; where the system does not say that, the present one. NaN as above. */
export function peakBytesOf(pid: number): number {
  try {
    return linux ? statusBytes(pid, "VmHWM") : Number(ps(pid, "rss")) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** Resident memory now, bytes. */
export function residentBytesOf(pid: number): number {
  return linux ? statusBytes(pid, "VmRSS") : Number(ps(pid, "rss")) * 1024;
}

/** What Linux's scheduler has counted for each thread: nanoseconds, where the usual figures come in steps of 10 ms. */
function schedulerUs(pid: number): number {
  let us = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    us += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1000;
  }
  return us;
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
}

function ps(pid: number, column: string): string {
  return execFileSync("ps", ["-o", `${column}=`, "-p", String(pid)], { encoding: "utf8" }).trim();
}

/** `[[days-]hours:]minutes:seconds`. */
function clockUs(time: string): number {
  const [clock = "0", days = "0"] = time.split("-").reverse();
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1e6;
}
