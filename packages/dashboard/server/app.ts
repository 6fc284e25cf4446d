// What is answered to whom.

import { type IncomingMessage, type RequestListener, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Authenticator, ErrorCode, FlockError, Identity as Who } from "@taskflock/protocol/links";
import Fastify, {
  type FastifyContextConfig,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaValidationError,
} from "fastify";
import { ByLink } from "./auth/by-link.ts";
import type { Codes } from "./auth/codes.ts";
import { cookieFor } from "./auth/cookie.ts";
import { crossSite, Guard, type Identity, unauthorized } from "./auth/guard.ts";
import { type PageAudit, pageEntry, refusedEntry } from "./auth/page-audit.ts";
import { errorBody, type Refusal, refusalOf } from "./auth/refusal.ts";
import { askToSignIn, refuse, signInRoutes } from "./auth/sign-in.ts";
import { type Context, identityOf, type Scheduler } from "./context.ts";
import { feedStream } from "./feed/feed-stream.ts";
import { Observer } from "./observer.ts";
import { openApi } from "./open-api.ts";
import { pageRoutes } from "./page-routes.ts";
import { apiRoutes } from "./routes/index.ts";
import { PAGE_FOLDER, WebFiles } from "./web-files.ts";

export interface AppOptions {
  /** Host or IP address that is listened on, e.g. `127.0.0.1`. */
  readonly host: string;
  readonly scheduler: Scheduler;
  /** Shown to the scheduler. Who shows it here is whom the scheduler takes us for. */
  readonly token: string;
  /** Who is behind other tokens. Default: the scheduler is asked. */
  readonly authenticator?: Authenticator;
  /** Told who signed in, and did what. */
  readonly audit?: PageAudit;
  /** Where it is read again when the scheduler refuses it: one that was started anew may have made itself another. Null: it stays. */
  readonly renewToken?: () => string | null;
  /** Names by which a proxy or the network knows this server. Default: on loopback its names, elsewhere any. */
  readonly allowedHosts?: readonly string[];
  /** Told what went wrong here. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Where the page's build is. */
  readonly pageFolder?: string;
}

/** Something that is answered: who may ask for it stands in its `config`. */
export interface AppRoute {
  readonly methods: readonly string[];
  /** Such as `/api/v1/tasks/:id`. */
  readonly path: string;
  readonly config: FastifyContextConfig;
}

export interface App {
  /** All that there is. */
  readonly routes: readonly AppRoute[];
  /** The paths that answer upgrade requests. */
  readonly streams: readonly string[];
  readonly answer: RequestListener;
  /** Answers an upgrade request, of whom may have it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Null when the scheduler answers, else why not; it is tried again. Rejects with what would be the same again. */
  connect(): Promise<FlockError | null>;
  close(): Promise<void>;
}

/** `default-src 'none'`: what is not named here, the page has not. */
const CONTENT_SECURITY_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "X-Content-Type-Options": "nosniff",
  // Our own form's Origin header would be "null" with less.
  "Referrer-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

const hopeless: ReadonlySet<ErrorCode> = new Set([
  "FLOCK_UNAUTHORIZED",
  "FLOCK_VERSION_MISMATCH",
  "FLOCK_ADDRESS_INVALID",
]);

export async function createApp(options: AppOptions, codes: Codes): Promise<App> {
  const { scheduler, audit = () => undefined } = options;
  const { observer, guard, close } = whoIsWho(options, codes);
  const page = await WebFiles.read(options.pageFolder ?? PAGE_FOLDER);
  const { here } = scheduler;
  const context: Context = {
    observer,
    guard,
    codes,
    audit,
    page,
    here,
    points: () => [],
    streams: new Map(),
    closers: new Set(),
  };
  const app = await newFastify(options);
  const routes: AppRoute[] = [];
  app.addHook("onRoute", ({ method, url, config = {} }) => {
    routes.push({ methods: [method].flat(), path: url, config });
  });
  app.addHook("onRequest", (request, reply) => admit(context, request, reply));
  await openApi(app);
  await app.register(async (inner) => {
    feedStream(inner, context);
    signInRoutes(inner, context);
    pageRoutes(inner, context);
    apiRoutes(inner, context);
  });
  await app.ready();
  return {
    routes,
    streams: [...context.streams.keys()],
    answer: (request, response) => app.routing(request, response),
    upgrade: (request, socket, head) => void upgrade(context, request, socket, head),
    connect: async () => {
      await observer.open();
      const { why } = observer;
      if (why !== null && hopeless.has(why.code)) throw why;
      return why;
    },
    close: async () => {
      await Promise.all([...context.closers].map((closer) => closer()));
      await close();
      await app.close();
    },
  };
}

interface WhoIsWho {
  readonly observer: Observer;
  readonly guard: Guard;
  close(): Promise<void>;
}

