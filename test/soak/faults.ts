// What is done to workers and clients while they work, in an order that the seed gives.

import { setTimeout as sleep } from "node:timers/promises";
import { type Client, isFlockError } from "taskflock";
import type { Random } from "../simulation/random.ts";
import type { Crew } from "./crew.ts";
import { type Flock, isAlive, type Pen, workerOf } from "./flock.ts";
import type { Journal } from "./journal.ts";
import { ELDER } from "./messages.ts";
import { weighted } from "./weighted.ts";

type Kind =
  | "kill worker"
  | "kill nanny"
  | "retire"
  | "restart"
  | "SIGTERM nanny"
  | "SIGTERM worker"
  | "stop"
  | "long stop"
  | "kill client"
  | "rebalance";

/** An end of a worker, by its name. Without notice, what it alone held is lost; milliseconds since 1970. */
interface Hit {
  readonly name: string;
  readonly at: number;
  readonly isAbrupt: boolean;
}

const weights: ReadonlyArray<readonly [weight: number, kind: Kind]> = [
  [6, "kill worker"],
  [3, "kill nanny"],
  [3, "retire"],
  [2, "restart"],
  [1, "SIGTERM nanny"],
  [1, "SIGTERM worker"],
  [4, "stop"],
  [2, "kill client"],
  [1, "rebalance"],
];

/** What was done has its effect in so long, on a slow machine too; else it never has. */
const PATIENCE_MS = 180_000;
/** A nanny gives up a worker that dies 5 times in a row soon after its start. */
const MAX_KILLS = 3;

export class Faults {
  readonly hits: Hit[] = [];
  readonly counts: Map<Kind, number> = new Map();
  recoveries = 0;
  readonly #flock: Flock;
  readonly #crew: Crew;
  readonly #client: Client;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #isLong: boolean;
  readonly #underWay: Set<Promise<void>> = new Set();
  readonly #touched: Set<Pen> = new Set();
  readonly #stopped: Set<number> = new Set();
  readonly #kills: Map<Pen, number> = new Map();

  constructor(parts: {
    readonly flock: Flock;
    readonly crew: Crew;
    readonly client: Client;
    readonly journal: Journal;
    readonly random: Random;
    /** Also faults that take more than half a minute. */
    readonly isLong: boolean;
  }) {
    this.#flock = parts.flock;
    this.#crew = parts.crew;
    this.#client = parts.client;
    this.#journal = parts.journal;
    this.#random = parts.random;
    this.#isLong = parts.isLong;
  }

