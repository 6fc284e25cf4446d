// The workers of a Slurm cluster: submits them, watches them, replaces those that are lost.

import { type Client, FlockError, isFlockError } from "@taskflock/client";
import type { SlurmCommands } from "./commands.ts";
import type { SlurmEvent } from "./events.ts";
import { type Member, Members } from "./members.ts";
import type { CompleteSlurmOptions } from "./options.ts";
import { pendingSentence, type QueueRow } from "./queue.ts";
import { jobScript } from "./script.ts";
import type { SharedFolder } from "./shared-folder.ts";

/** Slurm's own default for the most tasks of an array is 1,001. */
const ARRAY_TASKS = 1_000;
/** Workers that end before they joined, in a row, until no more are started. */
const STILLBORN = 3;

export interface FleetParts {
  readonly options: CompleteSlurmOptions;
  readonly commands: SlurmCommands;
  readonly folder: SharedFolder;
  readonly jobName: string;
  readonly address: string;
  readonly isSecure: boolean;
  readonly client: Client;
}

export class Fleet {
  readonly #parts: FleetParts;
  readonly #members: Members = new Members();
  /** How many there are to be; null: somebody else decides. */
  #target: number | null;
  #stillborn = 0;
  /** Why no more are started. */
  #trouble: FlockError | null = null;
  /** Reasons of waiting that were told, by job. */
  readonly #told: Map<string, string> = new Map();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #watchers: (() => void)[] = [];

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#target = null;
    this.#later();
  }

  /** How many workers there are to be from now on; null: `submit` and `leave` say. What ended workers before is forgotten. */
  set target(count: number | null) {
    this.#target = count;
    this.#forgive();
  }

  staying(): readonly Member[] {
    return this.#members.staying();
  }

  pending(): readonly Member[] {
    return this.#members.pending();
  }

  leave(names: readonly string[]): void {
    this.#members.leave(names);
  }

  /** Rejects with FLOCK_SLURM_REFUSED, or with why workers ended as soon as they started. */
  submit(count: number): Promise<void> {
    return this.#submitInTurn(() => count);
  }

  /** So that there are so many. They are counted in turn: what replaces lost ones may have submitted some meanwhile. */
  submitUpTo(count: number): Promise<void> {
    return this.#submitInTurn(() => Math.max(0, count - this.staying().length));
  }

  #submitInTurn(count: () => number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#trouble !== null) {
        const trouble = this.#trouble;
        this.#forgive();
        throw trouble;
      }
      await this.#submit(count());
    });
  }

  /** Takes those of them out of Slurm's queue that wait in it still. */
  cancelPending(names: readonly string[]): Promise<void> {
    const wanted = new Set(names);
    const waiting = this.pending().filter(({ name }) => wanted.has(name));
    this.#members.cancel(waiting.map(({ name }) => name));
    return this.#parts.commands.cancel(waiting, { onlyPending: true });
  }

  /** Rejects as soon as workers that were started end, again and again, before they join. */
  async failing(signal: AbortSignal): Promise<never> {
    for (;;) {
      if (this.#trouble !== null) throw this.#trouble;
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      if (signal.aborted) throw new FlockError("FLOCK_CLOSED", "Nobody waits for the workers any more.");
    }
  }

  /** Why workers are not there yet. */
  async late(afterMs: number): Promise<FlockError> {
    const waiting = this.pending().flatMap(({ row }) => row ?? []);
    if (waiting.length > 0) return pendingError(waiting);
    const absent = this.staying().filter(({ joined }) => !joined);
    const told = await this.#lastWords(absent[0]);
    return new FlockError("FLOCK_CLUSTER_START", `Workers did not join within ${afterMs} ms. ${told}`);
  }

  /** Nothing is submitted or cancelled any more when it resolves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#work;
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#inTurn(() => this.#look())
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#later());
    }, this.#parts.options.pollMs);
  }

  /** One thing at a time, so that nobody counts workers while others are submitted. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(() => {
      if (this.#stopped) throw new FlockError("FLOCK_CLOSED", "The cluster was closed.");
      return work();
    });
    this.#work = turn.catch(() => undefined);
    return turn;
  }

  async #look(): Promise<void> {
    const { commands, client } = this.#parts;
    const askedMs = performance.now();
    const [rows, workers] = await Promise.all([commands.queue(), client.workers()]);
    const { ended, lost, escaped } = this.#members.look({ rows, workers, askedMs, nowMs: performance.now() });
    this.#tellPending();
    if (escaped.length > 0) await client.retireWorkers(escaped);
    await commands.cancel(lost, { onlyPending: false });
    const gone = [...ended, ...lost].filter(({ leaving }) => !leaving);
    if (gone.length > 0) this.#tell({ kind: "lost", workers: gone.map(({ name }) => name) });
    await this.#judge(gone);
    const missing = this.#target === null ? 0 : this.#target - this.staying().length;
    if (missing > 0 && this.#trouble === null) await this.#submit(missing);
  }

  async #submit(count: number): Promise<void> {
    for (let left = count; left > 0; left -= ARRAY_TASKS) {
      const some = Math.min(left, ARRAY_TASKS);
      const jobId = await this.#parts.commands.submit(this.#script(some));
      this.#members.submitted(jobId, some, performance.now());
      this.#tell({ kind: "submitted", jobId, workers: some });
    }
  }

  #script(count: number): string {
    const { options, folder, jobName, address, isSecure } = this.#parts;
    const { directives, prologue, command, workerHost } = options;
    const trust = isSecure ? ["--tls-ca", folder.authority] : [];
    const flags = ["--token-file", folder.tokenFile, ...trust, ...options.workerFlags];
    return jobScript({
      jobName,
      count,
      directives,
      output: folder.output,
      prologue,
      command,
      flags,
      address,
      workerHost,
    });
  }

  /** Those that never joined tell of something that will happen to the next, too. */
  async #judge(gone: readonly Member[]): Promise<void> {
    if (this.staying().some(({ joined }) => joined)) this.#stillborn = 0;
    const stillborn = gone.filter(({ joined }) => !joined);
    this.#stillborn += stillborn.length;
    if (stillborn.length === 0 || this.#trouble !== null) return;
    if (this.#stillborn < Math.max(STILLBORN, this.#target ?? 0)) return;
    const what = `${this.#stillborn} workers in a row ended before they joined; no more are started.`;
    const told = await this.#lastWords(stillborn[0]);
    this.#trouble = new FlockError("FLOCK_CLUSTER_START", `${what} ${told}`);
    this.#failed(this.#trouble);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  #forgive(): void {
    this.#trouble = null;
    this.#stillborn = 0;
  }

  async #lastWords(member: Member | undefined): Promise<string> {
    if (member === undefined) return "None is on its way.";
    const printed = await this.#parts.folder.tail(member.jobId, member.index);
    if (printed === null)
      return `${member.name} printed nothing into ${this.#parts.folder.path}: nodes must see that folder (sharedDirectory).`;
    return printed === "" ? `${member.name} printed nothing.` : `${member.name} printed:\n${printed}`;
  }

  #tellPending(): void {
    const nowMs = performance.now();
    const long = this.pending().filter(({ submittedMs }) => nowMs - submittedMs >= this.#parts.options.pendingMs);
    for (const jobId of new Set(long.map((member) => member.jobId))) {
      const rows = long.filter((member) => member.jobId === jobId).flatMap(({ row }) => row ?? []);
      const reason = rows.find((row) => row.reason !== "None")?.reason;
      if (reason === undefined || this.#told.get(jobId) === reason) continue;
      this.#told.set(jobId, reason);
      this.#tell({ kind: "pending", workers: rows.map(({ name }) => name), error: pendingError(rows) });
    }
  }

  #failed(cause: unknown): void {
    if (this.#stopped) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    const error = isFlockError(cause) ? cause : new FlockError("FLOCK_SLURM_FAILED", text, { cause });
    this.#tell({ kind: "failed", error });
  }

  /** What the callback throws is its own matter, as with any listener. */
  #tell(event: SlurmEvent): void {
    queueMicrotask(() => this.#parts.options.onEvent(event));
  }
}

function pendingError(rows: readonly QueueRow[]): FlockError {
  return new FlockError("FLOCK_SLURM_PENDING", pendingSentence(rows));
}
