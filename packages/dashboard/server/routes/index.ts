// The HTTP API under /api/v1.

import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { reportRoutes } from "../report/routes.ts";
import { accessRoutes } from "./access.ts";
import { clusterRoutes } from "./cluster.ts";

export function apiRoutes(app: FastifyInstance, context: Context): void {
  accessRoutes(app, context);
  clusterRoutes(app, context);
  reportRoutes(app, context);
}
