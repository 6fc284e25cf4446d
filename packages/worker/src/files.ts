// Files that clients uploaded, on this worker's disk (slot/files.ts says how tasks find them). They lie in a numbered folder; when one is
// replaced or removed there is a next one, of links to the same files, and the one before stays for those who know its paths.
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { PARTIAL } from "./slot/files.ts";

export class WorkerFiles {
  readonly #root: string;
  readonly #makeRoot: () => void;
  /** Who put the file there, by its name: what came later stays. */
  readonly #owners: Map<string, number> = new Map();
  #folder = 0;

  /** `makeRoot` makes the folder above it, if it is not there. */
  constructor(root: string, makeRoot: () => void) {
    this.#root = root;
    this.#makeRoot = makeRoot;
  }

  /** Adds a part to a file that is on its way. Rejects with what the system says. */
  async append(serial: number, part: number, bytes: Uint8Array): Promise<void> {
    this.#begin();
    const path = this.#partial(serial);
    if (part === 0) rmSync(path, { force: true });
    await appendFile(path, bytes, { mode: 0o600 });
  }

  /** All of it is there: from now on tasks find it. Throws what the system says. */
  place(serial: number, name: string): void {
    const owner = this.#owners.get(name) ?? 0;
    if (owner > serial) {
      this.drop(serial);
      return;
    }
    if (owner > 0) this.#next(name, (folder) => renameSync(this.#partial(serial), join(folder, name)));
    else renameSync(this.#partial(serial), join(this.#path(this.#folder), name));
    this.#owners.set(name, serial);
  }

  /** It will not be completed. */
  drop(serial: number): void {
    rmSync(this.#partial(serial), { force: true });
  }

  remove(serial: number, name: string): void {
    this.drop(serial);
    if (this.#owners.get(name) !== serial) return; // another one has taken its place
    this.#owners.delete(name);
    this.#next(name, () => undefined);
  }

  #begin(): void {
    if (this.#folder > 0 && existsSync(this.#path(this.#folder))) return;
    this.#makeRoot();
    this.#folder = Math.max(1, this.#folder);
    mkdirSync(this.#path(this.#folder), { recursive: true, mode: 0o700 });
  }

  /** The next folder, with all files but this one; it is there at once, or not at all. */
  #next(without: string, add: (folder: string) => void): void {
    const building = join(this.#root, `${PARTIAL}next`);
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { mode: 0o700 });
    for (const name of this.#owners.keys()) {
      if (name !== without) link(join(this.#path(this.#folder), name), join(building, name));
    }
    add(building);
    renameSync(building, this.#path(this.#folder + 1));
    this.#folder++;
    rmSync(this.#path(this.#folder - 2), { recursive: true, force: true });
  }

  #path(folder: number): string {
    return join(this.#root, String(folder));
  }

  #partial(serial: number): string {
    return join(this.#root, `${PARTIAL}${serial}`);
  }
}

/** Not every file system has links. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
