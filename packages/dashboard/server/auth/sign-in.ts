// Signing in and out, and links that sign in.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Context, identityOf } from "../context.ts";
import { cookieFor } from "./cookie.ts";
import { addressOf } from "./guard.ts";
import { errorBody, type Refusal } from "./refusal.ts";
import type { Role } from "./sessions.ts";

const HOME = "/status";

interface SignIn {
  readonly token?: unknown;
  readonly to?: unknown;
}

/** The form's page is made by Vite; it posts here, as a form or as JSON. */
export function signInRoutes(app: FastifyInstance, context: Context): void {
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 4_096 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  const free = { schema: { hide: true }, config: { isFree: true } };
  app.get("/sign-in", free, (request, reply) => context.page.send(request, reply, "sign-in.html", false));
  app.post("/sign-in", free, (request, reply) => signIn(context, request, reply));
  app.post("/sign-out", free, (request, reply) => signOut(context, request, reply));
}

function signIn({ guard }: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { token, to } = (request.body ?? {}) as SignIn;
  const role = guard.roleOf(typeof token === "string" ? token.trim() : "", addressOf(request.raw));
  const target = safePath(to);
  if (typeof role !== "string") {
    if (!isForm(request)) return refuse(reply, role);
    const why = role.status === 429 ? "wait" : "wrong";
    return reply.redirect(`/sign-in?${new URLSearchParams({ why, to: target })}`, 303);
  }
  begin({ guard }, request, reply, role);
  return isForm(request) ? reply.redirect(target, 303) : reply.send({ role, to: target });
}

function signOut({ guard }: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { session } = identityOf(request) ?? { session: null };
  if (session !== null) guard.sessions.end(session);
  reply.header("Set-Cookie", cookieFor(request.raw, null));
  return isForm(request) ? reply.redirect("/sign-in", 303) : reply.code(204).send();
}

/** `?code=…` on any of the page's addresses: the cookie, and the address without the code. Null when there is no code. */
export function signInByCode(context: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply | null {
  const url = new URL(request.url, "http://localhost");
  const code = url.searchParams.get("code");
  // Who only asks for headers is a program that looks at links: the code is for the person.
  if (code === null || request.method !== "GET") return null;
  url.searchParams.delete("code");
  const target = safePath(url.pathname + url.search);
  const address = addressOf(request.raw);
  const waits = context.guard.waiting(address) !== null;
  const role = waits ? null : context.codes.take(code);
  if (role === null) {
    if (!waits) context.guard.attempts.wrong(address);
    // Somebody who is signed in needs no code.
    if (identityOf(request) !== null) return moveTo(request, reply, target);
    const why = waits ? "wait" : "code";
    return moveTo(request, reply, `/sign-in?${new URLSearchParams({ why, to: target })}`);
  }
  begin(context, request, reply, role);
  return moveTo(request, reply, target);
}

/** To the form, and from there back to where somebody wanted to go. */
export function askToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const here = safePath(request.url);
  return moveTo(request, reply, `/sign-in?${new URLSearchParams({ to: here })}`, here);
}

/**
 * A browser that follows a link of another site's page does not show our cookie, along all redirections; it does when our own page leads
 * it there.
 */
function moveTo(request: FastifyRequest, reply: FastifyReply, target: string, fromElsewhere = target): FastifyReply {
  if (request.headers["sec-fetch-site"] !== "cross-site") return reply.redirect(target, 303);
  const markup = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${escapeHtml(fromElsewhere)}"><title>Taskflock</title>`;
  return reply.type("text/html; charset=utf-8").send(markup);
}

function begin({ guard }: Pick<Context, "guard">, request: FastifyRequest, reply: FastifyReply, role: Role): void {
  reply.header("Set-Cookie", cookieFor(request.raw, guard.sessions.begin(role)));
}

/** A path of this server, and nothing that a browser could take for another one's address. */
export function safePath(to: unknown): string {
  if (typeof to !== "string" || to.length > 2_000 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(to)) return HOME;
  const url = new URL(to, "http://localhost");
  const isOurs =
    url.origin === "http://localhost" && !url.pathname.startsWith("//") && !url.pathname.startsWith("/sign-");
  return isOurs ? url.pathname + url.search + url.hash : HOME;
}

export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return reply
    .code(refusal.status)
    .headers(refusal.headers ?? {})
    .send(errorBody(refusal));
}

function isForm(request: FastifyRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
