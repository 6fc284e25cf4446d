// The cookie of a session. Browsers share cookies between the ports of a host: each dashboard has a name of its own.

import type { IncomingMessage } from "node:http";
import { SESSION_MS } from "./sessions.ts";

/** The id of the session that a request shows, or null. */
export function cookieOf(request: IncomingMessage): string | null {
  const start = `${nameFor(request)}=`;
  const found = (request.headers.cookie ?? "").split(/; */).find((part) => part.startsWith(start));
  return found === undefined || found.length > 200 ? null : found.slice(start.length);
}

/** The `Set-Cookie` header that gives a session to who sent the request; null takes it away. */
export function cookieFor(request: IncomingMessage, session: string | null): string {
  const age = session === null ? 0 : SESSION_MS / 1_000;
  const isSecure = "encrypted" in request.socket || request.headers["x-forwarded-proto"] === "https";
  const secure = isSecure ? "; Secure" : "";
  return `${nameFor(request)}=${session ?? ""}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
}

/** By the port that this server listens on: behind a proxy it is not the one that the browser knows, and as good. */
function nameFor(request: IncomingMessage): string {
  return `taskflock_${request.socket.localPort ?? 0}`;
}
