// Locks and semaphores.

import { FlockError } from "@taskflock/protocol/words";
import { type Checks, checkOptions, describe, integerFrom } from "../option-checks.ts";
import type { Session } from "../session.ts";
import { atTaskEnd } from "../task-here.ts";
import { checkName, patienceOf, type SharedWaitOptions, unlessBusy } from "./waits.ts";

/** What one acquired, until `release()`, the end of a `using` block, the end of the task that acquired it, or of the session. */
export class Lease {
  readonly #end: () => Promise<void>;
  #forget: () => void = () => {};
  #over: Promise<void> | null = null;

  /** Leases come from `lock.acquire` and `semaphore.acquire`. */
  constructor(end: () => Promise<void>) {
    this.#end = end;
    // At once, when the task did not wait for its lease and has ended.
    this.#forget = atTaskEnd(() => void this.release().catch(() => {}));
  }

  /** False from the call of `release()` on. */
  get held(): boolean {
    return this.#over === null;
  }

  /** The next one may have it; resolves when the scheduler knows. Once more is nothing. */
  release(): Promise<void> {
    this.#forget();
    this.#over ??= this.#end();
    return this.#over;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Does not wait until the scheduler knows; what this client asks after it comes after it. */
  [Symbol.dispose](): void {
    this.release().catch(() => {}); // a session that ended has released all
  }
}

/** Who holds it, for people. */
export interface LeaseInfo {
  /** Names of the clients that hold it, one for each lease. */
  readonly holders: readonly string[];
  readonly waiting: number;
}

class Leases {
  readonly name: string;
  readonly #kind: "lock" | "semaphore";
  readonly #session: Session;
  readonly #leases: number;

  constructor(session: Session, kind: "lock" | "semaphore", name: string, leases: number) {
    this.name = checkName(kind, name);
    this.#session = session;
    this.#kind = kind;
    this.#leases = leases;
  }

  /**
   * Waits its turn: first come, first served. Rejects with FLOCK_WAIT_TIMEOUT, FLOCK_CANCELLED (`signal`), FLOCK_SHARED_CONFLICT
   * (another number of leases), FLOCK_SHARED_DELETED. Who holds a lock and acquires it again waits for itself.
   */
  async acquire(options?: SharedWaitOptions): Promise<Lease> {
    const { timeoutMs, signal } = patienceOf("acquire", options);
    const { questions } = this.#open();
    const [kind, name] = [this.#kind, this.name];
    let lease = 0;
    const question = { q: "acquire", kind, name, leases: this.#leases, timeoutMs } as const;
    await questions.askOnce(question, null, signal, (id) => {
      lease = id;
    });
    return new Lease(async () => {
      if (this.#session.ended === null) await questions.askOnce({ q: "releaseLease", kind, name, lease });
    });
  }

  /** Acquires it if that needs no wait; undefined otherwise. */
  tryAcquire(): Promise<Lease | undefined> {
    return unlessBusy(this.acquire({ timeoutMs: 0 }));
  }

  async info(): Promise<LeaseInfo> {
    const { questions } = this.#open();
    const { holders, waiting } = await questions.ask({ q: "sharedInfo", kind: this.#kind, name: this.name });
    return { holders, waiting };
  }

  /** Ends all leases, whoever holds them; who waits is told FLOCK_SHARED_DELETED. */
  async delete(): Promise<void> {
    await this.#open().questions.askOnce({ q: "sharedDelete", kind: this.#kind, name: this.name });
  }

  protected async with<R>(fn: () => R, options: SharedWaitOptions | undefined): Promise<Awaited<R>> {
    if (typeof fn !== "function") {
      throw new FlockError(
        "FLOCK_ARGUMENT_INVALID",
        `A function is to run with the ${this.#kind}, not ${describe(fn)}.`,
      );
    }
    const lease = await this.acquire(options);
    try {
      return await fn();
    } finally {
      await lease.release();
    }
  }

  #open(): Session {
    this.#session.ensureOpen();
    return this.#session;
  }
}

/** One holder at a time, among all clients that use the name. */
export class SharedLock extends Leases {
  /** Locks come from `client.lock`. */
  constructor(session: Session, name: string) {
    super(session, "lock", name, 1);
  }

  /** Runs `fn` while this client holds the lock. */
  withLock<R>(fn: () => R, options?: SharedWaitOptions): Promise<Awaited<R>> {
    return this.with(fn, options);
  }
}

const semaphoreChecks: Checks<{ leases: number }> = { leases: integerFrom(1, 1_000_000) };

/** So many holders at a time, among all clients that use the name. */
export class SharedSemaphore extends Leases {
  readonly leases: number;

  /** Semaphores come from `client.semaphore`. */
  constructor(session: Session, name: string, options: { readonly leases: number }) {
    const { leases } = checkOptions("semaphore", options, semaphoreChecks);
    if (leases === undefined) {
      throw new FlockError("FLOCK_OPTION_INVALID", `semaphore takes { leases: 4 }, not ${describe(options)}.`);
    }
    super(session, "semaphore", name, leases);
    this.leases = leases;
  }

  /** Runs `fn` while this client holds a lease. */
  withLease<R>(fn: () => R, options?: SharedWaitOptions): Promise<Awaited<R>> {
    return this.with(fn, options);
  }
}
