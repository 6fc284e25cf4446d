// Workers that are gone: what they were, how they went, and what they did last. For people who ask later; nothing is decided by it.

import { type GoneWorker, spanEnds, type WorkerId, type WorkerSpan } from "@taskflock/protocol/words";
import type { Core } from "./core.ts";
import type { Span } from "./page-spans.ts";
import { keyOf } from "./references.ts";
import { RUNNING } from "./states.ts";
import type { Worker } from "./worker-record.ts";

const KEPT = 1_000;
/** Of the last of them the last attempts are kept, too. */
const SPANS_OF = 200;
const SPANS_KEPT = 20;
const RUNNING_KEPT = 20;

interface Gone {
  readonly facts: GoneWorker;
  spans: readonly WorkerSpan[];
}

export class GoneWorkers {
  /** The first to go first. */
  readonly #all: Gone[] = [];

  get size(): number {
    return this.#all.length;
  }

  /** As it is when the word of its end comes; called after the attempts that ran there were put among the spans. */
  add(
    core: Core,
    worker: Worker,
    storedBytes: number,
    running: GoneWorker["running"],
    how: string,
    planned: boolean,
  ): void {
    const { hello, joinedAt, finished, metrics } = worker;
    const facts: GoneWorker = {
      ...{ worker: worker.id, name: worker.name, address: hello.peerAddress, slots: worker.slots, pid: hello.pid },
      ...{ memoryLimitBytes: hello.memoryLimitBytes, resources: hello.resources },
      ...{ joinedAt, goneAt: core.now, planned, how, finished, storedBytes, metrics, running },
    };
    this.#all.push({ facts, spans: spansAt(core, worker) });
    if (this.#all.length > KEPT) this.#all.shift();
    const forgets = this.#all.at(-1 - SPANS_OF);
    if (forgets !== undefined) forgets.spans = [];
  }

  /** The last to go first. */
  last(limit: number): GoneWorker[] {
    return this.#all
      .slice(-limit)
      .reverse()
      .map(({ facts }) => facts);
  }

  named(name: string): GoneWorker[] {
    return this.#named(name).map(({ facts }) => facts);
  }

  nameOf(worker: WorkerId): string | null {
    return this.#all.findLast(({ facts }) => facts.worker === worker)?.facts.name ?? null;
  }

  /** Of all workers of that name; `there` is the one that is not gone, null leaves it out. */
  spansOf(core: Core, name: string, there: Worker | null): WorkerSpan[] {
    const spans = there === null ? [] : spansAt(core, there);
    for (const gone of this.#named(name)) {
      if (spans.length >= SPANS_KEPT) break;
      spans.push(...gone.spans);
    }
    return spans.slice(0, SPANS_KEPT);
  }

  #named(name: string): Gone[] {
    return this.#all.filter(({ facts }) => facts.name === name).reverse();
  }
}

/** What the worker was said to run, the first to begin first. */
export function runningAt(core: Core, worker: Worker): GoneWorker["running"] {
  const running = worker.assigned.filter(({ state }) => state === RUNNING);
  const begun = running.map((task) => ({ task: task.id, key: keyOf(task), startedAt: core.begun.get(task) ?? null }));
  return begun.sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0)).slice(0, RUNNING_KEPT);
}

function spansAt(core: Core, worker: Worker): WorkerSpan[] {
  return core.spans.lastAt(worker.id, SPANS_KEPT).map((span) => inWords(core, span));
}

function inWords(core: Core, { task: id, fn, endedAt, durationUs, end }: Span): WorkerSpan {
  const task = core.taskById(id);
  const key = task === null ? "" : keyOf(task);
  return { task: id, key, function: core.spans.nameOf(core, fn), endedAt, durationUs, end: spanEnds[end]! };
}
