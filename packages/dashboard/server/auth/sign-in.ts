// Signing in and out, and links that sign in.

import type { Identity as Who } from "@taskflock/protocol/words";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Context, identityOf } from "../context.ts";
import { cookieFor } from "./cookie.ts";
import { addressOf } from "./guard.ts";
import { pageEntry, refusedEntry } from "./page-audit.ts";
import { errorBody, type Refusal } from "./refusal.ts";

const HOME = "/status";

interface SignIn {
  /** The cluster's token, or a user's: NAME:PASSWORD. With a name: the password alone. */
  readonly token?: unknown;
  readonly name?: unknown;
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

async function signIn(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = (request.body ?? {}) as SignIn;
  const who = await context.guard.whoIs(tokenIn(body), request.raw);
  const target = safePath(body.to);
  if ("status" in who) {
    context.audit(refusedEntry(request.raw, who));
    if (!isForm(request)) return refuse(reply, who);
    const why = whyNot[who.status] ?? "wrong";
    return reply.redirect(`/sign-in?${new URLSearchParams({ why, to: target })}`, 303);
  }
  begin(context, request, reply, who);
  return isForm(request) ? reply.redirect(target, 303) : reply.send({ ...who, to: target });
}

/** What the form says of a refusal, by its status. */
const whyNot: Readonly<Record<number, string>> = { 401: "wrong", 429: "wait", 503: "down" };

function tokenIn({ token, name }: SignIn): string {
  const shown = typeof token === "string" ? token.trim() : "";
  const user = typeof name === "string" ? name.trim() : "";
  return user === "" ? shown : `${user}:${shown}`;
}

function signOut({ guard, audit }: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const identity = identityOf(request);
  if (identity !== null && identity.session !== null) {
    guard.sessions.end(identity.session);
    audit(pageEntry(request, identity, "signed out", {}));
  }
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
  const who = waits ? null : context.codes.take(code);
  if (who === null) {
    if (!waits) context.guard.attempts.wrong(address);
    // Somebody who is signed in needs no code.
    if (identityOf(request) !== null) return moveTo(request, reply, target);
    const why = waits ? "wait" : "code";
    return moveTo(request, reply, `/sign-in?${new URLSearchParams({ why, to: target })}`);
  }
  begin(context, request, reply, who);
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

function begin({ guard, audit }: Context, request: FastifyRequest, reply: FastifyReply, who: Who): void {
  reply.header("Set-Cookie", cookieFor(request.raw, guard.sessions.begin(who)));
  audit(pageEntry(request, who, "signed in", {}));
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
