// Real processes that work for minutes while they are killed, stopped and replaced: everything ends right, and nothing is left.

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClusterInfo } from "taskflock";
import { Random } from "../simulation/random.ts";
import { bytesInUse } from "../system/processes.ts";
import { Crew, outcomesOf } from "./crew.ts";
import { Faults, until } from "./faults.ts";
import { Flock, workerOf } from "./flock.ts";
import { Journal } from "./journal.ts";
import { processesOf } from "./leftovers.ts";
import { growth, inMb } from "./memory.ts";
import { ELDER, type Litter } from "./messages.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Where the log is, and after a failure a dump and the scheduler's recording. */
  readonly out: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Short runs have a dozen marks, too. */
const MARK_SHARE = 1 / 15;
const LONGEST_MARK_MS = 60_000;
const PROGRESS_MS = 30_000;
const WORKERS = 4;
const DUMP = "dump.jsonl.gz";

/** What was found wrong; nothing is left of its processes and folders, however it ends. */
export async function soak(options: SoakOptions): Promise<readonly string[]> {
  mkdirSync(options.out, { recursive: true });
  const journal = new Journal(join(options.out, "soak.log"));
  writeFileSync(journal.file, "");
  rmSync(join(options.out, DUMP), { force: true }); // of an earlier run
  const folder = mkdtempSync(join(tmpdir(), "taskflock-soak-"));
  writeFileSync(join(folder, "token"), randomBytes(32).toString("hex"), { mode: 0o600 });
  const run = new Soak(options, journal, folder);
  let left: readonly string[] = [];
  try {
    await run.start();
    await run.work();
  } catch (error) {
    if (!options.signal.aborted) journal.wrong(String(error instanceof Error ? error.stack : error));
  } finally {
    await run.close();
    left = await processesOf(folder);
    for (const text of left) journal.tell(`WRONG ${text}`);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
  const findings = [...journal.findings, ...left];
  if (findings.length === 0) rmSync(run.record, { force: true });
  return findings;
}

class Soak {
  readonly record: string;
  readonly #options: SoakOptions;
  readonly #journal: Journal;
  readonly #folder: string;
  readonly #memory: Map<string, number[]> = new Map();
  /** Aborted when there is no sense in going on. */
  readonly #over: AbortController = new AbortController();
  #flock!: Flock;
  #crew!: Crew;
  #client!: Client;
  #faults!: Faults;
  #lastEvent = 0;
  #departures: { readonly at: number }[] = [];
  #lost: Map<string, number> = new Map();

  constructor(options: SoakOptions, journal: Journal, folder: string) {
    this.#options = options;
    this.#journal = journal;
    this.#folder = folder;
    this.record = join(options.out, "scheduler.record");
    options.signal.addEventListener("abort", () => this.#over.abort());
  }

  async start(): Promise<void> {
    const { seed, minutes } = this.#options;
    this.#journal.tell(`soak: ${minutes} minutes, seed ${seed}; log: ${this.#journal.file}`);
    this.#flock = await Flock.start(this.#folder, this.record, seed, this.#journal);
    const tokenFile = join(this.#folder, "token");
    this.#client = await Client.connect(this.#flock.address, { tokenFile, name: "control", logs: "ignore" });
    await Promise.all([this.#flock.add(ELDER), ...Array.from({ length: WORKERS - 1 }, () => this.#flock.add())]);
    await this.#client.waitForWorkers(WORKERS);
    this.#journal.tell(`scheduler at ${this.#flock.address}, ${WORKERS} workers at work`);
    const env = { ...process.env, TASKFLOCK_TOKEN_FILE: tokenFile, TMPDIR: this.#folder };
    this.#crew = new Crew(this.#flock.address, env, this.#journal);
    for (const n of [1, 2]) await this.#crew.add(seed * 1_000 + n);
    this.#faults = new Faults({
      ...{ flock: this.#flock, crew: this.#crew, client: this.#client, journal: this.#journal },
      ...{ random: new Random(seed), isLong: minutes >= 10 },
    });
  }

  async work(): Promise<void> {
    const end = performance.now() + this.#options.minutes * 60_000;
    const progress = setInterval(() => void this.#progress(), PROGRESS_MS);
    const markMs = Math.min(LONGEST_MARK_MS, this.#options.minutes * 60_000 * MARK_SHARE);
    try {
      while (performance.now() < end && !this.#isOver) {
        await this.#round(markMs);
        if (!this.#isOver) await this.#mark();
      }
      if (!this.#isOver) this.#judgeMemory();
    } finally {
      clearInterval(progress);
      await this.#summary();
    }
  }

  async close(): Promise<void> {
    if (this.#journal.findings.length > 0) {
      const dump = join(this.#options.out, DUMP);
      await this.#client?.dump(dump).catch((error: Error) => this.#journal.write(`no dump: ${error.message}`));
      this.#journal.tell(`the dump, the recording and the log are in ${this.#options.out}`);
    }
    const isHurried = this.#isOver;
    this.#journal.end();
    this.#faults?.end();
    await this.#crew?.close();
    await this.#client?.close().catch(() => undefined);
    await this.#flock?.close(isHurried);
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.#journal.findings.length > 0;
  }

  /** Work and faults; then everything that was begun ends. */
  async #round(ms: number): Promise<void> {
    this.#crew.begin();
    const calm = new AbortController();
    const faults = this.#faults.play(AbortSignal.any([calm.signal, this.#over.signal]));
    for (const begun = performance.now(); performance.now() - begun < ms && !this.#isOver; ) {
      await sleep(200, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
    calm.abort();
    await this.#unlessOver(faults);
    await this.#unlessOver(this.#crew.drain());
  }

  /** A finding, or an interrupt, ends every wait. */
  async #unlessOver(work: Promise<unknown>): Promise<void> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    while (!isDone && !this.#isOver) await Promise.race([done, sleep(200)]);
  }

  /** Nothing is under way and nobody holds anything: so nothing must be there. */
  async #mark(): Promise<void> {
    await this.#sweep();
    let left = "";
    await until(async () => {
      left = leftIn(await this.#client.cluster());
      return left === "" || this.#isOver;
    }, "tasks or data did not go").catch((error: Error) => this.#journal.wrong(`${error.message}: ${left}`));
    if (this.#isOver) return;
    await this.#readEvents();
    this.#judgeLosses();
    await this.#measure();
  }

  /** What killed clients left by contract. */
  async #sweep(): Promise<void> {
    for (const litter of this.#crew.litter.splice(0)) {
      await this.#remove(litter).catch((error: Error) => this.#journal.write(`${litter.name}: ${error.message}`));
    }
  }

  async #remove({ kind, name }: Litter): Promise<void> {
    if (kind === "dataset") await this.#client.unpublish(name);
    else if (kind === "run") await (await this.#client.attach(name)).forget();
    else if (kind === "queue") await this.#client.queue(name).delete();
    else await this.#client.variable(name).delete();
  }

  async #readEvents(): Promise<void> {
    const events = await this.#client.events({ since: this.#lastEvent });
    for (const { seq, kind, who, text, time } of events) {
      this.#lastEvent = seq;
      if (kind === "workerLost") this.#lost.set(who, (this.#lost.get(who) ?? 0) + 1);
      if (kind === "workerLost" || kind === "workerLeft" || kind === "workerRestarting") {
        this.#departures.push({ at: time.getTime() });
      }
      if (kind === "workerLost" && (this.#lost.get(who) ?? 0) > this.#faults.abruptEnds(who)) {
        this.#journal.wrong(`${who} was lost (${text}), and nobody had killed it`);
      }
    }
  }

  /** Actors may also go with a worker that was replaced because native code did not end. */
  #judgeLosses(): void {
    for (const { what, since, until: last, isRetireEnough } of this.#crew.losses.splice(0)) {
      const left = this.#departures.some(({ at }) => at > since - 15_000 && at <= last);
      if (this.#faults.explains(since, last, isRetireEnough) || (isRetireEnough && left)) continue;
      this.#journal.wrong(`${what}; but no worker had ended`);
    }
  }

  async #measure(): Promise<void> {
    const elder = this.#flock.pens.find(({ name }) => name === ELDER);
    const worker = await workerOf(this.#client, ELDER);
    if (elder === undefined || worker === undefined) throw new Error("the elder is gone");
    this.#note("scheduler", await bytesInUse(this.#flock.scheduler.inspector!));
    this.#note(ELDER, await bytesInUse(await this.#flock.inspectorOf(elder, worker.pid)));
    this.#note("client", this.#crew.bytesInUse);
    const workers = await this.#client.workers();
    const resident = workers.map(({ name, metrics }) => `${name} ${inMb(metrics?.rssBytes ?? 0)}`).join(", ");
    const inUse = [...this.#memory].map(([name, bytes]) => `${name} ${inMb(bytes.at(-1)!)}`).join(", ");
    this.#journal.write(`mark: in use: ${inUse}; resident: ${resident}`);
  }

  #note(name: string, bytes: number): void {
    const list = this.#memory.get(name);
    if (list === undefined) this.#memory.set(name, [bytes]);
    else list.push(bytes);
  }

  #judgeMemory(): void {
    for (const [name, bytes] of this.#memory) {
      const found = growth(bytes);
      if (found === null || !found.isGrowing) continue;
      const figures = `${inMb(found.early)} at most early, ${inMb(found.late)} at least late, ${inMb(found.allowed)} allowed`;
      this.#journal.wrong(`the memory of ${name} grows: ${figures}: ${bytes.map(inMb).join(", ")}`);
    }
  }

  async #progress(): Promise<void> {
    const tallies = this.#crew.tallies;
    const units = tallies.reduce((sum, tally) => sum + tally.units, 0);
    const tasks = tallies.reduce((sum, tally) => sum + tally.tasks, 0);
    const faults = [...this.#faults.counts.values()].reduce((sum, count) => sum + count, 0);
    this.#journal.tell(
      `${units} units, ${tasks} outcomes, ${faults} faults, ${this.#memory.get(ELDER)?.length ?? 0} marks`,
    );
  }

  async #summary(): Promise<void> {
    await this.#progress();
    const outcomes = Object.entries(outcomesOf(this.#crew.tallies)).map(([outcome, count]) => `${outcome} ${count}`);
    const faults = [...this.#faults.counts].map(([kind, count]) => `${kind} ${count}`);
    this.#journal.tell(`outcomes: ${outcomes.join(", ")}`);
    this.#journal.tell(`faults: ${faults.join(", ")}; ${this.#faults.recoveries} recovered`);
    for (const [name, bytes] of this.#memory) this.#journal.tell(`in use by ${name}: ${bytes.map(inMb).join(", ")}`);
  }
}

/** What is there though nobody wants it; "" is nothing. */
function leftIn({ tasks, workers }: ClusterInfo): string {
  const left = Object.entries(tasks).filter(([, count]) => count !== 0);
  const held = workers.filter(
    ({ stored, storedBytes, assigned, running, actors, metrics }) =>
      stored +
        storedBytes +
        assigned +
        running +
        actors +
        (metrics?.arenaUsedBytes ?? 0) +
        (metrics?.spilledBytes ?? 0) >
      0,
  );
  return [
    ...left.map(([state, count]) => `${count} tasks ${state}`),
    ...held.map(
      ({ name, stored, storedBytes, assigned, running, actors, metrics }) =>
        `${name}: ${JSON.stringify({ stored, storedBytes, assigned, running, actors, arena: metrics?.arenaUsedBytes, spilled: metrics?.spilledBytes })}`,
    ),
  ].join("; ");
}