/** The link to the scheduler by our own token, and who is let in by others. */
function whoIsWho(options: AppOptions, codes: Codes): WhoIsWho {
  const { address, trust } = options.scheduler;
  let { token } = options;
  const observer = new Observer({
    address,
    trust,
    token: () => token,
    onRefused: () => {
      const renewed = options.renewToken?.() ?? token;
      if (renewed === token) return;
      token = renewed;
      guard.revokeAll();
      codes.clear();
    },
  });
  const ownIdentity = async (): Promise<Who | null> => {
    await observer.open();
    return observer.identity;
  };
  const links = new ByLink({ address, trust, own: () => token, ownIdentity });
  const { host, authenticator = links, allowedHosts = [], now = Date.now } = options;
  const guard = new Guard({ host, authenticator, allowedHosts, now });
  const unlisten = authenticator.onRevoked((users) => {
    guard.revoke(users);
    codes.endOf(users);
  });
  const close = async (): Promise<void> => {
    unlisten();
    await Promise.all([observer.close(), links.close()]);
  };
  return { observer, guard, close };
}

async function newFastify({ onError }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: 256 * 1024,
    routerOptions: { maxParamLength: 3_000 },
    // What is unknown is refused, and not left out in silence.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    schemaErrorFormatter: ([first], where) => new Error(problemOf(first, where)),
  });
  // Schemas of answers are documentation: what is sent is what there is.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, _request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.status === 500) onError?.(error);
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `There is nothing at ${request.method} ${request.url.slice(0, 200)}. /api/v1/docs lists what there is; the page is at /status.`;
    return reply.code(404).send(errorBody({ code: "FLOCK_PATH_UNKNOWN", message }));
  });
  app.decorateRequest("identity", null);
  return app;
}

/** Of what a schema does not take: where it is, what it is, and what would be taken. */
function problemOf(problem: FastifySchemaValidationError | undefined, where: string): string {
  const { instancePath = "", message = "is not taken", params = {} } = problem ?? {};
  const { additionalProperty, allowedValues } = params;
  const extra = additionalProperty === undefined ? "" : `: ${JSON.stringify(additionalProperty)}`;
  const choices = Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : "";
  return `${where}${instancePath.replaceAll("/", ".")} ${message}${extra}${choices}`.slice(0, 500);
}

async function admit(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { guard } = context;
  reply.headers(headers);
  const foreign = guard.foreign(request.raw);
  if (foreign !== null) return refuse(reply, foreign);
  const { isFree = false, isPage = false, isAction = false } = request.routeOptions.config;
  const identity = isFree ? guard.signedIn(request.raw) : await guard.identify(request.raw);
  if (identity !== null && "status" in identity) {
    context.audit(refusedEntry(request.raw, identity));
    return refuse(reply, identity);
  }
  request.identity = identity;
  if (identity?.session) reply.header("Set-Cookie", cookieFor(request.raw, identity.session));
  if (isFree) return undefined;
  if (isPage && request.method === "GET" && new URLSearchParams(request.url.split("?")[1]).has("code"))
    return undefined;
  if (identity === null) {
    return isPage
      ? askToSignIn(request, reply)
      : refuse(reply, unauthorized("Show the token: Authorization: Bearer TOKEN. Or sign in at /sign-in."));
  }
  const isSafe = request.method === "GET" || request.method === "HEAD";
  const forged = isSafe || identity.session === null ? null : crossSite(request.raw);
  if (forged !== null) return refuse(reply, forged);
  if (!isAction || identity.role === "admin") return undefined;
  context.audit(pageEntry(request, identity, "forbidden", { asked: request.routeOptions.url }));
  return refuse(reply, viewersLook(request));
}

async function upgrade(
  { guard, streams, audit }: Context,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const stream = streams.get(request.url?.split("?")[0] ?? "");
  const identity = await authorizeUpgrade(guard, request);
  if (stream === undefined) refuseUpgrade(socket, 404);
  else if ("status" in identity) {
    if (request.headers.authorization !== undefined) audit(refusedEntry(request, identity));
    refuseUpgrade(socket, identity.status);
  } else {
    stream(request, socket, head, { role: identity.role, isSignedIn: () => guard.stands(identity) });
  }
}

/** A browser shows its cookie with an upgrade from any page: its origin must be ours, and said. */
async function authorizeUpgrade(guard: Guard, request: IncomingMessage): Promise<Identity | Refusal> {
  const refusal = guard.foreign(request);
  if (refusal !== null) return refusal;
  const identity = (await guard.identify(request)) ?? unauthorized("Sign in first.");
  if ("status" in identity || identity.session === null || request.headers.origin !== undefined) return identity;
  const message = "An upgrade that shows a cookie must have an Origin header.";
  return { status: 403, code: "FLOCK_REQUEST_REFUSED", message };
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.on("error", () => undefined); // it may be gone already
  // Who does not end its side would be held for ever.
  socket.on("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function viewersLook(request: FastifyRequest): Refusal {
  const message = `${request.method} ${request.url} changes the cluster, and the token that was shown is of role ${identityOf(request)?.role}: that takes the role admin.`;
  return { status: 403, code: "FLOCK_FORBIDDEN", message };
}
