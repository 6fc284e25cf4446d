// The page's own addresses, which all are one document; its files; and what machines ask to see that we live.

import { FlockError } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import { errorBody } from "./auth/refusal.ts";
import { signInByCode } from "./auth/sign-in.ts";
import type { Context } from "./context.ts";

const NOT_BUILT =
  "The page is not built: `npm run build` in the repository makes it. The HTTP API is there: see /api/v1/docs.\n";

export function pageRoutes(app: FastifyInstance, context: Context): void {
  const { page, here, observer, guard } = context;
  const free = { schema: { hide: true }, config: { isFree: true } };
  const own = { schema: { hide: true }, config: { isPage: true } };
  app.get("/", own, (_request, reply) => reply.redirect("/status", 303));
  for (const path of ["/status", "/status/*"]) {
    app.get(path, own, (request, reply) => {
      const moved = signInByCode(context, request, reply);
      if (moved !== null) return moved;
      if (!page.has("index.html")) return reply.code(503).type("text/plain; charset=utf-8").send(NOT_BUILT);
      return page.send(request, reply, "index.html", false);
    });
  }
  app.get<{ Params: { "*": string } }>("/status/assets/*", free, (request, reply) =>
    page.send(request, reply, `assets/${request.params["*"]}`, true),
  );
  app.get("/health", free, async () => {
    if (here !== null) return { status: "ok", scheduler: here.id, connected: true };
    void observer.open();
    return { status: "ok", scheduler: observer.scheduler, connected: observer.connected };
  });
  app.get("/metrics", { schema: { hide: true }, config: { isFree: guard.isLoopback } }, async (_request, reply) => {
    if (here === null) {
      const message =
        "This dashboard stands alone, and has no metrics: read them from the dashboard in the scheduler's process.";
      return reply.code(404).send(errorBody(new FlockError("FLOCK_PATH_UNKNOWN", message)));
    }
    const { contentType, body } = await here.metrics();
    return reply.type(contentType).send(body);
  });
}
