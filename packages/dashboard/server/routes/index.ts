// The HTTP API under /api/v1.

import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { reportRoutes } from "../report/routes.ts";
import { accessRoutes } from "./access.ts";
import { actionRoutes } from "./actions.ts";
import { clusterRoutes, logRoutes, workerRoutes } from "./cluster.ts";
import { profileRoutes } from "./profile.ts";
import { detailRoutes, runRoutes } from "./runs.ts";
import { taskRoutes } from "./tasks.ts";

export function apiRoutes(app: FastifyInstance, context: Context): void {
  accessRoutes(app, context);
  clusterRoutes(app, context);
  workerRoutes(app, context);
  logRoutes(app, context);
  taskRoutes(app, context);
  runRoutes(app, context);
  detailRoutes(app, context);
  profileRoutes(app, context);
  actionRoutes(app, context);
  reportRoutes(app, context);
}