  /** Until the signal; resolves when all is as many as before. */
  async play(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [pause, kind, choice, length] = [
        this.#random.skewed(300, 4_000),
        this.#kind(),
        this.#random.next(),
        this.#random.next(),
      ];
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) this.#begin(kind, choice, length);
    }
    await Promise.all(this.#underWay);
  }

  /** Nobody stays stopped. */
  end(): void {
    for (const pid of this.#stopped) signalTo(pid, "SIGCONT");
  }

  /** Whether a worker ended so that this can have been lost with it. The scheduler may hear of an end late. */
  explains(since: number, until: number, isRetireEnough: boolean): boolean {
    return this.hits.some(({ at, isAbrupt }) => (isAbrupt || isRetireEnough) && at > since - 15_000 && at <= until);
  }

  /** Ends without notice of workers of this name. */
  abruptEnds(name: string): number {
    return this.hits.filter((hit) => hit.isAbrupt && hit.name === name).length;
  }

  #kind(): Kind {
    if (this.#isLong && this.#random.chance(0.02)) return "long stop";
    return weighted(this.#random, weights);
  }

  #begin(kind: Kind, choice: number, length: number): void {
    const pen = this.#victim(kind, choice);
    if (pen === null && kind !== "kill client" && kind !== "rebalance") {
      this.#journal.write(`${kind}: nobody is left for it now`);
      return;
    }
    const who = pen?.name ?? "";
    this.#journal.write(`${kind} ${who}`);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    if (pen !== null) this.#touched.add(pen);
    const work = this.#do(kind, pen, length)
      .then(() => {
        this.recoveries++;
        this.#journal.write(`${kind} ${who}: over`);
      })
      .catch((error: Error) => {
        const code = isFlockError(error) ? `${error.code}: ` : "";
        this.#journal.wrong(`${kind} ${who}: ${code}${error.message}`);
      })
      .finally(() => {
        this.#underWay.delete(work);
        if (pen !== null) this.#touched.delete(pen);
      });
    this.#underWay.add(work);
  }

  /** Two workers are always left alone. */
  #victim(kind: Kind, choice: number): Pen | null {
    if (kind === "kill client" || kind === "rebalance") return null;
    const free = this.#flock.pens.filter((pen) => !this.#touched.has(pen) && !pen.isGoing);
    if (free.length <= 2) return null;
    const may = free.filter((pen) => {
      if (kind === "kill worker" && (this.#kills.get(pen) ?? 0) >= MAX_KILLS) return false;
      if (pen.isShortLived && (kind === "retire" || kind === "restart" || kind === "SIGTERM worker")) return false;
      return pen.name !== ELDER || kind === "stop";
    });
    return may[Math.floor(choice * may.length)] ?? null;
  }

  async #do(kind: Kind, pen: Pen | null, length: number): Promise<void> {
    if (kind === "kill client") return this.#killClient(length);
    if (kind === "rebalance" || pen === null) return void (await this.#client.rebalance());
    if (kind === "kill worker") return this.#killWorker(pen);
    if (kind === "kill nanny") return this.#killNanny(pen);
    if (kind === "restart") return this.#restart(pen);
    if (kind === "stop") return this.#stop(pen, 300 + length * 4_700);
    if (kind === "long stop") return this.#stop(pen, 35_000);
    return this.#leave(kind, pen);
  }

  async #killClient(choice: number): Promise<void> {
    const name = await this.#crew.replaceLast(Math.floor(choice * 1e9));
    this.#journal.write(`${name} was killed`);
  }

  async #killWorker(pen: Pen): Promise<void> {
    const worker = await workerOf(this.#client, pen.name);
    if (worker === undefined) return; // it is just being started again
    this.#kills.set(pen, (this.#kills.get(pen) ?? 0) + 1);
    this.#kill(pen.name, worker.pid);
    await until(async () => {
      const next = await workerOf(this.#client, pen.name);
      return next !== undefined && next.worker !== worker.worker;
    }, "its nanny did not start it again");
  }

  async #killNanny(pen: Pen): Promise<void> {
    const worker = await workerOf(this.#client, pen.name);
    pen.isGoing = true;
    this.#hit(pen.name, true);
    pen.nanny.child.kill("SIGKILL");
    await this.#flock.end(pen);
    if (worker !== undefined) await until(() => !isRunning(worker.pid), `its worker (process ${worker.pid}) goes on`);
    await until(async () => (await workerOf(this.#client, pen.name)) === undefined, "the scheduler keeps its worker");
    await this.#flock.add();
  }

  async #restart({ name }: Pen): Promise<void> {
    if ((await workerOf(this.#client, name)) === undefined) return;
    this.#hit(name, false);
    await this.#client.restartWorkers([name], { timeoutMs: PATIENCE_MS });
    this.#hit(name, false);
  }

  /** Retired, or told to stop: it leaves, and another comes. */
  async #leave(kind: Kind, pen: Pen): Promise<void> {
    const worker = await workerOf(this.#client, pen.name);
    if (worker === undefined) return;
    pen.isGoing = true;
    // After SIGTERM it ends after half a minute in any case, whatever it still runs.
    this.#hit(pen.name, kind !== "retire");
    if (kind === "retire") await this.#client.retireWorkers([pen.name]);
    else if (kind === "SIGTERM nanny") pen.nanny.child.kill("SIGTERM");
    else process.kill(worker.pid, "SIGTERM");
    // A worker that has just begun does not listen yet: it ends by the signal, and its nanny starts it again.
    const isReplaced = async (): Promise<boolean> => {
      const now = kind === "SIGTERM worker" ? await workerOf(this.#client, pen.name) : undefined;
      return now !== undefined && now.worker !== worker.worker;
    };
    const otherwise = `its nanny did not end:\n${pen.nanny.stderr().slice(-1_000)}`;
    await until(async () => !isAlive(pen) || (await isReplaced()), otherwise);
    if (isAlive(pen)) {
      pen.isGoing = false;
      return;
    }
    this.#hit(pen.name, false);
    await this.#flock.end(pen);
    await this.#flock.add();
  }

  /** It does not answer for a while; after 30 s the scheduler takes it for dead. */
  async #stop(pen: Pen, ms: number): Promise<void> {
    const worker = await workerOf(this.#client, pen.name);
    if (worker === undefined) return;
    const isLong = ms > 20_000;
    if (isLong) this.#hit(pen.name, true);
    if (!signalTo(worker.pid, "SIGSTOP")) return;
    this.#stopped.add(worker.pid);
    try {
      await sleep(ms);
    } finally {
      this.#stopped.delete(worker.pid);
      signalTo(worker.pid, "SIGCONT");
    }
    if (isLong) this.#hit(pen.name, true);
    await until(async () => (await workerOf(this.#client, pen.name))?.status === "running", "it did not come back");
  }

  #kill(name: string, pid: number): void {
    this.#hit(name, true);
    signalTo(pid, "SIGKILL");
  }

  #hit(name: string, isAbrupt: boolean): void {
    this.hits.push({ name, at: Date.now(), isAbrupt });
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it has just ended
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function until(isSo: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; await sleep(100)) {
    if (await isSo()) return;
  }
  throw new Error(`${otherwise} within ${PATIENCE_MS / 1_000} s`);
}
