// Runs whose clients left, for people who look at the page after a program has ended; nothing is decided by them.

import type { Micros, PageRun } from "@taskflock/protocol/words";
import type { Run } from "./records.ts";
import { runInfo } from "./runs.ts";

/** The last ones. */
const KEPT = 200;

type PastRun = Omit<PageRun, "kind">;

export class PastRuns {
  /** The first to go first. */
  readonly #all: PastRun[] = [];

  get size(): number {
    return this.#all.length;
  }

  /** What a session has beside its runs is one, too, when there was anything. */
  add(run: Run, now: Micros): void {
    if (run.number === 0 && run.total === 0) return;
    const info = runInfo(run);
    const { session, startedAt, endedAt } = run;
    const status = run.status === "open" ? statusOf(run) : run.status;
    const counts = { ...info.counts, running: 0 };
    this.#all.push({ ...info, status, counts, client: session.name, startedAt, endedAt: endedAt ?? now });
    if (this.#all.length > KEPT) this.#all.shift();
  }

  /** In the order in which they went. */
  last(limit: number): readonly PastRun[] {
    return limit > 0 ? this.#all.slice(-limit) : [];
  }
}

/** Of one that nobody closed. */
function statusOf({ number, total, done, failed, cancelled }: Run): PageRun["status"] {
  if (number !== 0 || done + failed + cancelled < total) return "cancelled";
  return failed > 0 ? "failed" : "done";
}
