// Large results: they stay with the workers that made them until somebody asks. The scheduler says where, the bytes come
// over connections of their own, and a holder that fails is reported, so that another is named or the task runs again.

import {
  type BulkClient,
  type ClientToScheduler,
  FlockError,
  type Holder,
  type Located,
  NO_PAYLOAD,
  type PayloadStore,
  Received,
  type TaskNumber,
  whyMissing,
} from "@taskflock/protocol";
import type { Tracing } from "./tracing.ts";

/** How many holders are tried before the fault must be on this side: results that are made again are found elsewhere. */
const MAX_ATTEMPTS = 6;

interface Fetching {
  bytes: Promise<Uint8Array> | null;
  readonly abort: AbortController;
  /** Called with the scheduler's next word on where the result is. */
  located: ((place: Place) => void) | null;
}

/** `Located`, with inline bytes copied out of the store. */
interface Place {
  readonly located: Located;
  readonly inline: Uint8Array | null;
}

export interface RetrievalHost {
  readonly tracing: Tracing | null;
  readonly payloads: PayloadStore;
  send(message: ClientToScheduler): void;
}

export class Retrieval {
  readonly #host: RetrievalHost;
  readonly #bulk: BulkClient;
  readonly #fetching: Map<TaskNumber, Fetching> = new Map();

  constructor(host: RetrievalHost, bulk: BulkClient) {
    this.#host = host;
    this.#bulk = bulk;
  }

  /**
   * The result's bytes in memory of their own. Callers at the same time share one transfer, and each gets a copy.
   * Rejects with FLOCK_TRANSFER_FAILED, or with an abort once `drop` was called.
   */
  async bytes(n: TaskNumber): Promise<Uint8Array> {
    const running = this.#fetching.get(n)?.bytes;
    if (running) return (await running).slice();
    const fetching: Fetching = { bytes: null, abort: new AbortController(), located: null };
    this.#fetching.set(n, fetching);
    const told = this.#host.tracing?.transfer(n);
    fetching.bytes = this.#fetch(n, fetching).finally(() => this.#fetching.delete(n));
    if (told !== undefined) {
      fetching.bytes.then(
        ({ length }) => told(length),
        () => told(null),
      );
    }
    return fetching.bytes;
  }

  /** The scheduler's answer to `locate` or `unavailable`. Takes over the inline payload. */
  located(message: Located): void {
    const inline = message.inline === NO_PAYLOAD ? null : this.#host.payloads.get(message.inline).slice();
    if (message.inline !== NO_PAYLOAD) this.#host.payloads.free(message.inline);
    const fetching = this.#fetching.get(message.n);
    const hear = fetching?.located;
    if (fetching === undefined || !hear) return; // an answer that was said twice after a cut
    fetching.located = null;
    hear({ located: message, inline });
  }

  /** Nobody wants the result any more, or it failed after all. */
  drop(n: TaskNumber): void {
    this.#fetching.get(n)?.abort.abort();
  }

  /** After a cut, answers on the way were lost: asks again. */
  resumed(): void {
    for (const [n, { located }] of this.#fetching) if (located !== null) this.#host.send({ t: "locate", n });
  }

  close(): void {
    for (const { abort } of this.#fetching.values()) abort.abort();
  }

  async #fetch(n: TaskNumber, fetching: Fetching): Promise<Uint8Array> {
    const { signal } = fetching.abort;
    const received = new Received();
    let place = await this.#ask(fetching, { t: "locate", n });
    for (let attempt = 1; ; attempt++) {
      if (place.inline !== null) return place.inline;
      const holder = chooseHolder(place.located.holders, n, attempt);
      try {
        return await this.#bulk.fetch(holder, place.located.task, (size) => new Uint8Array(size), signal, received);
      } catch (cause) {
        if (signal.aborted || attempt === MAX_ATTEMPTS) throw transferFailed(n, holder, attempt, cause);
        const { worker, version } = holder;
        const why = whyMissing(holder, cause);
        place = await this.#ask(fetching, { t: "unavailable", n, holder: worker, version, why });
      }
    }
  }

  #ask(fetching: Fetching, question: ClientToScheduler): Promise<Place> {
    const { signal } = fetching.abort;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop, { once: true });
      fetching.located = (place) => {
        signal.removeEventListener("abort", stop);
        resolve(place);
      };
      this.#host.send(question);
    });
  }
}

/** Spreads readers over the holders. */
function chooseHolder(holders: readonly Holder[], n: number, attempt: number): Holder {
  const holder = holders[(n + attempt) % holders.length];
  if (holder === undefined) {
    throw new FlockError("FLOCK_PROTOCOL", `The scheduler located result ${n} nowhere. Please report this.`);
  }
  return holder;
}

function transferFailed(n: number, holder: Holder, attempts: number, cause: unknown): FlockError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new FlockError(
    "FLOCK_TRANSFER_FAILED",
    `Result ${n} could not be fetched, last from ${holder.address} (attempt ${attempts}): ${why}. Check that this machine can reach the workers' peer ports.`,
    { cause },
  );
}
