// Who may ask: the same rules for requests and for the feed's upgrade. Another site's page must not read or change a cluster through
// the browser of somebody who is signed in (DNS rebinding, cross-origin requests), and nobody without a token.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Attempts, isLoopback, tokensEqual } from "@taskflock/protocol/links";
import { cookieOf } from "./cookie.ts";
import type { Refusal } from "./refusal.ts";
import { type Role, Sessions } from "./sessions.ts";

export interface GuardOptions {
  /** Host or IP address that is listened on. */
  readonly host: string;
  /** Role admin, until another comes. */
  readonly token: string;
  /** Role viewer. */
  readonly viewerToken: string | null;
  /** Names by which a proxy or the network knows this server, without ports. */
  readonly allowedHosts: readonly string[];
  readonly now: () => number;
}

/** Who asks. `session`: of the cookie; null when a token was shown. */
export interface Identity {
  readonly role: Role;
  readonly session: string | null;
}

const loopbackNames: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

export class Guard {
  readonly sessions: Sessions;
  readonly attempts: Attempts;
  readonly isLoopback: boolean;
  readonly #options: GuardOptions;
  /** Empty: any. */
  readonly #hosts: ReadonlySet<string>;
  #token: string;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#token = options.token;
    this.sessions = new Sessions(options.now);
    this.attempts = new Attempts(options.now);
    this.isLoopback = isLoopback(options.host);
    const named = options.allowedHosts.map((name) => name.toLowerCase());
    this.#hosts = new Set(this.isLoopback || named.length > 0 ? [...loopbackNames, ...named] : []);
  }

  /** Who shows it is an admin. */
  get token(): string {
    return this.#token;
  }

  /** Another token is the admins' from now on: all are signed out. Says whether it is another. */
  renew(token: string): boolean {
    if (token === this.#token) return false;
    this.#token = token;
    this.sessions.clear();
    return true;
  }

  /** A request that names another host, or comes from another site's page; null when it is neither. */
  foreign({ headers }: IncomingMessage): Refusal | null {
    const name = hostName(headers.host ?? "");
    if (this.#hosts.size > 0 && !this.#hosts.has(name)) {
      const message = `The request names the host ${JSON.stringify(name)}; this dashboard is served as ${[...this.#hosts].join(", ")}. --dashboard-allowed-hosts adds names.`;
      return { status: 421, code: "FLOCK_REQUEST_REFUSED", message };
    }
    const { origin, host } = headers;
    const isOurs = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
    if (isOurs && !isEmbedded(headers)) return null;
    return { status: 403, code: "FLOCK_REQUEST_REFUSED", message: "Requests from pages of other sites are refused." };
  }

  /** Null: nobody. A wrong token is refused, and counted. */
  identify(request: IncomingMessage): Identity | Refusal | null {
    // Other schemes are a proxy's, which asked for a password of its own.
    const shown = /^Bearer\b *(.*)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (shown !== undefined) {
      const role = this.roleOf(shown, addressOf(request));
      return typeof role === "string" ? { role, session: null } : role;
    }
    return this.signedIn(request);
  }

  /** Who shows a cookie; null: nobody. */
  signedIn(request: IncomingMessage): Identity | null {
    const session = cookieOf(request);
    const role = session === null ? null : this.sessions.use(session);
    return role === null ? null : { role, session };
  }

  /** What is behind a token that is shown from `address`. */
  roleOf(token: string, address: string): Role | Refusal {
    const wait = this.waiting(address);
    if (wait !== null) return wait;
    const { viewerToken } = this.#options;
    // Both are compared, whatever the first says.
    const isAdmin = tokensEqual(token, this.#token);
    const isViewer = tokensEqual(token, viewerToken ?? this.#token) && viewerToken !== null;
    if (isAdmin) return "admin";
    if (isViewer) return "viewer";
    this.attempts.wrong(address);
    return unauthorized("The token is wrong.");
  }

  /** Too many wrong tokens or codes came from the address. */
  waiting(address: string): Refusal | null {
    const seconds = this.attempts.waitSeconds(address);
    if (seconds === 0) return null;
    return {
      status: 429,
      code: "FLOCK_UNAUTHORIZED",
      message: `Too many wrong tokens came from ${address}. Try again in ${seconds} s.`,
      headers: { "Retry-After": String(seconds) },
    };
  }
}

export function unauthorized(message: string): Refusal {
  const headers = { "WWW-Authenticate": 'Bearer realm="taskflock"' };
  return { status: 401, code: "FLOCK_UNAUTHORIZED", message, headers };
}

/** May this be done by a browser that shows a cookie? Only by our own page: it says its origin, and sends JSON, which no form can. */
export function crossSite({ headers }: IncomingMessage): Refusal | null {
  const isJson = /^application\/json\b/i.test(headers["content-type"] ?? "");
  if (headers.origin !== undefined && isJson) return null;
  const message =
    "What changes something, and shows a cookie, must have an Origin header and the Content-Type application/json.";
  return { status: 403, code: "FLOCK_REQUEST_REFUSED", message };
}

/**
 * What another site's page asked for by itself, such as an image: no Origin header tells of that, and on another port of this host the
 * browser even shows our cookie. A link that a person follows is none of it.
 */
function isEmbedded(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return false;
  return headers["sec-fetch-mode"] !== "navigate" || headers["sec-fetch-dest"] !== "document";
}

export function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "unknown";
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}
