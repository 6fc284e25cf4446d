// What a cluster is and does: its sums, workers, transfers, events, logs.

import { FlockError } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { answers, described, limit, number, object, text } from "./schemas.ts";

export function clusterRoutes(app: FastifyInstance, { observer }: Context): void {
  const get = (path: string, summary: string, answer: string, handler: () => Promise<unknown>): void => {
    const schema = { tags: ["cluster"], summary, querystring: object({}), response: answers(described(answer)) };
    app.get(`/api/v1/${path}`, { schema }, handler);
  };
  get("cluster", "The whole cluster: tasks by status, all workers, all runs", "As `client.cluster()` gives it.", () =>
    observer.ask({ q: "cluster" }).then(({ value }) => value),
  );
  get(
    "overview",
    "Sums that do not grow with the cluster: tasks, slots, memory, queues, runs, functions",
    "PageOverview. At most 200 runs, 100 functions and 20 queues.",
    () => observer.ask({ q: "pageOverview" }).then(({ value }) => value),
  );
  get("workers", "All workers", "PageWorkers: `now`, and a row per worker.", () =>
    observer.ask({ q: "pageWorkers", workers: [] }).then(({ value }) => value),
  );
  get(
    "transfers",
    "What moved between workers",
    "PageTransfers: the 1,000 pairs with the most bytes, and the last large transfers.",
    () => observer.ask({ q: "pageTransfers" }).then(({ value }) => value),
  );
}

export function workerRoutes(app: FastifyInstance, { observer }: Context): void {
  app.get<{ Params: { name: string } }>(
    "/api/v1/workers/:name",
    {
      schema: {
        tags: ["cluster"],
        summary: "A worker by name, there or gone: its facts, how it went, what it did last",
        params: object({ name: text("The worker's name.") }),
        response: answers(described("PageWorkerLife: `worker` (or null), `gone`, the last 20 `spans`.")),
      },
    },
    async ({ params: { name } }) => {
      const { value } = await observer.ask({ q: "pageWorker", name });
      if (value.worker !== null || value.gone.length > 0) return value;
      throw new FlockError("FLOCK_WORKER_UNKNOWN", `No worker is named ${name}, and none that is remembered was.`);
    },
  );
  app.get<{ Querystring: { limit: number } }>(
    "/api/v1/gone-workers",
    {
      schema: {
        tags: ["cluster"],
        summary: "Workers that left or were lost, the last first",
        querystring: object({ limit: limit(1_000, 100) }),
        response: answers(described("PageGone: how each went, and what it ran then.")),
      },
    },
    async ({ query }) => (await observer.ask({ q: "pageGone", limit: query.limit })).value,
  );
}

const since = number("After this number; 0: from the first that is remembered.", 0);

export function logRoutes(app: FastifyInstance, { observer }: Context): void {
  app.get<{ Querystring: { since: number; limit: number } }>(
    "/api/v1/events",
    {
      schema: {
        tags: ["logs"],
        summary: "What happened, the oldest first",
        querystring: object({ since, limit: limit(1_000, 100) }),
        response: answers(
          described("`items` with `seq`, `at`, `kind`, `who`, `key`, `text`; `missed`: forgotten already."),
        ),
      },
    },
    async ({ query }) => (await observer.ask({ q: "events", ...query, wait: false })).value,
  );
  app.get<{ Querystring: { worker: string; key: string; run: string; since: number; limit: number } }>(
    "/api/v1/logs",
    {
      schema: {
        tags: ["logs"],
        summary: "What tasks and workers printed, the oldest first",
        querystring: object({
          worker: { ...text("Of this worker."), default: "" },
          key: { ...text("Of the task with this key."), default: "" },
          run: { ...text("Of the run with this name."), default: "" },
          since,
          limit: limit(1_000, 100),
        }),
        response: answers(described("`items` with `seq`, `at`, `worker`, `key`, `run`, `stream`, `text`; `missed`.")),
      },
    },
    async ({ query: { worker, key, run, ...page } }) =>
      (await observer.ask({ q: "logs", filter: { worker, key, run }, ...page, wait: false })).value,
  );
}
