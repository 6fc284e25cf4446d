// Tasks of all clients: listed, one by one with story and error, and as a graph.

import { FlockError, type RunId, type TaskId, type TaskStatus, taskStatuses } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { answers, choice, described, integer, limit, number, object, text } from "./schemas.ts";

interface Listing {
  readonly text: string;
  readonly status: TaskStatus | "";
  readonly function: string;
  readonly worker: string;
  readonly run: RunId | 0;
  readonly before: number;
  readonly limit: number;
}

export function taskRoutes(app: FastifyInstance, context: Context): void {
  listing(app, context);
  one(app, context);
  graph(app, context);
}

function listing(app: FastifyInstance, { observer }: Context): void {
  const any = { default: "" };
  app.get<{ Querystring: Listing }>(
    "/api/v1/tasks",
    {
      schema: {
        tags: ["tasks"],
        summary: "Tasks, the newest first, by page",
        querystring: object({
          text: { ...text("Any part of the key, upper and lower case alike."), ...any },
          status: { ...choice(["", ...taskStatuses], "Any when empty."), ...any },
          function: { ...text("A function's name."), ...any },
          worker: { ...text("A worker's name."), ...any },
          run: number("A run's number; 0: any.", 0),
          before: number("`next` of the page before; 0: the first page.", 0),
          limit: limit(200, 50),
        }),
        response: answers(
          described(
            "PageTasks: `items`, `next` (null after the last page), `total`. A page can be short and have a next one.",
          ),
        ),
      },
    },
    async ({ query: { before, limit, ...filter } }) =>
      (await observer.ask({ q: "pageTasks", filter, before, limit })).value,
  );
  app.get<{ Querystring: { limit: number } }>(
    "/api/v1/failures",
    {
      schema: {
        tags: ["tasks"],
        summary: "Tasks that failed, the first to fail first",
        querystring: object({ limit: limit(200, 50) }),
        response: answers(described("PageFailures: `items`, `total`. `failedKey`: the task that failed first.")),
      },
    },
    async ({ query }) => (await observer.ask({ q: "pageFailures", limit: query.limit })).value,
  );
}

function one(app: FastifyInstance, { observer }: Context): void {
  app.get<{ Params: { id: string }; Querystring: { by?: "id" | "key" } }>(
    "/api/v1/tasks/:id",
    {
      schema: {
        tags: ["tasks"],
        summary: "A task: where it is and why, its story, its error, its neighbours",
        params: object({ id: text("Its number, or its key.", 2_000) }),
        querystring: object({ by: choice(["id", "key"], "What `id` is. Default: digits alone are a number.") }),
        response: answers(
          described("PageTask, and `error`: name, code, message, stack, place, line, causes, arguments, log; or null."),
        ),
      },
    },
    async ({ params: { id }, query: { by } }) => {
      const isNumber = by === undefined ? /^\d{1,15}$/.test(id) : by === "id";
      const task = isNumber ? Number(id) : 0;
      const { value, data } = await observer.ask({ q: "pageTask", task: task as TaskId, key: isNumber ? "" : id });
      if (value === null)
        throw new FlockError("FLOCK_TASK_UNKNOWN", `No task ${id} is known: it was released, or never was.`);
      if (data.length === 0) return { ...value, error: null };
      const { readError } = await import("../task-error.ts");
      return { ...value, error: await readError(observer, data, value.failure) };
    },
  );
}

function graph(app: FastifyInstance, { observer }: Context): void {
  app.get<{ Querystring: { run: RunId | 0; task: number; limit: number } }>(
    "/api/v1/graph",
    {
      schema: {
        tags: ["tasks"],
        summary: "Dependencies of a run's tasks, of all tasks, or around one task",
        querystring: object({
          run: number("A run's number; 0: all runs.", 0),
          task: number("Around this task; 0: not around one.", 0),
          limit: integer("Nodes at most; where there are more tasks, those alike stand as one.", 1, 5_000, 1_000),
        }),
        response: answers(described("PageGraph: columns of nodes and of edges.")),
      },
    },
    async ({ query: { run, task, limit } }) =>
      (await observer.ask({ q: "pageGraph", run, task: task as TaskId, limit })).value,
  );
}
