// The description of the HTTP API, made from the routes' own schemas, and a page that shows it.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { WebFiles } from "./web-files.ts";

const require = createRequire(import.meta.url);
const PREFIX = "/api/v1/docs/";
const viewerFiles = new Set(["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]);

const viewerPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Taskflock: HTTP API</title>
<link rel="icon" type="image/png" href="${PREFIX}favicon-32x32.png">
<link rel="stylesheet" href="${PREFIX}swagger-ui.css">
</head>
<body>
<div id="viewer"></div>
<script src="${PREFIX}swagger-ui-bundle.js"></script>
<script src="${PREFIX}show.js"></script>
</body>
</html>
`;
const viewerScript = `"use strict";
SwaggerUIBundle({ url: "/api/v1/openapi.json", dom_id: "#viewer", deepLinking: true, docExpansion: "list", validatorUrl: null });
`;

/** Before the routes: it hears of each that is added. */
export async function openApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Taskflock",
        version: "1",
        description:
          "What a cluster does, and what can be done with it. Show the scheduler's token: `Authorization: Bearer TOKEN`. " +
          "Times named …Us and `at` are µs of the scheduler's clock, whose reading is `now`; those named …Ms are milliseconds.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
  });
  const hidden = { schema: { hide: true } };
  app.get("/api/v1/openapi.json", hidden, () => app.swagger());
  const shown = { ...hidden, config: { isPage: true } };
  app.get(PREFIX.slice(0, -1), shown, (_request, reply) => reply.type("text/html; charset=utf-8").send(viewerPage));
  app.get(`${PREFIX}show.js`, hidden, (_request, reply) =>
    reply.type("text/javascript; charset=utf-8").send(viewerScript),
  );
  let viewer: Promise<WebFiles> | null = null;
  app.get<{ Params: { name: string } }>(`${PREFIX}:name`, hidden, async (request, reply) => {
    viewer ??= WebFiles.read(viewerFolder(), (name) => viewerFiles.has(name));
    return (await viewer).send(request, reply, request.params.name, false);
  });
}

function viewerFolder(): string {
  return join(dirname(require.resolve("@fastify/swagger-ui/package.json")), "static");
}
