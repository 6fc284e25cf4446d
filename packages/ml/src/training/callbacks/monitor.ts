// What Keras's MonitorCallback does for those that watch a figure: which direction is better, and what counts as better.
import { FlockError } from "@taskflock/protocol/words";
import { createMetric, type MetricName } from "../../metrics/create-metric.ts";
import type { EpochLogs, MonitorMode } from "../types.ts";

/** "auto": from the name of the figure. */
export type AnyMode = MonitorMode | "auto";

/** All options, with the direction found out: what goes to the worker. */
export type WithMode<O> = Omit<Required<O>, "mode"> & { readonly mode: MonitorMode };

/**
 * Which direction is better. Of "auto": less for losses, and what the metric says for a metric. Errors: FLOCK_OPTION_INVALID when it
 * cannot be told, as Keras's ValueError.
 */
export function direction(callback: string, monitor: string, mode: AnyMode): MonitorMode {
  if (mode !== "auto") return mode;
  const name = /^val[A-Z]/.test(monitor) ? monitor.charAt(3).toLowerCase() + monitor.slice(4) : monitor;
  if (name === "loss") return "min";
  try {
    return createMetric(name as MetricName).mode;
  } catch {
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `${callback}: it cannot be told whether more or less of ${monitor} is better. Pass mode: "max" or mode: "min".`,
    );
  }
}

/** Whether a figure is better than `best` by at least `minDelta`; anything is better than nothing (null). */
export function improves(mode: MonitorMode, minDelta: number, current: number, best: number | null): boolean {
  if (best === null) return true;
  return mode === "min" ? current + minDelta < best : current - minDelta > best;
}

/** What is said when the figure is not there. */
export function notAvailable(doing: string, monitor: string, logs: EpochLogs): string {
  return `${doing} metric ${monitor} which is not available. Available metrics are: ${Object.keys(logs).join(", ")}.`;
}
