// Looks for notices that the spot instance below this worker is taken away. Nothing that goes wrong here reaches the worker.
import type { Logger } from "pino";
import { InstanceMetadata } from "./metadata.ts";
import { planFor, readEnd, readRebalance, type SpotPlan } from "./notices.ts";
import type { CompleteSpotOptions } from "./options.ts";

export interface SpotClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds; keeps no process alive. */
  wait(ms: number): Promise<void>;
}

export interface SpotWatchParts {
  readonly options: CompleteSpotOptions;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
  readonly clock: SpotClock;
  /** The instance ends. Again when the service names another time. */
  ends(plan: SpotPlan): void;
  /** The instance may end soon: for the event log. Once. */
  rebalance(text: string): void;
}

export const realClock: SpotClock = {
  now: () => Date.now(),
  wait: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms).unref();
    }),
};

export class SpotWatch {
  readonly #parts: SpotWatchParts;
  readonly #metadata: InstanceMetadata;
  #closed = false;
  /** What was said already. */
  #ending = "";
  #isRebalanceSaid = false;
  #isSilent = false;

  constructor(parts: SpotWatchParts) {
    const { options, fetch, clock } = parts;
    this.#parts = parts;
    this.#metadata = new InstanceMetadata({ baseUrl: options.metadataUrl, fetch, now: () => clock.now() });
  }

  /** Resolves when there is nothing to watch, or after `close`; never rejects. */
  async run(): Promise<void> {
    const { options, clock, logger } = this.#parts;
    if (options.mode === "off" || (options.mode === "auto" && !(await this.#isSpot()))) return;
    logger.info({ metadata: options.metadataUrl, mode: options.mode }, "spot notices are watched for");
    while (!this.#closed) {
      await this.look();
      await clock.wait(options.intervalMs);
    }
  }

  close(): void {
    this.#closed = true;
  }

  /** Once; never rejects. */
  async look(): Promise<void> {
    try {
      this.#end(await this.#metadata.get("spot/instance-action"));
      if (!this.#isRebalanceSaid) this.#rebalance(await this.#metadata.get("events/recommendations/rebalance"));
      if (this.#isSilent) this.#parts.logger.info("the instance metadata service answers again");
      this.#isSilent = false;
    } catch (error) {
      if (!this.#isSilent && !this.#closed) this.#parts.logger.warn({ err: error }, UNANSWERED);
      this.#isSilent = true;
    }
  }

  async #isSpot(): Promise<boolean> {
    try {
      const cycle = await this.#metadata.get("instance-life-cycle");
      if (cycle !== "spot") this.#parts.logger.info({ cycle }, "this is no spot instance: no notices are watched for");
      return cycle === "spot";
    } catch (error) {
      this.#parts.logger.debug({ err: error }, "no instance metadata service answers: no spot notices are watched for");
      return false;
    }
  }

  #end(text: string | null): void {
    if (text === null || text === this.#ending || this.#closed) return;
    const { clock, options } = this.#parts;
    const now = clock.now();
    const end = readEnd(text, now);
    if (end === null) return;
    this.#ending = text;
    this.#parts.ends(planFor(end, now, options.marginMs));
  }

  #rebalance(text: string | null): void {
    const since = text === null ? null : readRebalance(text);
    if (since === null || this.#closed) return;
    this.#isRebalanceSaid = true;
    const then = this.#parts.options.rebalance === "retire" ? "the worker retires" : "the worker goes on";
    this.#parts.rebalance(`rebalance recommendation of ${since}: the spot instance may end soon; ${then}`);
  }
}

const UNANSWERED =
  "the instance metadata service does not answer: spot notices are not seen until it does. In a container its hop limit must be 2 at least";
