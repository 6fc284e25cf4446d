// What a worker is told about the spot instance that it may run on.

import { FlockError } from "@taskflock/protocol";

export const spotModes = ["auto", "on", "off"] as const;
export const rebalanceModes = ["note", "retire"] as const;

export interface SpotOptions {
  /**
   * `on`: the instance metadata service is asked for notices. `auto`: where it answers within a second at the start, and says that the
   * instance is a spot instance. `off` (default): nobody is asked.
   */
  readonly mode?: (typeof spotModes)[number];
  /** What a recommendation to rebalance does: `note` (default): an event, `retire`: the worker retires, however long that takes. */
  readonly rebalance?: (typeof rebalanceModes)[number];
  /** Of the metadata service. Default http://169.254.169.254. */
  readonly metadataUrl?: string;
  /** The worker is gone by so long before its instance ends, milliseconds. Default 10 s. */
  readonly marginMs?: number;
  /** How often it is looked for notices, milliseconds. Default 5 s. */
  readonly intervalMs?: number;
}

export type CompleteSpotOptions = Required<SpotOptions>;

const MAX_MS = 3_600_000;

/** Fills in defaults; throws `FLOCK_OPTION_INVALID`. */
export function completeSpot(options: SpotOptions = {}): CompleteSpotOptions {
  const {
    mode = "off",
    rebalance = "note",
    metadataUrl = "http://169.254.169.254",
    marginMs = 10_000,
    intervalMs = 5_000,
  } = options;
  const check = (name: string, value: unknown, holds: boolean, takes: string): void => {
    if (holds) return;
    const text = `The worker's option spot.${name} is ${String(value)}; it takes ${takes}.`;
    throw new FlockError("FLOCK_OPTION_INVALID", text);
  };
  check("mode", mode, spotModes.includes(mode), '"auto", "on" or "off"');
  check("rebalance", rebalance, rebalanceModes.includes(rebalance), '"note" or "retire"');
  check("metadataUrl", metadataUrl, /^https?:\/\/[^/]/.test(metadataUrl) && URL.canParse(metadataUrl), "an http URL");
  check("marginMs", marginMs, marginMs >= 0 && marginMs <= MAX_MS, "milliseconds from 0 to an hour");
  check("intervalMs", intervalMs, intervalMs >= 1 && intervalMs <= MAX_MS, "milliseconds from 1 to an hour");
  return { mode, rebalance, metadataUrl: metadataUrl.replace(/\/+$/, ""), marginMs, intervalMs };
}
