import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Resident memory of a process and its children (process slots), bytes; null when the process is gone. */
export async function residentBytes(pid: number): Promise<number | null> {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<number | null> {
  const own = await residentOf(pid);
  if (own === null) return null;
  const children = await read(`/proc/${pid}/task/${pid}/children`);
  const others = await Promise.all(
    (children ?? "")
      .split(" ")
      .filter(Boolean)
      .map((child) => residentOf(Number(child))),
  );
  return others.reduce((sum: number, bytes) => sum + (bytes ?? 0), own);
}

async function residentOf(pid: number): Promise<number | null> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec((await read(`/proc/${pid}/status`)) ?? "")?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null; // the process ended
  }
}

/** macOS and the BSDs: `ps` lists every process with its parent, KiB. */
async function fromPs(pid: number): Promise<number | null> {
  try {
    const { stdout } = await run("ps", ["-axo", "pid=,ppid=,rss="]);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    const own = rows.filter(([process, parent]) => process === pid || parent === pid);
    return own.some(([process]) => process === pid) ? own.reduce((sum, row) => sum + (row[2] ?? 0) * 1024, 0) : null;
  } catch {
    return null;
  }
}

/** E.g. "1.2 GiB". */
export function shownBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`;
}
