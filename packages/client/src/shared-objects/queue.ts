import { FlockError } from "@taskflock/protocol/words";
import { type Checks, checkOptions, describe, integerFrom } from "../option-checks.ts";
import type { Session } from "../session.ts";
import { given, type TakenItem, take } from "./items.ts";
import {
  checkName,
  type Patience,
  patience,
  patienceOf,
  type SharedWaitOptions,
  sharedWaitChecks,
  unlessBusy,
} from "./waits.ts";

export interface SharedQueueOptions {
  /** How many elements it takes before `put` waits; the same everywhere while it is in use. Default: any number. */
  readonly maxSize?: number;
}

export interface TakeManyOptions extends SharedWaitOptions {
  /** How many at most, 1 to 10,000. */
  readonly max: number;
}

const queueChecks: Checks<SharedQueueOptions> = { maxSize: integerFrom(1, 2 ** 31 - 1) };
const manyChecks: Checks<TakeManyOptions> = { max: integerFrom(1, 10_000), ...sharedWaitChecks };

/**
 * A queue that all clients share under its name. Elements leave in the order in which they came, each to one client; clients that wait
 * are served in their order. It is there while it has elements or somebody waits for it; elements stay when their client is gone.
 */
export class SharedQueue<T> {
  readonly name: string;
  readonly #session: Session;
  readonly #maxSize: number | null;

  /** Queues come from `client.queue`. */
  constructor(session: Session, name: string, options: SharedQueueOptions | undefined) {
    this.name = checkName("queue", name);
    this.#session = session;
    this.#maxSize = checkOptions("queue", options, queueChecks).maxSize ?? null;
  }

  /**
   * Adds an element at the end; waits while the queue is full. A future keeps its result on the cluster until it is taken and released.
   * Rejects with FLOCK_WAIT_TIMEOUT, FLOCK_TOO_LARGE (a value over 64 KiB), FLOCK_NOT_SERIALIZABLE, FLOCK_SHARED_CONFLICT (another
   * maxSize), FLOCK_SHARED_FULL, FLOCK_SHARED_DELETED.
   */
  async put(value: T, options?: SharedWaitOptions): Promise<void> {
    const { timeoutMs, signal } = patienceOf("put", options);
    const { questions } = this.#open();
    const { fields, bytes } = given(this.#session, "put", value);
    const question = { q: "queuePut", name: this.name, maxSize: this.#maxSize, timeoutMs, ...fields } as const;
    await questions.askOnce(question, bytes, signal);
  }

  /**
   * Takes the first element; waits for one. A future that was put is a future of this client: release it. Rejects with
   * FLOCK_WAIT_TIMEOUT, FLOCK_SHARED_DELETED.
   */
  async get(options?: SharedWaitOptions): Promise<T> {
    return (await this.#take(patienceOf("get", options))).value as T;
  }

  /** Takes the first element, or nothing (undefined) when the queue is empty. */
  tryGet(): Promise<T | undefined> {
    return unlessBusy(this.get({ timeoutMs: 0 }));
  }

  /** Waits for an element, and takes it and what is there behind it, `max` at most. Others may take elements in between. */
  async getBatch(options: TakeManyOptions): Promise<T[]> {
    const checked = checkOptions("getBatch", options, manyChecks);
    const { max, ...waits } = checked;
    if (max === undefined) {
      throw new FlockError("FLOCK_OPTION_INVALID", `getBatch takes { max: 100 }, not ${describe(options)}.`);
    }
    const first = await this.#take(patience(waits));
    const more = Array.from({ length: Math.min(max - 1, first.left) }, () =>
      unlessBusy(this.#take({ timeoutMs: 0, signal: undefined })),
    );
    const taken = [first, ...(await Promise.all(more))];
    return taken.filter((item) => item !== undefined).map(({ value }) => value as T);
  }

  /** How many elements it has now. */
  async size(): Promise<number> {
    return (await this.#open().questions.ask({ q: "sharedInfo", kind: "queue", name: this.name })).size;
  }

  /** Drops all elements; who waits is told FLOCK_SHARED_DELETED. */
  async delete(): Promise<void> {
    await this.#open().questions.askOnce({ q: "sharedDelete", kind: "queue", name: this.name });
  }

  #take({ timeoutMs, signal }: Patience): Promise<TakenItem> {
    const { questions } = this.#open();
    const asked = { q: "queueGet", name: this.name, maxSize: this.#maxSize, timeoutMs } as const;
    return take(this.#session, (as) => questions.askOnce({ ...asked, as }, null, signal));
  }

  #open(): Session {
    this.#session.ensureOpen();
    return this.#session;
  }
}
