// Who one is, and links for others.

import type { FastifyInstance } from "fastify";
import { CODE_MS } from "../auth/codes.ts";
import type { Role } from "../auth/sessions.ts";
import { type Context, identityOf } from "../context.ts";
import { answers, choice, emptyBody, object, text } from "./schemas.ts";

const roles: readonly Role[] = ["admin", "viewer"];

export function accessRoutes(app: FastifyInstance, { codes }: Context): void {
  app.get(
    "/api/v1/me",
    {
      schema: {
        tags: ["access"],
        summary: "The role of the token or session that is shown",
        response: answers(object({ role: choice(roles), signedIn: { type: "boolean" } })),
      },
    },
    (request) => ({ role: identityOf(request)?.role, signedIn: identityOf(request)?.session !== null }),
  );
  app.post<{ Body: { role?: Role } }>(
    "/api/v1/codes",
    {
      config: { isAction: true },
      preValidation: emptyBody,
      schema: {
        tags: ["access"],
        summary: "A one-time code: /status?code=CODE signs in who opens it first",
        body: object({ role: choice(roles, "Default admin.") }),
        response: answers(object({ code: text(), path: text("/status?code=…"), validMs: { type: "integer" } })),
      },
    },
    ({ body }) => {
      const code = codes.make(body.role ?? "admin");
      return { code, path: `/status?code=${code}`, validMs: CODE_MS };
    },
  );
}
