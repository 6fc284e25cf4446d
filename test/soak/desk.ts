// Where one unit of work is done: what it submits is judged here, against values that were computed locally.

import { isDeepStrictEqual } from "node:util";
import { type Client, type Future, isFlockError } from "taskflock";
import type { Random } from "../simulation/random.ts";
import type { FromPlayer, Litter, Outcome } from "./messages.ts";

/** Deaths of workers do not fail tasks here: how often a worker dies under a task is the program's doing. */
export const MANY_FAILURES = 1_000;

/** A result or an end that should not be. */
export class Wrong extends Error {
  override readonly name: string = "Wrong";
}

export interface DeskHost {
  readonly client: Client;
  readonly random: Random;
  say(message: FromPlayer): void;
  count(outcome: Outcome): void;
}

export class Desk {
  readonly client: Client;
  readonly random: Random;
  /** Of this unit alone, among all clients of all runs of the program. */
  readonly name: string;
  readonly begunAt: number = Date.now();
  readonly #host: DeskHost;
  readonly #futures: Future<unknown>[] = [];

  constructor(host: DeskHost, name: string) {
    this.#host = host;
    this.client = host.client;
    this.random = host.random;
    this.name = name;
  }

  /** Futures that have not ended yet. */
  get pending(): readonly Future<unknown>[] {
    return this.#futures.filter(({ status }) => status === "pending");
  }

  /** They are released when the unit ends. */
  own<F extends Future<unknown>>(future: F): F {
    this.#futures.push(future);
    return future;
  }

  ownAll<F extends Future<unknown>>(futures: readonly F[]): readonly F[] {
    for (const future of futures) this.#futures.push(future);
    return futures;
  }

  releaseAll(): void {
    for (const future of this.#futures) future.release();
    this.#futures.length = 0;
  }

  count(outcome: Outcome): void {
    this.#host.count(outcome);
  }

  /** The future ends with this value, and nothing else. */
  async gives(future: Future<unknown>, expected: unknown): Promise<void> {
    const error = await future.error();
    if (error !== null) throw await this.#wrongEnd(future, error, "a value");
    this.same(await future.result(), expected, future.key);
    if (future.status !== "done") throw new Wrong(`${future.key} was done, and is ${future.status} now`);
    this.count("right");
  }

  /** The future ends with an error of this name or code, and nothing else. */
  async fails(future: Future<unknown>, expected: string, outcome: Outcome = "failedByPlan"): Promise<void> {
    const error = await future.error();
    if (error === null) throw new Wrong(`${future.key} is done; it should have ended with ${expected}`);
    if (error.name !== expected && !isFlockError(error, expected as never)) {
      throw await this.#wrongEnd(future, error, expected);
    }
    this.count(outcome);
  }

  /** The future ends with this value; or its data was lost, which is checked against what was done to workers. */
  async givesOrIsLost(future: Future<unknown>, expected: unknown): Promise<void> {
    const error = await future.error();
    if (error !== null && isDataLoss(error)) {
      this.lost(`${future.key}: ${error.message}`, "dataLost");
      return;
    }
    if (error !== null) throw await this.#wrongEnd(future, error, "a value");
    try {
      this.same(await future.result(), expected, future.key);
    } catch (later) {
      // The last copy can be lost between the end of the upload and this.
      if (!isDataLoss(later)) throw later;
      this.lost(`${future.key}: ${(later as Error).message}`, "dataLost");
      return;
    }
    this.count("right");
  }

  /** What may be lost with a worker was. A planned end of a worker takes actors along, and no data. */
  lost(what: string, outcome: "dataLost" | "actorLost"): void {
    this.count(outcome);
    const isRetireEnough = outcome === "actorLost";
    this.#host.say({ t: "lost", what, since: this.begunAt, until: Date.now(), isRetireEnough });
  }

  same(found: unknown, expected: unknown, what: string): void {
    if (isDeepStrictEqual(found, expected)) return;
    throw new Wrong(`${what}: ${shown(found)} instead of ${shown(expected)}`);
  }

  /** Something with a name on the cluster, which is there until the end of `work`. */
  async with<T>(kind: Litter["kind"], work: (name: string) => Promise<T>): Promise<T> {
    const litter: Litter = { kind, name: this.name };
    this.#host.say({ t: "litter", litter, isThere: true });
    const result = await work(this.name);
    this.#host.say({ t: "litter", litter, isThere: false });
    return result;
  }

  async #wrongEnd(future: Future<unknown>, error: Error, expected: string): Promise<Wrong> {
    const code = isFlockError(error) ? error.code : error.name;
    const story = await this.client.story(future).catch((reason: Error) => reason.message);
    const lines = typeof story === "string" ? story : story.map(({ to, detail }) => `${to} (${detail})`).join(" > ");
    const cause = error.cause instanceof Error ? ` because of: ${error.cause.message}` : "";
    return new Wrong(
      `${future.key} ended with ${code}: ${error.message}${cause}; expected ${expected}. Story: ${lines}`,
    );
  }
}

/** The error, or what made a task that depends on the data fail. */
function isDataLoss(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isFlockError(cause, "FLOCK_DATA_LOST")) return true;
  }
  return false;
}

function shown(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}, ${value.byteLength} bytes`;
  return (JSON.stringify(value) ?? String(value)).slice(0, 300);
}
