// What changes the cluster. For admins; the event log says who did it, and from where.

import type { RunId, TaskId } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import { addressOf, type Identity } from "../auth/guard.ts";
import { type PageAudit, pageEntry } from "../auth/page-audit.ts";
import { type Context, identityOf } from "../context.ts";
import { answers, described, emptyBody, list, number, object, type Schema, text } from "./schemas.ts";

const workers = object({ workers: { ...list(text(), "Names of workers."), minItems: 1 } }, ["workers"]);

interface Action<B> {
  readonly name: string;
  readonly summary: string;
  readonly body: Schema;
  readonly action: "cancelled" | "retired" | "restarted";
  /** `who` is for the event log. */
  readonly act: (body: B, who: string) => Promise<unknown>;
}

/** For admins; the audit log says who did it. */
function addAction<B>(app: FastifyInstance, audit: PageAudit, { name, summary, body, action, act }: Action<B>): void {
  const schema = { tags: ["actions"], summary, body, response: answers(described("What was done.")) };
  const options = { schema, config: { isAction: true }, preValidation: emptyBody };
  app.post<{ Body: B }>(`/api/v1/actions/${name}`, options, async (request) => {
    const identity = identityOf(request)!;
    const given = request.body as B & object;
    const done = await act(given, `${nameOf(identity)} at ${addressOf(request.raw)}`);
    audit(pageEntry(request, identity, action, { ...given, action: name }));
    return done;
  });
}

export function actionRoutes(app: FastifyInstance, { observer, audit }: Context): void {
  const post = <B>(
    name: string,
    summary: string,
    body: Schema,
    action: Action<B>["action"],
    act: Action<B>["act"],
  ): void => addAction(app, audit, { name, summary, body, action, act });
  /** For the event log. */
  const note = (who: string, text: string): Promise<unknown> => observer.ask({ q: "note", text: `${who} ${text}` });
  const tasks = list(number("A task's number."), "Tasks to cancel.");
  post<{ tasks?: TaskId[]; run?: RunId }>(
    "cancel",
    "Cancel tasks, or all unfinished tasks of a run, for all clients",
    { ...object({ tasks, run: number("A run's number.") }), minProperties: 1 },
    "cancelled",
    async ({ tasks = [], run = 0 as RunId }, who) => {
      const { value } = await observer.ask({ q: "pageCancel", tasks, run, who });
      return { cancelled: value };
    },
  );
  post<{ workers: string[] }>(
    "retire",
    "Retire workers: each ends what it runs, hands over what only it holds, and leaves",
    workers,
    "retired",
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
    "restarted",
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
    "restarted",
    async (_body, who) => {
      const { value } = await observer.ask({ q: "restart" });
      await note(who, "restarts the cluster");
      return value;
    },
  );
}

/** Such as "ann (admin)"; who has the cluster's own token is "admin". */
function nameOf({ user, role }: Identity): string {
  return user === "" ? role : `${user} (${role})`;
}
