// Which workers a cluster has, of what Slurm says of its tasks and the scheduler of its workers. Pure: time is given.

import type { WorkerInfo } from "@taskflock/client";
import { isAlive, type QueueRow } from "./queue.ts";
import { workerName } from "./script.ts";

/** A worker that ran and is not seen for so long does not come back, milliseconds: its nanny would have started it again. */
export const ABSENT_MS = 30_000;

/** A task of an array, from when it is submitted to its end. */
export interface Member {
  readonly name: string;
  readonly jobId: string;
  readonly index: number;
  readonly submittedMs: number;
  /** Null: Slurm was not asked since. */
  row: QueueRow | null;
  /** The scheduler knew it. */
  joined: boolean;
  /** It was told to leave, or is about to. */
  leaving: boolean;
  /** It was to be taken out of the queue. Slurm may have begun to run it just then. */
  cancelled: boolean;
  lastSeenMs: number;
}

/** What both say, and when Slurm was asked. */
export interface Look {
  readonly rows: readonly QueueRow[];
  readonly workers: readonly Pick<WorkerInfo, "name" | "status">[];
  /** Before Slurm was asked: what was submitted later need not be in its answer. */
  readonly askedMs: number;
  readonly nowMs: number;
}

export interface Changes {
  /** Over, says Slurm. */
  readonly ended: readonly Member[];
  /** They run, says Slurm, but the scheduler has not seen them for long: their node is lost, or they hang. */
  readonly lost: readonly Member[];
  /** They were to be taken out of the queue, and have joined nevertheless. */
  readonly escaped: readonly string[];
}

export class Members {
  readonly #members: Map<string, Member> = new Map();
  readonly #absentMs: number;

  constructor(absentMs: number = ABSENT_MS) {
    this.#absentMs = absentMs;
  }

  submitted(jobId: string, count: number, nowMs: number): void {
    for (let index = 0; index < count; index++) {
      const name = workerName(jobId, index);
      const fresh = { joined: false, leaving: false, cancelled: false, lastSeenMs: nowMs, row: null };
      this.#members.set(name, { name, jobId, index, submittedMs: nowMs, ...fresh });
    }
  }

  /** Those that are there, or on their way, and are not leaving. */
  staying(): readonly Member[] {
    return [...this.#members.values()].filter(({ leaving }) => !leaving);
  }

  /** Those of them that Slurm has not begun to run. */
  pending(): readonly Member[] {
    return this.staying().filter(({ joined, row }) => !joined && (row === null || row.state === "PENDING"));
  }

  leave(names: readonly string[]): void {
    for (const name of names) {
      const member = this.#members.get(name);
      if (member !== undefined) member.leaving = true;
    }
  }

  /** They are taken out of the queue. */
  cancel(names: readonly string[]): void {
    this.leave(names);
    for (const name of names) {
      const member = this.#members.get(name);
      if (member !== undefined) member.cancelled = true;
    }
  }

  /** Takes note, and forgets those that it returns. */
  look({ rows, workers, askedMs, nowMs }: Look): Changes {
    this.#seeWorkers(workers, nowMs);
    const listed = new Map(rows.map((row) => [row.name, row]));
    const ended: Member[] = [];
    const lost: Member[] = [];
    for (const member of this.#members.values()) {
      const row = listed.get(member.name);
      if (row !== undefined) member.row = row;
      if (row === undefined ? member.submittedMs < askedMs : !isAlive(row)) ended.push(member);
      else if (member.joined && row?.state === "RUNNING" && nowMs - member.lastSeenMs >= this.#absentMs)
        lost.push(member);
    }
    for (const { name } of [...ended, ...lost]) this.#members.delete(name);
    return { ended, lost, escaped: this.#escaped(workers) };
  }

  #escaped(workers: Look["workers"]): string[] {
    const running = workers.filter(({ status }) => status === "running").map(({ name }) => name);
    return running.filter((name) => this.#members.get(name)?.cancelled === true);
  }

  #seeWorkers(workers: Look["workers"], nowMs: number): void {
    for (const { name, status } of workers) {
      const member = this.#members.get(name);
      if (member === undefined) continue;
      member.joined = true;
      if (status === "retiring") member.leaving = true;
      // One whose connection is cut may be on a node that is gone.
      if (status !== "cut") member.lastSeenMs = nowMs;
    }
  }
}
