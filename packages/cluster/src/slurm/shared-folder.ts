// The cluster's folder on the file system that nodes see, too: the token with which workers join, whom to trust, and what its jobs print.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FlockError } from "@taskflock/client";

const TAIL_CHARACTERS = 2_000;

export class SharedFolder {
  readonly path: string;

  /** With a copy of the authority's certificate, where there is one. Rejects with FLOCK_CLUSTER_START when it cannot be made. */
  static async make(
    parent: string,
    name: string,
    workerToken: string,
    authority: string | null,
  ): Promise<SharedFolder> {
    const folder = new SharedFolder(join(parent, name));
    try {
      await mkdir(folder.path, { recursive: true, mode: 0o700 });
      await writeFile(folder.tokenFile, `${workerToken}\n`, { mode: 0o600, flag: "wx" });
      if (authority !== null) await copyFile(authority, folder.authority);
      return folder;
    } catch (cause) {
      await folder.remove();
      const message = `The folder that nodes and this machine share cannot be written: ${parent} (${(cause as Error).message}). Name another: sharedDirectory.`;
      throw new FlockError("FLOCK_CLUSTER_START", message, { cause });
    }
  }

  constructor(path: string) {
    this.path = path;
  }

  /** Tasks can read it: it is not the cluster's own, which may everything. */
  get tokenFile(): string {
    return join(this.path, "token");
  }

  /** The certificate that all trust. */
  get authority(): string {
    return join(this.path, "ca.pem");
  }

  /** Where Slurm is to write what each task of an array prints. */
  get output(): string {
    return join(this.path, "%A_%a.log");
  }

  /** What a task printed last; null when Slurm has written nothing here. */
  async tail(jobId: string, index: number): Promise<string | null> {
    const printed = await readFile(join(this.path, `${jobId}_${index}.log`), "utf8").catch(() => null);
    return printed === null ? null : printed.slice(-TAIL_CHARACTERS).trim();
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}
