// The cluster's processes: a scheduler, and workers under nannies, each of which can be replaced.

import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Client, WorkerInfo } from "taskflock";
import { Random } from "../simulation/random.ts";
import { type Role, startRole } from "../system/processes.ts";
import type { Journal } from "./journal.ts";
import { ELDER } from "./messages.ts";

/** A nanny and its worker. */
export interface Pen {
  /** The worker's name. */
  readonly name: string;
  readonly nanny: Role;
  /** Its worker has itself replaced, at any time. */
  readonly isShortLived: boolean;
  /** The program ends it: that it goes is no surprise. */
  isGoing: boolean;
}

/** Results beyond some 40 MB go to files, so that they take part. */
const WORKER_FLAGS = [
  ...["--threads", "2", "--memory-limit", "1GiB", "--memory-target", "0.04", "--resources", "licence=1"],
  ...["--log-level", "error"],
];

export class Flock {
  readonly scheduler: Role;
  readonly #folder: string;
  readonly #seed: number;
  readonly #journal: Journal;
  readonly #pens: Map<string, Pen> = new Map();
  #started = 0;
  #isClosing = false;

  static async start(folder: string, record: string, seed: number, journal: Journal): Promise<Flock> {
    const scheduler = await startRole(
      [
        ...["scheduler", "--port", "0", "--dashboard-port", "0", "--log-level", "error", "--record", record],
        ...["--token-file", join(folder, "token"), "--session-reconnect", "3s"],
      ],
      { inspect: true, env: { TMPDIR: folder } },
    );
    return new Flock(scheduler, folder, seed, journal);
  }

  private constructor(scheduler: Role, folder: string, seed: number, journal: Journal) {
    this.#seed = seed;
    this.scheduler = scheduler;
    this.#folder = folder;
    this.#journal = journal;
    scheduler.child.once("exit", (code, signal) => {
      if (!this.#isClosing)
        journal.wrong(`the scheduler ended (${signal ?? code}):\n${scheduler.stderr().slice(-4_000)}`);
    });
  }

  get pens(): readonly Pen[] {
    return [...this.#pens.values()];
  }

  get address(): string {
    return this.scheduler.ready.address;
  }

  /** Starts a nanny; its worker joins soon after. */
  async add(name = `worker-${++this.#started}`): Promise<Pen> {
    const spill = join(this.#folder, "spill");
    mkdirSync(spill, { recursive: true });
    const special = this.#special(name);
    const nanny = await startRole(
      [
        ...["worker", this.address, "--name", name, "--token-file", join(this.#folder, "token")],
        ...[...WORKER_FLAGS, "--spill-directory", spill, ...special],
      ],
      // The inspector opens only in a worker that gets SIGUSR1.
      { env: { TMPDIR: this.#folder, NODE_OPTIONS: "--inspect-port=127.0.0.1:0" } },
    );
    const pen: Pen = { name, nanny, isShortLived: special.includes("--lifetime"), isGoing: false };
    if (this.#isClosing) {
      await leave(nanny, true);
      return pen;
    }
    this.#pens.set(name, pen);
    nanny.child.once("exit", (code, signal) => this.#ended(pen, signal ?? code));
    return pen;
  }

  /** Some cannot be reached by others; some have themselves replaced. */
  #special(name: string): readonly string[] {
    if (name === ELDER) return [];
    const random = new Random(this.#seed * 1_000 + this.#started);
    if (random.chance(0.2)) return ["--relay", "always"];
    return random.chance(0.2) ? ["--lifetime", "15s", "--lifetime-stagger", "10s", "--lifetime-restart"] : [];
  }

  /** The inspector of a nanny's worker, which is opened. */
  async inspectorOf({ nanny, name }: Pen, pid: number): Promise<string> {
    process.kill(pid, "SIGUSR1");
    for (let look = 0; look < 600; look++) {
      const [, address] = /Debugger listening on (ws:\S+)/.exec(nanny.stderr()) ?? [];
      if (address !== undefined) return address;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the inspector of ${name} did not open`);
  }

  async end(pen: Pen): Promise<void> {
    pen.isGoing = true;
    if (isAlive(pen)) await once(pen.nanny.child, "exit");
    this.#pens.delete(pen.name);
  }

  /** Ends all processes: workers retire; or, in a hurry, whatever they do. */
  async close(isHurried: boolean): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.pens.map(({ nanny }) => leave(nanny, isHurried)));
    await leave(this.scheduler, isHurried);
  }

  #ended(pen: Pen, how: string | number | null): void {
    if (pen.isGoing || this.#isClosing) return;
    this.#journal.wrong(`the nanny of ${pen.name} ended by itself (${how}):\n${pen.nanny.stderr().slice(-4_000)}`);
    this.#pens.delete(pen.name);
  }
}

const LEAVE_MS = 60_000;

/** Nobody is left behind: a nanny that sees the end of its stdin kills its worker. */
async function leave({ child, stop }: Role, isHurried: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill("SIGKILL"), LEAVE_MS);
  const exited = once(child, "exit");
  if (isHurried) child.stdin?.end();
  else void stop();
  await exited;
  clearTimeout(late);
}

export function isAlive({ nanny }: Pen): boolean {
  return nanny.child.exitCode === null && nanny.child.signalCode === null;
}

/** The worker of this name that is there now. */
export async function workerOf(client: Client, name: string): Promise<WorkerInfo | undefined> {
  return (await client.workers()).find((worker) => worker.name === name);
}
