// The folder of a cluster's certificates: what lies where, and how it gets there.

import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";

/** What `taskflock certs init` makes in its folder. */
export const FILES = {
  /** Certificates of authorities, the one that signs first. Not secret: everything that connects has it. */
  authority: "ca.pem",
  /** Signs certificates, so it is needed only to renew. */
  authorityKey: "ca-key.pem",
  scheduler: "scheduler.pem",
  schedulerKey: "scheduler-key.pem",
} as const;

export type FileRole = keyof typeof FILES;

export class CertificateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  at(role: FileRole): string {
    return join(this.path, FILES[role]);
  }

  /** Null where there is none. Rejects with FLOCK_CERTS_UNREADABLE. */
  async read(role: FileRole): Promise<string | null> {
    return readOrNull(this.at(role));
  }

  /** At once or not at all: who reads meanwhile gets the old one. Keys are for their owner alone. */
  async write(role: FileRole, text: string): Promise<void> {
    const file = this.at(role);
    const unfinished = `${file}.${randomBytes(6).toString("hex")}.tmp`;
    const mode = role.endsWith("Key") ? 0o600 : 0o644;
    try {
      await mkdir(this.path, { recursive: true });
      const handle = await open(unfinished, "wx", mode);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, file);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw new FlockError("FLOCK_CERTS_UNREADABLE", `${file} cannot be written: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }
}

export async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new FlockError("FLOCK_CERTS_UNREADABLE", `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}
