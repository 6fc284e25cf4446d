// The feed's place among what the server answers.

import type { FastifyInstance } from "fastify";
import { type Context, identityOf } from "../context.ts";
import { Stream } from "./stream.ts";

const STREAM_PATH = "/api/v1/stream";

/** Pages get their feed here. The charts' history begins with the first person who signs in, not with a program that reads figures. */
export function feedStream(routes: FastifyInstance, context: Context): void {
  const { observer, guard, streams, closers } = context;
  const stream = new Stream(observer);
  streams.set(STREAM_PATH, (request, socket, head, client) => stream.accept(request, socket, head, client));
  context.points = () => stream.points;
  guard.onRevoked = () => stream.signedOut();
  closers.add(() => stream.close());
  routes.addHook("onRequest", async (request) => {
    if (identityOf(request)?.session) stream.opened();
  });
}
