// Who may ask: the same rules for requests and for the feed's upgrade. Another site's page must not read or change a cluster through
// the browser of somebody who is signed in (DNS rebinding, cross-origin requests), and nobody without a token.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import {
  Attempts,
  type Authenticator,
  isFlockError,
  isLoopback,
  type Identity as Who,
} from "@taskflock/protocol/links";
import { cookieOf } from "./cookie.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { Sessions } from "./sessions.ts";

export interface GuardOptions {
  /** Host or IP address that is listened on. */
  readonly host: string;
  /** Knows who is behind a token. */
  readonly authenticator: Authenticator;
  /** Names by which a proxy or the network knows this server, without ports. */
  readonly allowedHosts: readonly string[];
  readonly now: () => number;
}

/** Who asks. `session`: of the cookie; null when a token was shown. */
export interface Identity extends Who {
  readonly session: string | null;
  /** When it was known, in users that were revoked since the start. */
  readonly age: number;
}

const loopbackNames: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

export class Guard {
  readonly sessions: Sessions;
  readonly attempts: Attempts;
  readonly isLoopback: boolean;
  /** Called when some are not who they were any more; set by the feed. */
  onRevoked: () => void = () => undefined;
  readonly #options: GuardOptions;
  /** Empty: any. */
  readonly #hosts: ReadonlySet<string>;
  /** By user, the number of the revocation. */
  readonly #revoked: Map<string, number> = new Map();
  #revocations = 0;
  #allRevoked = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.sessions = new Sessions(options.now);
    this.attempts = new Attempts(options.now);
    this.isLoopback = isLoopback(options.host);
    const named = options.allowedHosts.map((name) => name.toLowerCase());
    this.#hosts = new Set(this.isLoopback || named.length > 0 ? [...loopbackNames, ...named] : []);
  }

  /** Those who are signed in, or have a stream, as one of the users are so no more. */
  revoke(users: ReadonlySet<string>): void {
    this.#revocations++;
    for (const user of users) this.#revoked.set(user, this.#revocations);
    this.sessions.endOf(users);
    this.onRevoked();
  }

  revokeAll(): void {
    this.#allRevoked = ++this.#revocations;
    this.sessions.clear();
    this.onRevoked();
  }

  /** Whether who asked then would still be who they were. */
  stands({ user, session, age }: Identity): boolean {
    if (session !== null) return this.sessions.isOpen(session);
    return age >= this.#allRevoked && age >= (this.#revoked.get(user) ?? 0);
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
  async identify(request: IncomingMessage): Promise<Identity | Refusal | null> {
    // Other schemes are a proxy's, which asked for a password of its own.
    const shown = /^Bearer\b *(.*)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (shown === undefined) return this.signedIn(request);
    const age = this.#revocations;
    const who = await this.whoIs(shown, request);
    return "status" in who ? who : { ...who, session: null, age };
  }

  /** Who shows a cookie; null: nobody. */
  signedIn(request: IncomingMessage): Identity | null {
    const session = cookieOf(request);
    const who = session === null ? null : this.sessions.use(session);
    return who === null ? null : { ...who, session, age: this.#revocations };
  }

  /** Who is behind a token that a request shows. */
  async whoIs(token: string, { socket }: IncomingMessage): Promise<Who | Refusal> {
    const address = socket.remoteAddress ?? "unknown";
    const wait = this.waiting(address);
    if (wait !== null) return wait;
    try {
      const { user, role } = await this.#options.authenticator.identify(token, `${address}:${socket.remotePort}`);
      return { user, role };
    } catch (error) {
      if (isFlockError(error, "FLOCK_TRY_LATER")) return { ...refusalOf(error), headers: { "Retry-After": "5" } };
      if (!isFlockError(error, "FLOCK_UNAUTHORIZED")) return refusalOf(error);
      this.attempts.wrong(address);
      return unauthorized("The token is wrong, or the name, or the password. A user's token is NAME:PASSWORD.");
    }
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
