// Reports over HTTP: one of a period that begins and ends when it is asked to, and one of what is remembered.

import type { FastifyInstance, FastifyReply } from "fastify";
import type { Context } from "../context.ts";
import { reportTemplate } from "../report-template.ts";
import { answers, described, integer, object, text } from "../routes/schemas.ts";
import type { ReportData } from "./report-data.ts";
import { reportHtml } from "./report-html.ts";
import { Reports } from "./reports.ts";

const tags = ["reports"];
const title = text("What stands above it.", 512);
const file = described("text/html: one file that needs nothing else.");

export function reportRoutes(app: FastifyInstance, context: Context): void {
  const { observer, closers } = context;
  const reports = new Reports({ asks: observer, wall: Date.now, points: () => context.points() });
  closers.add(() => reports.close());
  const seconds = integer("How long it collects at most, unless it is fetched before.", 1, 86_400, 3_600);
  app.post<{ Body: { title?: string; seconds: number } }>(
    "/api/v1/reports",
    {
      schema: {
        tags,
        summary: "Begins to collect a report",
        body: object({ title, seconds }),
        response: answers(described("`id`, and `endsAt`, milliseconds since 1970.")),
      },
    },
    async ({ body }, reply) => reply.code(201).send(await reports.start(body.title ?? "", body.seconds)),
  );
  app.get<{ Params: { id: string } }>(
    "/api/v1/reports/:id",
    {
      exposeHeadRoute: false, // it would end it, and answer nothing
      schema: {
        tags,
        summary: "Ends a report and answers it",
        params: object({ id: text("As the answer of POST had it.", 64) }, ["id"]),
        response: answers(file),
      },
    },
    async ({ params }, reply) => send(reply, await reports.end(params.id)),
  );
  app.get<{ Querystring: { title?: string } }>(
    "/api/v1/report",
    {
      schema: {
        tags,
        summary: "A report of what is remembered now",
        querystring: object({ title }),
        response: answers(file),
      },
    },
    async ({ query }, reply) => send(reply, await reports.now(query.title ?? "")),
  );
}

/** As a file to keep: opened here, its script would have this server as its origin. */
async function send(reply: FastifyReply, data: ReportData): Promise<FastifyReply> {
  const html = reportHtml(await reportTemplate(), data);
  const name = `taskflock-report-${new Date(data.from).toISOString().slice(0, 19).replaceAll(":", "-")}.html`;
  reply.header("Content-Disposition", `attachment; filename="${name}"`);
  reply.serializer((body) => body as string);
  return reply.type("text/html; charset=utf-8").send(html);
}
