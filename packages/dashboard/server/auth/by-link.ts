// Who is behind a token, where the scheduler is another process: it is asked by a link of the token's own, which stays: so it is known when
// the user is removed. What was shown lies in memory, as the page's own token does.

import { createHash } from "node:crypto";
import {
  type Authenticator,
  FlockError,
  type Identity,
  PayloadStore,
  SchedulerLink,
  type Trust,
  tokensEqual,
} from "@taskflock/protocol/links";

export interface ByLinkOptions {
  /** The scheduler's. */
  readonly address: string;
  readonly trust?: Trust | undefined;
  /** The page's own token, and whom the scheduler knows by it; null: there was no link yet. */
  own(): string;
  ownIdentity(): Promise<Identity | null>;
  /** Tokens that are known at a time. Default 1,000. */
  readonly maxKnown?: number;
}

type Link = SchedulerLink<"client", "toClient">;

interface Known {
  readonly link: Link;
  /** As the scheduler said last. */
  identity: Identity | null;
}

/** Tokens that are known at a time; the one not shown for longest goes, and whom it let in with it. */
const MAX_KNOWN = 1_000;
/** About so many at a time the scheduler is asked: strangers who guess must not take all places at its port. */
const MAX_ASKING = 64;

export class ByLink implements Authenticator {
  readonly #options: ByLinkOptions;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #listeners: Set<(users: ReadonlySet<string>) => void> = new Set();
  /** By the hash of the token; the one shown last is last. */
  readonly #known: Map<string, Known> = new Map();
  /** Of which the scheduler has said nothing yet. */
  readonly #asking: Map<string, Promise<Known>> = new Map();

  constructor(options: ByLinkOptions) {
    this.#options = options;
  }

  async identify(token: string): Promise<Identity> {
    if (tokensEqual(token, this.#options.own())) {
      const identity = await this.#options.ownIdentity();
      if (identity !== null) return identity;
      throw new FlockError("FLOCK_CONNECTION_LOST", "The scheduler, which knows who is who, was not reached yet.");
    }
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(hash) ?? (await (this.#asking.get(hash) ?? this.#ask(hash, token)));
    this.#known.delete(hash);
    this.#known.set(hash, known);
    return known.identity ?? known.link.welcome;
  }

  onRevoked(listener: (users: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await Promise.allSettled(this.#asking.values());
    await Promise.all([...this.#known.keys()].map((hash) => this.#forget(hash)));
  }

  #ask(hash: string, token: string): Promise<Known> {
    if (this.#asking.size >= MAX_ASKING) {
      throw new FlockError("FLOCK_TRY_LATER", "Too many tokens are being checked. Try again in a moment.");
    }
    const asked = this.#open(hash, token)
      .then((link) => this.#isRight(hash, link))
      .finally(() => this.#asking.delete(hash));
    this.#asking.set(hash, asked);
    return asked;
  }

  /** Only what is right takes the place of another. */
  #isRight(hash: string, link: Link): Known {
    const [oldest] = this.#known.keys();
    const most = this.#options.maxKnown ?? MAX_KNOWN;
    if (this.#known.size >= most && oldest !== undefined) void this.#forget(oldest);
    const known = { link, identity: null };
    this.#known.set(hash, known);
    return known;
  }

  #open(hash: string, token: string): Promise<Link> {
    const { address, trust } = this.#options;
    return SchedulerLink.open<"client", "toClient">({
      address,
      trust,
      token,
      up: "client",
      down: "toClient",
      hello: { role: "client", name: "dashboard sign-in", observer: true },
      payloads: this.#payloads,
      reconnectMs: Number.POSITIVE_INFINITY,
      busyMs: 0, // whoever signs in is told, and tries again
      onMessages: () => undefined, // nothing was asked
      onUp: ({ user, role }) => this.#isUp(hash, { user, role }),
      onDown: () => undefined,
      onGone: () => void this.#forget(hash),
    });
  }

  /** The scheduler may be another one by now, where the same token stands for somebody else. */
  #isUp(hash: string, identity: Identity): void {
    const known = this.#known.get(hash);
    if (known === undefined) return;
    const before = known.identity;
    known.identity = identity;
    if (before !== null && (before.user !== identity.user || before.role !== identity.role)) this.#revoke(before);
  }

  async #forget(hash: string): Promise<void> {
    const known = this.#known.get(hash);
    this.#known.delete(hash);
    if (known === undefined) return;
    this.#revoke(known.identity ?? known.link.welcome);
    await known.link.close();
  }

  #revoke({ user }: Identity): void {
    for (const listener of this.#listeners) listener(new Set([user]));
  }
}
