import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { answers, described } from "./schemas.ts";

export function clusterRoutes(app: FastifyInstance, { observer }: Context): void {
  app.get(
    "/api/v1/cluster",
    {
      schema: {
        tags: ["cluster"],
        summary: "The whole cluster: tasks by status, all workers, all runs",
        response: answers(described("As `client.cluster()`.")),
      },
    },
    async () => (await observer.ask({ q: "cluster" })).value,
  );
}
