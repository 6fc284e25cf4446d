// Sizes a cluster by the work that is there: further workers at once, fewer after a while, and never one that is busy.

import {
  type Checks,
  checkOptions,
  FlockError,
  integerFrom,
  isFlockError,
  type ScaleAdvice,
  type ScaleDemand,
} from "@taskflock/client";

export interface AdaptOptions {
  /** Workers that are there at least. Default 0. */
  readonly minimum?: number;
  /** Workers that are there at most. */
  readonly maximum: number;
  /** So many workers are wanted that the work which is there takes so long, milliseconds. Default 5,000. */
  readonly targetDurationMs?: number;
  /** How often it looks, milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** A worker goes when it was not needed so many looks in a row. Default 3. */
  readonly waitCount?: number;
  /** Told what was done, and what failed. */
  readonly onEvent?: (event: AdaptiveEvent) => void;
}

/** Who starts workers and ends them: all that sizing a cluster needs to know of it. */
export interface Supplier {
  /** Tasks that one of its workers runs at once. */
  readonly slotsPerWorker: number;
  /** Names of its workers that are there, or on their way, and are not leaving. */
  workers(): Promise<readonly string[]> | readonly string[];
  /** Starts so many more. From then on `workers` names them. Rejects when it cannot; some may have been started. */
  supply(count: number): Promise<void>;
  /** Retires those of the workers that are idle still, and says which leave. A worker that got work meanwhile stays. */
  remove(names: readonly string[], reason: string): Promise<readonly string[]>;
  /** How many workers the work could use: `client.scaling.advice`. */
  advice(options: { readonly targetDurationMs: number; readonly slotsPerWorker: number }): Promise<ScaleAdvice>;
  /** True when workers that it starts can run such tasks. */
  canServe(demand: ScaleDemand): boolean;
}

export type AdaptiveEvent = { readonly atMs: number } & (
  | { readonly kind: "scaleUp"; readonly count: number; readonly from: number; readonly to: number }
  | { readonly kind: "scaleDown"; readonly workers: readonly string[]; readonly from: number; readonly to: number }
  /** Tasks wait for workers that this cluster cannot supply; once for each requirement. */
  | { readonly kind: "cannotServe"; readonly demand: ScaleDemand }
  /** It is tried again after `againMs`, longer each time. */
  | {
      readonly kind: "failed";
      readonly what: "look" | "scaleUp" | "scaleDown";
      readonly error: FlockError;
      readonly againMs: number;
    }
);

const MAX_WORKERS = 100_000;
const EVENTS_KEPT = 1_000;
/** The longest wait after failures in a row. */
const LAST_BACKOFF_MS = 60_000;

const whole = integerFrom(0, MAX_WORKERS);
const positive = integerFrom(1, 2 ** 31 - 1);
const checks: Checks<AdaptOptions> = {
  minimum: whole,
  maximum: whole,
  targetDurationMs: positive,
  intervalMs: positive,
  waitCount: integerFrom(1, MAX_WORKERS),
  onEvent: (value) => (typeof value === "function" ? null : "a function"),
};

/** Throws FLOCK_OPTION_INVALID. */
export function completeAdaptOptions(raw: AdaptOptions): Required<AdaptOptions> {
  const options = checkOptions("adapt", raw, checks);
  const minimum = options.minimum ?? 0;
  if (options.maximum === undefined || options.maximum < minimum) {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `adapt: maximum is needed, and not below minimum: ${options.maximum} and ${minimum} were given.`,
    );
  }
  return {
    minimum,
    maximum: options.maximum,
    targetDurationMs: options.targetDurationMs ?? 5_000,
    intervalMs: options.intervalMs ?? 1_000,
    waitCount: options.waitCount ?? 3,
    onEvent: options.onEvent ?? (() => undefined),
  };
}

/** Decides, round by round. Whoever holds it says when a round is, and stops. */
export class Adaptive {
  readonly options: Required<AdaptOptions>;
  readonly #supplier: Supplier;
  readonly #events: AdaptiveEvent[] = [];
  /** Rounds in a row in which a worker was not needed. */
  #surplus: ReadonlyMap<string, number> = new Map();
  readonly #unserved: Set<string> = new Set();
  #failures = 0;
  #notBeforeMs = 0;

  constructor(supplier: Supplier, options: AdaptOptions) {
    this.#supplier = supplier;
    this.options = completeAdaptOptions(options);
  }

