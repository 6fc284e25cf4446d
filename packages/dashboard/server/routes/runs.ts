// Runs, and what clients told of them: searches and trainings.

import { FlockError, type PageDetails, type PageRun, type RunId } from "@taskflock/protocol/links";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Context } from "../context.ts";
import { searchCsv } from "../details/search-csv.ts";
import { searchTable } from "../details/search-table.ts";
import { trainingCsv, trainings } from "../details/training-table.ts";
import type { Observer } from "../observer.ts";
import { answers, described, limit, number, object } from "./schemas.ts";

/** Entries that one question asks for. */
const AT_ONCE = 1_000;
/** The scheduler keeps fewer of a run. */
const MOST_QUESTIONS = 200;

const params = object({ run: number("The run's number.") });

interface OfRun {
  readonly Params: { readonly run: RunId };
}

export function runRoutes(app: FastifyInstance, { observer }: Context): void {
  const tags = ["runs"];
  const listed = described("`now`, `items`, and `total`: how many there are.");
  app.get(
    "/api/v1/runs",
    { schema: { tags, summary: "Runs: those that are open, and the last that ended", response: answers(listed) } },
    async () => {
      const { now, runs, runCount } = (await observer.ask({ q: "pageOverview" })).value;
      return { now, items: runs, total: runCount };
    },
  );
  app.get<OfRun>(
    "/api/v1/runs/:run",
    { schema: { tags, summary: "A run", params, response: answers(described("PageRun.")) } },
    ({ params: { run } }) => runOf(observer, run),
  );
  app.get<OfRun & { Querystring: { since: number; limit: number } }>(
    "/api/v1/runs/:run/details",
    {
      schema: {
        tags,
        summary: "What the client told of a run, entry by entry",
        params,
        querystring: object({ since: number("After this entry.", 0), limit: limit(AT_ONCE, 200) }),
        response: answers(described("PageDetails: `items`, `last`: what to ask with next, `missed`.")),
      },
    },
    async ({ params: { run }, query }) => (await observer.ask({ q: "pageDetails", run, ...query })).value,
  );
}

export function detailRoutes(app: FastifyInstance, { observer }: Context): void {
  const get = (path: string, summary: string, answer: string, handler: Handler): void => {
    const schema = { tags: ["runs"], summary, params, response: answers(described(answer)) };
    app.get<OfRun>(`/api/v1/${path}`, { schema }, ({ params: { run } }, reply) => handler(run, reply));
  };
  const searchOf = async (run: RunId) =>
    searchTable(await detailsOf(observer, run)) ?? (await noneOf(observer, run, "search"));
  const trainingsOf = async (run: RunId) => {
    const found = trainings(await detailsOf(observer, run));
    return found.length > 0 ? found : noneOf(observer, run, "training");
  };
  get("searches/:run", "A search: candidates, scores, ranks", "A table: `rows`, `bestSoFar`, `chosen`.", searchOf);
  get("searches/:run.csv", "The same as CSV", "text/csv, a row per candidate.", async (run, reply) =>
    asCsv(reply, `search-${run}.csv`, searchCsv(await searchOf(run))),
  );
  get("trainings/:run", "Trainings of a run: curves by epoch", "`items`, one per training.", async (run) => ({
    items: await trainingsOf(run),
  }));
  get("trainings/:run.csv", "The same as CSV", "text/csv, a row per epoch.", async (run, reply) =>
    asCsv(reply, `training-${run}.csv`, trainingCsv(await trainingsOf(run))),
  );
}

type Handler = (run: RunId, reply: FastifyReply) => Promise<unknown>;

/** All that is kept of a run's details: an answer ends where it would become too long, so that only an empty one is the last. */
export async function detailsOf(observer: Pick<Observer, "ask">, run: RunId): Promise<PageDetails["items"]> {
  const all: PageDetails["items"][number][] = [];
  let since = 0;
  for (let asked = 0; asked < MOST_QUESTIONS; asked++) {
    const { items } = (await observer.ask({ q: "pageDetails", run, since, limit: AT_ONCE })).value;
    const last = items.at(-1);
    if (last === undefined) break;
    all.push(...items);
    since = last.seq;
  }
  return all;
}

async function runOf(observer: Observer, run: RunId): Promise<PageRun> {
  const { runs } = (await observer.ask({ q: "pageOverview" })).value;
  const found = runs.find((one) => one.run === run);
  if (found !== undefined) return found;
  throw new FlockError("FLOCK_RUN_UNKNOWN", `No run ${run} is among those that are open or ended last.`);
}

async function noneOf(observer: Observer, run: RunId, what: string): Promise<never> {
  const { name } = await runOf(observer, run);
  throw new FlockError("FLOCK_RUN_UNKNOWN", `The run ${name} (${run}) is no ${what}, or has told nothing of it yet.`);
}

function asCsv(reply: FastifyReply, file: string, table: string): FastifyReply {
  return reply
    .type("text/csv; charset=utf-8")
    .header("Content-Disposition", `attachment; filename="${file}"`)
    .send(table);
}
