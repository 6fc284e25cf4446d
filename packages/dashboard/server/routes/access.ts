// Who one is, and links for others.

import { forbidden, type Role, roles } from "@taskflock/protocol/links";
import type { FastifyInstance } from "fastify";
import { CODE_MS } from "../auth/codes.ts";
import { pageEntry } from "../auth/page-audit.ts";
import { refusalOf } from "../auth/refusal.ts";
import { refuse } from "../auth/sign-in.ts";
import { type Context, identityOf } from "../context.ts";
import { answers, choice, emptyBody, object, text } from "./schemas.ts";

export function accessRoutes(app: FastifyInstance, { codes, audit }: Context): void {
  const me = object({
    user: text("A user's name; \"\": the cluster's own token."),
    role: choice(roles),
    signedIn: { type: "boolean" },
  });
  app.get(
    "/api/v1/me",
    { schema: { tags: ["access"], summary: "Whose token or session is shown, and the role", response: answers(me) } },
    (request) => {
      const { user, role, session } = identityOf(request)!;
      return { user, role, signedIn: session !== null };
    },
  );
  app.post<{ Body: { role?: Role } }>(
    "/api/v1/codes",
    {
      preValidation: emptyBody,
      schema: {
        tags: ["access"],
        summary: "A one-time code: /status?code=CODE signs in who opens it first",
        body: object({
          role: choice(["admin", "viewer"], "Default: your own. Others than admins get codes of their own role only."),
        }),
        response: answers(object({ code: text(), path: text("/status?code=…"), validMs: { type: "integer" } })),
      },
    },
    (request, reply) => {
      const { user, role } = identityOf(request)!;
      const wanted = request.body.role ?? role;
      if (role !== "admin" && wanted !== role) {
        return refuse(reply, refusalOf(forbidden({ user, role }, `make a code for the role ${wanted}`, "manage")));
      }
      const code = codes.make({ user, role: wanted });
      audit(pageEntry(request, { user, role }, "made link", { role: wanted }));
      return { code, path: `/status?code=${code}`, validMs: CODE_MS };
    },
  );
}