  /** What it did last, the oldest first; at most a thousand. */
  get events(): readonly AdaptiveEvent[] {
    return [...this.#events];
  }

  /** Looks once, and does what is to be done. Rounds must not overlap. Never rejects: what fails is an event, and tried again later. */
  async round(nowMs: number): Promise<void> {
    if (nowMs < this.#notBeforeMs) return;
    let what: "look" | "scaleUp" | "scaleDown" = "look";
    try {
      const { targetDurationMs } = this.options;
      const { slotsPerWorker } = this.#supplier;
      const advice = await this.#supplier.advice({ targetDurationMs, slotsPerWorker });
      const mine = await this.#supplier.workers();
      const target = this.#target(advice, nowMs);
      what = target > mine.length ? "scaleUp" : "scaleDown";
      if (target > mine.length) await this.#grow(mine.length, target, nowMs);
      else await this.#shrink(advice, mine, target, nowMs);
      this.#failures = 0;
    } catch (error) {
      this.#failed(what, error, nowMs);
    }
  }

  /** How many workers this cluster is to have. */
  #target({ wanted, demands }: ScaleAdvice, atMs: number): number {
    let target = wanted;
    for (const demand of demands) {
      if (this.#supplier.canServe(demand)) target += demand.wanted;
      else if (demand.able === 0) this.#tellUnserved(demand, atMs);
    }
    const { minimum, maximum } = this.options;
    return Math.min(maximum, Math.max(minimum, target));
  }

  async #grow(from: number, to: number, atMs: number): Promise<void> {
    this.#surplus = new Map();
    await this.#supplier.supply(to - from);
    this.#happened({ atMs, kind: "scaleUp", count: to - from, from, to });
  }

  /** Of the workers that could go, those that could have gone for some time. */
  async #shrink({ mayGo }: ScaleAdvice, mine: readonly string[], target: number, atMs: number): Promise<void> {
    const own = new Set(mine);
    const idle = mine.length > target ? mayGo.filter((name) => own.has(name)) : [];
    this.#surplus = new Map(idle.map((name) => [name, (this.#surplus.get(name) ?? 0) + 1]));
    const long = idle.filter((name) => (this.#surplus.get(name) ?? 0) >= this.options.waitCount);
    const over = long.slice(0, mine.length - target);
    if (over.length === 0) return;
    const gone = await this.#supplier.remove(over, `not needed ${this.options.waitCount} times in a row`);
    if (gone.length === 0) return;
    const from = mine.length;
    this.#happened({ atMs, kind: "scaleDown", workers: gone, from, to: from - gone.length });
  }

  #failed(what: "look" | "scaleUp" | "scaleDown", cause: unknown, atMs: number): void {
    const againMs = Math.min(LAST_BACKOFF_MS, this.options.intervalMs * 2 ** this.#failures);
    this.#failures++;
    this.#notBeforeMs = atMs + againMs;
    this.#happened({ atMs, kind: "failed", what, error: asFlockError(cause), againMs });
  }

  #tellUnserved(demand: ScaleDemand, atMs: number): void {
    const key = JSON.stringify([demand.resources, demand.workers]);
    if (this.#unserved.has(key)) return;
    if (this.#unserved.size >= EVENTS_KEPT) this.#unserved.clear(); // requirements are the users' to choose
    this.#unserved.add(key);
    this.#happened({ atMs, kind: "cannotServe", demand });
  }

  #happened(event: AdaptiveEvent): void {
    this.#events.push(event);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
    // What the callback throws is its own matter, as with any listener.
    queueMicrotask(() => this.options.onEvent(event));
  }
}

/** A cluster that is being sized; `stop()` leaves it as it is then. */
export class RunningAdaptive {
  readonly #adaptive: Adaptive;
  readonly #ended: () => Promise<void>;
  readonly #looped: Promise<void>;
  #stopped = false;
  #wake: () => void = () => undefined;
  #stopping: Promise<void> | null = null;

  /** Made by a cluster's `adapt`. `ended` is called once, at its end. */
  constructor(adaptive: Adaptive, ended: () => Promise<void>) {
    this.#adaptive = adaptive;
    this.#ended = ended;
    this.#looped = this.#loop();
  }

  get events(): readonly AdaptiveEvent[] {
    return this.#adaptive.events;
  }

  /** Resolves when nothing is started or removed any more. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#looped;
    await this.#ended();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await this.#adaptive.round(performance.now());
      if (this.#stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#adaptive.options.intervalMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function asFlockError(error: unknown): FlockError {
  if (isFlockError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new FlockError("FLOCK_CLUSTER_START", `Workers could not be started or removed: ${message}`, { cause: error });
}
