// Processes that outlive the program.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 60_000;

/**
 * Command lines of processes that were started with this folder as TMPDIR, directly or not, and do not end. Only Linux tells; elsewhere
 * there are none.
 */
export async function processesOf(folder: string): Promise<readonly string[]> {
  for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; await sleep(200)) {
    if (running(folder).length === 0) return [];
  }
  return running(folder);
}

function running(folder: string): readonly string[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => read(pid, "environ").includes(`TMPDIR=${folder}`)).map(described);
}

function described(pid: string): string {
  return `process ${pid} is left: ${read(pid, "cmdline").replaceAll("\0", " ").trim()}`;
}

/** "" when it is gone, has become a zombie, or is somebody else's. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
