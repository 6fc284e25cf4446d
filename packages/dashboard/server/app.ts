// What is answered to whom. It reads; it never changes anything.

import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestListener } from "node:http";
import type { ClusterInfo } from "@taskflock/protocol/words";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { pageScript, pageStyle, renderMain, renderPage } from "./page.ts";

/** Where the pages get what they show. */
export interface StatusSource {
  cluster(): ClusterInfo;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface AppOptions {
  /** Host or IP address that is listened on, e.g. `127.0.0.1`. */
  readonly host: string;
  readonly source: StatusSource;
  /** Demanded (as a bearer token or as the password of HTTP Basic) when the host is not loopback. */
  readonly token: string;
}

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** What handles the server's requests. */
export async function createApp(options: AppOptions): Promise<RequestListener> {
  const app = Fastify({ logger: false, bodyLimit: 64 * 1024 });
  guard(app, options);
  routes(app, options.source);
  await app.ready();
  return (request, response) => app.routing(request, response);
}

/** Another site's page must not read ours through the person's browser (DNS rebinding, cross-origin requests). */
function guard(app: FastifyInstance, { host, token }: AppOptions): void {
  const loopback = loopbackNames.has(host);
  app.addHook("onRequest", async (request, reply) => {
    reply.header(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    reply.header("X-Content-Type-Options", "nosniff");
    reply.header("Referrer-Policy", "no-referrer");
    reply.header("Cache-Control", "no-store");
    if (loopback && !loopbackNames.has(hostName(request))) {
      return refuse(reply, 421, `this page is served as ${host} only; the request named another host`);
    }
    const origin = request.headers.origin;
    if (origin !== undefined && origin !== `http://${request.headers.host}`) {
      return refuse(reply, 403, "requests from other sites are refused");
    }
    if (!loopback && request.url !== "/health" && !authorized(request, token)) {
      reply.header("WWW-Authenticate", 'Basic realm="taskflock: any name, and the token as password"');
      return refuse(reply, 401, "the token is missing or wrong");
    }
    return undefined;
  });
}

function hostName(request: FastifyRequest): string {
  return (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ error: message });
}

function authorized(request: FastifyRequest, token: string): boolean {
  const [scheme, credentials = ""] = (request.headers.authorization ?? "").split(" ");
  if (scheme === "Bearer") return equal(credentials, token);
  if (scheme === "Basic")
    return equal(
      Buffer.from(credentials, "base64")
        .toString()
        .replace(/^[^:]*:/, ""),
      token,
    );
  return false;
}

/** In constant time: digests have one length whatever was sent. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function routes(app: FastifyInstance, source: StatusSource): void {
  app.get("/", (_request, reply) => reply.redirect("/status"));
  app.get("/health", () => ({ status: "ok", scheduler: source.cluster().scheduler.id }));
  app.get("/metrics", async (_request, reply) => {
    const { contentType, body } = await source.metrics();
    return reply.type(contentType).send(body);
  });
  app.get("/api/v1/cluster", () => source.cluster());
  app.get("/status", (_request, reply) => reply.type("text/html; charset=utf-8").send(renderPage(source.cluster())));
  app.get("/status/main", (_request, reply) =>
    reply.type("text/html; charset=utf-8").send(renderMain(source.cluster())),
  );
  app.get("/status/page.js", (_request, reply) => reply.type("text/javascript; charset=utf-8").send(pageScript));
  app.get("/status/page.css", (_request, reply) => reply.type("text/css; charset=utf-8").send(pageStyle));
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `there is nothing at ${request.url}; see /status, /health, /metrics, /api/v1/cluster` }),
  );
}
