// What changes the cluster. For admins; the event log says who did it, and from where.

import type { RunId, TaskId } from "@taskflock/protocol/links";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { addressOf } from "../auth/guard.ts";
import { type Context, identityOf } from "../context.ts";
import { answers, described, emptyBody, list, number, object, type Schema, text } from "./schemas.ts";

const workers = object({ workers: { ...list(text(), "Names of workers."), minItems: 1 } }, ["workers"]);

export function actionRoutes(app: FastifyInstance, { observer }: Context): void {
  const post = <B>(
    name: string,
    summary: string,
    body: Schema,
    handler: (body: B, who: string) => Promise<unknown>,
  ): void => {
    const schema = { tags: ["actions"], summary, body, response: answers(described("What was done.")) };
    const options = { schema, config: { isAction: true }, preValidation: emptyBody };
    app.post<{ Body: B }>(`/api/v1/actions/${name}`, options, (request) => handler(request.body as B, whoOf(request)));
  };
  /** For the event log. */
  const note = (who: string, text: string): Promise<unknown> => observer.ask({ q: "note", text: `${who} ${text}` });
  const tasks = list(number("A task's number."), "Tasks to cancel.");
  post<{ tasks?: TaskId[]; run?: RunId }>(
    "cancel",
    "Cancel tasks, or all unfinished tasks of a run, for all clients",
    { ...object({ tasks, run: number("A run's number.") }), minProperties: 1 },
    async ({ tasks = [], run = 0 as RunId }, who) => {
      const { value } = await observer.ask({ q: "pageCancel", tasks, run, who });
      return { cancelled: value };
    },
  );
  post<{ workers: string[] }>(
    "retire",
    "Retire workers: each ends what it runs, hands over what only it holds, and leaves",
    workers,
    async ({ workers }, who) => {
      const { value } = await observer.ask({ q: "retire", workers });
      await note(who, `retires ${workers.join(", ")}`);
      return { workers: value.map(({ name }) => name) };
    },
  );
  post<{ workers: string[] }>(
    "restart-workers",
    "Replace the processes of workers: each ends what it runs, hands over what only it holds, and begins anew",
    workers,
    async ({ workers }, who) => {
      const { value } = await observer.ask({ q: "restartWorkers", workers });
      await note(who, `restarts ${workers.join(", ")}`);
      return { workers: value.map(({ name }) => name) };
    },
  );
  post<unknown>(
    "restart-cluster",
    "Cancel all tasks, drop all data, and replace every worker process that has a nanny",
    object({}),
    async (_body, who) => {
      const { value } = await observer.ask({ q: "restart" });
      await note(who, "restarts the cluster");
      return value;
    },
  );
}

/** Such as "admin at 10.0.0.7". */
function whoOf(request: FastifyRequest): string {
  return `${identityOf(request)?.role ?? "nobody"} at ${addressOf(request.raw)}`;
}
