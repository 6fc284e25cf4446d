// What those who size a cluster ask the scheduler, and tell it.

import type { ScaleAdvice } from "@taskflock/protocol/words";
import { workerNames } from "./client-options.ts";
import { type Checks, checkOptions, integerFrom, said } from "./option-checks.ts";
import type { Questions } from "./questions.ts";

export interface AdviceOptions {
  /** The work that is there is to be done within so long, milliseconds. Default 5,000. */
  readonly targetDurationMs?: number;
  /** Slots of a worker, where none is there yet. Default 1. */
  readonly slotsPerWorker?: number;
}

const checks: Checks<AdviceOptions> = {
  targetDurationMs: integerFrom(1, 2 ** 40),
  slotsPerWorker: integerFrom(1, 65_536),
};

/** How many workers the work could use, and which could go; from `client.scaling`. */
export class Scaling {
  readonly #questions: () => Questions;

  /** Made by `client.scaling`. */
  constructor(questions: () => Questions) {
    this.#questions = questions;
  }

  /** Rejects with FLOCK_OPTION_INVALID. */
  async advice(options?: AdviceOptions): Promise<ScaleAdvice> {
    const { targetDurationMs = 5_000, slotsPerWorker = 1 } = checkOptions("advice", options, checks);
    return this.#questions().ask({ q: "scale", targetDurationMs, slots: slotsPerWorker });
  }

  /** Retires those of the workers that are idle still, and resolves with the names of those that leave. `reason`: for the event log. */
  async retireIdle(names: readonly string[], reason: string): Promise<readonly string[]> {
    checkOptions("retireIdle", { names }, { names: workerNames });
    return this.#questions().ask({
      q: "retireIdle",
      workers: [...names],
      reason: said("retireIdle", "reason", reason),
    });
  }

  /** Resolves when workers of all these names are there. */
  async joined(names: readonly string[]): Promise<void> {
    checkOptions("joined", { names }, { names: workerNames });
    await this.#questions().ask({ q: "waitForNamed", workers: [...names] });
  }

  /** For the event log: so many workers were started. */
  async started(count: number, reason: string): Promise<void> {
    checkOptions("started", { count }, { count: integerFrom(0) });
    await this.#questions().ask({ q: "scaledUp", count, reason: said("started", "reason", reason) });
  }
}
