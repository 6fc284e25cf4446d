// What the status page asks, asked by modelled clients; each answer is looked at for what must hold of it.

import type {
  CodePlace,
  PageFailures,
  PageGraph,
  PageOverview,
  PageQuestion,
  PageSpans,
  PageTask,
  PageTasks,
  SourcePlace,
  TaskId,
} from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import type { Random } from "./random.ts";
import { mayHang } from "./tasks.ts";

type Errand = (client: ClientProcess, random: Random) => void;

const everything = { text: "", status: "", function: "", worker: "", run: 0 } as const;

export function pageErrand(client: ClientProcess, random: Random): void {
  random.pick(errands)(client, random);
}

function ask<A>(client: ClientProcess, question: PageQuestion, look: (value: A) => void): void {
  client.ask(question, ({ value, error }) => {
    if (error === null) look(value as A);
  });
}

function must(client: ClientProcess, holds: boolean, what: string): void {
  if (!holds) throw new Error(`${client.name} was answered what cannot be: ${what}`);
}

const overview: Errand = (client) =>
  ask<PageOverview>(client, { q: "pageOverview" }, ({ functions, busy, slots, runs, queues, ended }) => {
    must(client, busy <= slots, `${busy} of ${slots} slots are busy`);
    for (const { name, waiting, queued, active, done } of functions)
      must(client, Math.min(waiting, queued, active, done) >= 0, `counts of ${name} below zero`);
    for (const { asks, running, places } of queues) must(client, running <= places, `${asks}: ${running} of ${places}`);
    for (const { startedAt, endedAt } of runs) must(client, endedAt === null || endedAt >= startedAt, "a run's times");
    must(client, ended >= 0, `${ended} tasks ended`);
  });

const workers: Errand = (client, random) => {
  const name = `w${random.between(0, 5)}`;
  const questions: PageQuestion[] = [
    { q: "pageWorkers", workers: [] },
    { q: "pageWorker", name },
    { q: "pageGone", limit: 5 },
    { q: "pageFunction", hash: `sim-fn-${random.between(0, 3)}` },
    { q: "pageTransfers" },
    { q: "pageDetails", run: 0, since: 0, limit: 20 },
  ];
  client.ask(random.pick(questions));
};

/** From the start on, page by page. */
const spans: Errand = (client, random) => {
  const limit = random.skewed(1, 200);
  const next = (since: number): void =>
    ask<PageSpans>(
      client,
      { q: "pageSpans", since, limit },
      ({ last, missed, task, endedAt, running, runningKeys }) => {
        must(client, last - since === task.length + missed, `${task.length} spans from ${since} to ${last}`);
        must(
          client,
          endedAt.every((at, i) => at >= (endedAt[i - 1] ?? 0)),
          "spans are out of order",
        );
        must(client, running.task.length === runningKeys.length, "columns of unequal length");
        if (last > since) next(last);
      },
    );
  next(0);
};

const tasks: Errand = (client, random) => {
  const seen = new Set<number>();
  const limit = random.between(3, 50);
  const next = (before: number, most: number): void =>
    ask<PageTasks>(client, { q: "pageTasks", filter: everything, before, limit }, (page) => {
      must(client, page.items.length <= limit, `${page.items.length} tasks on a page of ${limit}`);
      for (const { task } of page.items) {
        must(client, !seen.has(task), `task ${task} on two pages`);
        seen.add(task);
      }
      const one = page.items[0]?.task;
      if (one !== undefined) client.ask({ q: "pageTask", task: one, key: "" });
      if (page.next !== null && most > 0) next(page.next, most - 1);
    });
  next(0, 10);
};

const graph: Errand = (client, random) => {
  const limit = random.between(1, 60);
  ask<PageGraph>(client, { q: "pageGraph", run: 0, task: 0 as TaskId, limit }, ({ task, count, from, to, total }) => {
    must(client, task.length <= limit && from.length === to.length, "a graph above its limit");
    must(
      client,
      [...from, ...to].every((node) => node < task.length),
      "an edge from nowhere",
    );
    must(client, count.reduce((sum, tasks) => sum + tasks, 0) <= total, "more tasks than there are");
  });
};

const failures: Errand = (client) =>
  ask<PageFailures>(client, { q: "pageFailures", limit: 30 }, ({ items, total }) => {
    must(client, items.length <= Math.min(30, total), `${items.length} of ${total} failures`);
  });

/** One of its tasks, which nobody else submits under the same key, is cancelled by a person. */
const cancel: Errand = (client, random) => {
  const own = [...client.futures.values()].filter(({ plan: { spec }, shared, released, state }) => {
    return !released && !shared && state === "pending" && spec.key === null && spec.kind === "call" && !mayHang(spec);
  });
  if (own.length === 0) return;
  const future = random.pick(own);
  const { spec } = future.plan;
  const key = `f${spec.fn}-${client.link.id}-${future.n}`;
  ask<PageTask>(client, { q: "pageTask", task: 0 as TaskId, key }, ({ task }) => {
    if (future.released) return;
    must(client, task.key === key, `${task.key} instead of ${key}`);
    future.cancelAsked = true;
    spec.history.cancels++;
    client.ask({ q: "pageCancel", tasks: [task.task], run: 0, who: client.name });
  });
};

/** See `tellPlaces`. */
const places: Errand = (client, random) => {
  const line = random.between(1, 200);
  const of: CodePlace = { code: "0123abcd", line, column: 1, name: "" };
  client.ask({ q: "pagePlaces", places: [of] }, ({ value }) => {
    const [at] = (value ?? [null]) as readonly (SourcePlace | null)[];
    must(client, at === undefined || at === null || at.line === line + 100, `line ${line} stands in line ${at?.line}`);
  });
};

const errands: readonly Errand[] = [
  ...[overview, overview, workers, workers],
  ...[spans, tasks, graph, failures, cancel, places],
];
