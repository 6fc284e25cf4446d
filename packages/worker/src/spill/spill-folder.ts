// Where a worker's results lie as files. Its folder is made when the first file is written, and says whose it is: of which machine
// (and, in a container, of which container), which process, which life of that process. So the next worker here knows what nobody
// uses any more.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statfsSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "taskflock-spill";
const TMPFS = 0x01021994;

export class SpillFolder {
  readonly path: string;
  #made = false;
  readonly #removeNow = (): void => removeFolder(this.path);

  /** `directory`: where the folder is made. `incarnation`: random, so that nobody can guess the folder and be there before. */
  constructor(directory: string, incarnation: string) {
    this.path = join(directory, `${PREFIX}-${machineId()}-${process.pid}-${incarnation}`);
  }

  fileOf(serial: number): string {
    return join(this.path, String(serial));
  }

  /** Before a file is written. Throws what the system says. */
  make(): void {
    if (this.#made && existsSync(this.path)) return;
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    if (!this.#made) process.once("exit", this.#removeNow);
    this.#made = true;
  }

  remove(): void {
    process.off("exit", this.#removeNow);
    if (this.#made) this.#removeNow();
  }
}

/** The system's folder for such files; where that lies in memory, the one for those that stay longer. */
export function defaultSpillDirectory(): string {
  const usual = tmpdir();
  return isInMemory(usual) && existsSync("/var/tmp") && !isInMemory("/var/tmp") ? "/var/tmp" : usual;
}

function isInMemory(path: string): boolean {
  try {
    return process.platform === "linux" && statfsSync(path).type === TMPFS;
  } catch {
    return false;
  }
}

/** For the nanny of a worker that could not do it itself. */
export function removeSpillFolder(directory: string, incarnation: string): void {
  for (const name of foldersIn(directory)) if (name.endsWith(`-${incarnation}`)) removeFolder(join(directory, name));
}

/** Folders of workers of this machine whose process is gone. */
export function removeStaleFolders(directory: string): string[] {
  const own = `${PREFIX}-${machineId()}-`;
  const stale = foldersIn(directory).filter((name) => {
    const pid = /^\d+/.exec(name.slice(own.length))?.[0];
    return name.startsWith(own) && pid !== undefined && !isAlive(Number(pid));
  });
  for (const name of stale) removeFolder(join(directory, name));
  return stale;
}

function foldersIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.startsWith(`${PREFIX}-`));
  } catch {
    return []; // it is not there, so nothing is in it
  }
}

function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Somebody else's, or open files where such cannot be removed: the next worker tries again.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // one that may not be signalled lives
  }
}

/** A process's number means something only among those of its container. */
function machineId(): string {
  let processes = "";
  try {
    processes = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: the machine's name says it all.
  }
  return createHash("sha256").update(`${hostname()} ${processes}`).digest("hex").slice(0, 8);
}
