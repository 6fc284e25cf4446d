// Who is signed in: in memory, so that all are signed out when the dashboard ends.

import { createHash, randomBytes } from "node:crypto";
import type { Identity } from "@taskflock/protocol/words";

/** A session that is not used for so long is over, milliseconds. */
export const SESSION_MS: number = 12 * 3_600_000;
/** The one not used for longest goes when there are more. */
export const MAX_SESSIONS = 1_000;

interface SignedIn {
  readonly who: Identity;
  until: number;
}

export class Sessions {
  readonly #now: () => number;
  /** By the hash of the id: who reads this memory, or times a look-up, learns no id. The one used last is last. */
  readonly #sessions: Map<string, SignedIn> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The id, for the cookie. */
  begin(who: Identity): string {
    const id = randomBytes(32).toString("base64url");
    this.#sessions.set(hashOf(id), { who, until: this.#now() + SESSION_MS });
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value ?? "");
    return id;
  }

  /** Null when there is none. It lives on from now. */
  use(id: string): Identity | null {
    const hash = hashOf(id);
    const session = this.#alive(hash);
    if (session === null) return null;
    session.until = this.#now() + SESSION_MS;
    this.#sessions.delete(hash);
    this.#sessions.set(hash, session);
    return session.who;
  }

  /** Whether somebody is signed in under it; that somebody asks does not keep it. */
  isOpen(id: string): boolean {
    return this.#alive(hashOf(id)) !== null;
  }

  clear(): void {
    this.#sessions.clear();
  }

  end(id: string): void {
    this.#sessions.delete(hashOf(id));
  }

  endOf(users: ReadonlySet<string>): void {
    for (const [hash, { who }] of this.#sessions) if (users.has(who.user)) this.#sessions.delete(hash);
  }

  #alive(hash: string): SignedIn | null {
    const session = this.#sessions.get(hash);
    if (session === undefined) return null;
    if (this.#now() < session.until) return session;
    this.#sessions.delete(hash);
    return null;
  }
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}
