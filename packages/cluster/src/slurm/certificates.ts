// The cluster's certificates. Keys lie on this machine alone; nodes get the authority's certificate by the shared folder.

import { execFile } from "node:child_process";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { FlockError } from "@taskflock/client";
import type { RoleCommand } from "../options.ts";

export interface CertificatesStart {
  readonly roleCommand: RoleCommand;
  readonly env: NodeJS.ProcessEnv;
  /** Where people come by, beside what every certificate of a scheduler is for. */
  readonly hosts: readonly string[];
}

export class Certificates {
  readonly #folder: string;

  /**
   * By the command line, as somebody would by hand. What clusters left here whose processes were killed goes. Rejects with
   * FLOCK_CLUSTER_START.
   */
  static async make({ roleCommand, env, hosts }: CertificatesStart): Promise<Certificates> {
    await removeStale();
    const folder = await mkdtemp(join(tmpdir(), `${prefix()}${process.pid}-`));
    const certificates = new Certificates(folder);
    const args = [...roleCommand.args, "certs", "init", folder, "--host", hosts.join(",")];
    try {
      await promisify(execFile)(roleCommand.command, args, { env });
      // Nothing will be renewed.
      await rm(join(folder, "ca-key.pem"));
      return certificates;
    } catch (cause) {
      await certificates.remove();
      const { stderr, message } = cause as Error & { readonly stderr?: string };
      throw new FlockError("FLOCK_CLUSTER_START", `No certificates were made:\n${stderr?.trim() || message}`, {
        cause,
      });
    }
  }

  constructor(folder: string) {
    this.#folder = folder;
  }

  get authority(): string {
    return join(this.#folder, "ca.pem");
  }

  get schedulerFlags(): readonly string[] {
    return ["--tls-cert", join(this.#folder, "scheduler.pem"), "--tls-key", join(this.#folder, "scheduler-key.pem")];
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** With the machine's name: containers may share the folder, and count their processes on their own. */
const prefix = (): string => `taskflock-certificates-${hostname().replace(/[^\w.-]/g, "_")}-`;

/** This user's, of processes of this machine that are gone. */
async function removeStale(): Promise<void> {
  const parent = tmpdir();
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = name.startsWith(prefix()) ? /^(\d+)-\w+$/.exec(name.slice(prefix().length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(parent, name);
    const found = await lstat(path).catch(() => null);
    if (found?.isDirectory() !== true || found.uid !== (process.getuid?.() ?? found.uid)) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined); // the next one tries again
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // others' processes may not be signalled
  }
}
