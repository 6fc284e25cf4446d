// The dashboard's link to the scheduler: one, opened with the first question, and tried again for ever after a cut. What is asked
// while there is no link is answered with why, at once: a page rather says so than waits.

import {
  type Answer,
  type AnswerOf,
  checkQuestion,
  type ErrorCode,
  errorRegistry,
  FlockError,
  type Identity,
  NO_PAYLOAD,
  PayloadStore,
  type Question,
  SchedulerLink,
  type SchedulerToClient,
  type Trust,
  type Welcome,
} from "@taskflock/protocol/links";

/** What is known, and the bytes that belong to it. */
export interface Observed<V> {
  readonly value: V;
  readonly data: Uint8Array;
}

export interface ObserverOptions {
  /** The scheduler's. */
  readonly address: string;
  readonly trust?: Trust | undefined;
  readonly token: () => string;
  /** Called when the scheduler refused the token, before the next attempt. */
  readonly onRefused?: () => void;
  /** How long one question may take unless it says otherwise, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

type Link = SchedulerLink<"client", "toClient">;

interface Asked {
  readonly resolve: (answer: Observed<unknown>) => void;
  readonly reject: (error: FlockError) => void;
  readonly timer: NodeJS.Timeout;
}

const TIMEOUT_MS = 10_000;
/** Between attempts to connect, the first and the last. A link that was up once tries by itself. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const NO_BYTES = new Uint8Array(0);

export class Observer {
  readonly #options: ObserverOptions;
  readonly #payloads: PayloadStore = new PayloadStore();
  readonly #open: Map<number, Asked> = new Map();
  readonly #listeners: Set<(connected: boolean) => void> = new Set();
  #link: Link | null = null;
  #welcome: Welcome | null = null;
  #isUp = false;
  /** The first attempt, which questions wait for. */
  #first: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs: number = FIRST_RETRY_MS;
  /** Why there is no link. */
  #why: FlockError = new FlockError("FLOCK_CONNECTION_LOST", "it was not tried yet.");
  #isClosed = false;
  #last = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Whether questions can be answered now. */
  get connected(): boolean {
    return this.#isUp;
  }

  /** Why there is no link; null while there is one. */
  get why(): FlockError | null {
    return this.#isUp ? null : this.#why;
  }

  /** The id of the scheduler that was last spoken to; null before the first time. Another id: it was started anew. */
  get scheduler(): string | null {
    return this.#welcome?.scheduler ?? null;
  }

  /** Whom the scheduler last took us for; null before the first time. */
  get identity(): Identity | null {
    return this.#welcome;
  }

  /** Called after each change of `connected`, until what is returned is called. */
  onChange(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to connect, if that has not begun; resolves when the first attempt is over, however it went. */
  open(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#first ??= this.#connect();
    return this.#first;
  }

  /**
   * Rejects with FLOCK_ARGUMENT_INVALID when the scheduler would not take the question: all would lose the link. Else with its coded
   * error, with FLOCK_CONNECTION_LOST while there is no link or when it is cut, with FLOCK_WAIT_TIMEOUT when the answer takes too long,
   * or with FLOCK_CLOSED. After a cut it is not known whether a question with an effect had it.
   */
  async ask<Q extends Question>(question: Q, timeoutMs?: number): Promise<Observed<AnswerOf<Q>>> {
    checkQuestion(question);
    if (!this.#isUp) await this.open();
    const link = this.#link;
    if (this.#isClosed) throw closed();
    if (!this.#isUp || link === null) throw this.#down();
    const id = ++this.#last;
    const limit = timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    return new Promise<Observed<AnswerOf<Q>>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id);
        reject(new FlockError("FLOCK_WAIT_TIMEOUT", `The scheduler did not answer ${question.q} within ${limit} ms.`));
      }, limit);
      this.#open.set(id, { resolve: resolve as Asked["resolve"], reject, timer });
      link.send({ t: "ask", id, question });
    });
  }

  /** What is asked is rejected with FLOCK_CLOSED. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#listeners.clear();
    this.#failAll(closed());
    this.#isUp = false;
    const link = this.#link;
    this.#link = null;
    link?.send({ t: "goodbye" });
    await link?.close();
  }

  async #connect(): Promise<void> {
    try {
      const link = await this.#openLink();
      if (this.#isClosed) return await link.close();
      this.#link = link;
      this.#retryMs = FIRST_RETRY_MS;
      this.#up(link.welcome);
    } catch (error) {
      this.#lost(asFlockError(error));
    }
  }

  #openLink(): Promise<Link> {
    const { address, trust, token } = this.#options;
    return SchedulerLink.open<"client", "toClient">({
      address,
      trust,
      token: token(),
      up: "client",
      down: "toClient",
      hello: { role: "client", name: "dashboard", observer: true },
      payloads: this.#payloads,
      reconnectMs: Number.POSITIVE_INFINITY,
      onMessages: (messages) => this.#heard(messages),
      onUp: (welcome) => this.#up(welcome),
      onDown: () => this.#cut(),
      onGone: (error) => this.#lost(error),
    });
  }

  #up(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#say(true);
  }

  #cut(): void {
    this.#why = new FlockError("FLOCK_CONNECTION_LOST", "it was cut.");
    this.#failAll(this.#down());
    this.#say(false);
  }

  /** There is no link, and none that would come back by itself. */
  #lost(error: FlockError): void {
    if (this.#isClosed) return;
    this.#link = null;
    this.#why = error;
    if (error.code === "FLOCK_UNAUTHORIZED") this.#options.onRefused?.();
    this.#failAll(this.#down());
    this.#say(false);
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retry.unref();
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  #say(isUp: boolean): void {
    if (this.#isClosed || isUp === this.#isUp) return;
    this.#isUp = isUp;
    for (const listener of this.#listeners) listener(isUp);
  }

  #heard(messages: readonly SchedulerToClient[]): void {
    for (const message of messages) if (message.t === "answer") this.#answered(message);
  }

  /** Takes over the payload. */
  #answered({ id, value, error, data: payload }: Answer): void {
    const data = payload === NO_PAYLOAD ? NO_BYTES : this.#payloads.get(payload).slice();
    if (payload !== NO_PAYLOAD) this.#payloads.free(payload);
    const asked = this.#open.get(id);
    if (asked === undefined) return; // it came too late
    this.#open.delete(id);
    clearTimeout(asked.timer);
    if (error === null) asked.resolve({ value, data });
    else asked.reject(new FlockError(knownCode(error.code), error.message));
  }

  #failAll(error: FlockError): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { reject, timer } of open) {
      clearTimeout(timer);
      reject(new FlockError(error.code, error.message, { cause: error }));
    }
  }

  #down(): FlockError {
    const message = `The dashboard has no link to the scheduler at ${this.#options.address}, and goes on trying: ${this.#why.message}`;
    return new FlockError("FLOCK_CONNECTION_LOST", message, { cause: this.#why });
  }
}

function closed(): FlockError {
  return new FlockError("FLOCK_CLOSED", "The dashboard was closed.");
}

function asFlockError(error: unknown): FlockError {
  if (error instanceof FlockError) return error;
  return new FlockError("FLOCK_INTERNAL", `The dashboard could not connect: ${String(error)}`, { cause: error });
}

function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorRegistry, code) ? (code as ErrorCode) : "FLOCK_INTERNAL";
}
