// What a model's answers add to the figures of an epoch, and the figures of validation.
import { epochOrder, rowCount, takeRows } from "./batches.ts";
import type { EpochMetrics } from "./epoch-metrics.ts";
import type { BatchResult, Network } from "./network.ts";
import type { Tensor, TrainingSet } from "./types.ts";

/** Counts rows of `y` that the network has answered. */
export function countRows(
  metrics: EpochMetrics,
  network: Network,
  y: Tensor,
  rows: Int32Array,
  { loss, outputs }: BatchResult,
): void {
  const targets = outputs === null ? new Float32Array(0) : takeRows(y, rows, "float32");
  const outputShape = outputs === null ? [] : network.outputShape(outputs, rows.length);
  metrics.add({ rows: rows.length, loss, targets, targetShape: y.shape.slice(1), outputs, outputShape });
}

/** Figures of a set in inference mode, by the names of validation: `valLoss`, `valF1`. */
export async function validationLogs(
  network: Network,
  set: TrainingSet,
  metrics: EpochMetrics,
  batchSize: number,
): Promise<Record<string, number>> {
  const rows = epochOrder(rowCount(set), 0, 0, false);
  for (let start = 0; start < rows.length; start += batchSize) {
    const batch = rows.subarray(start, start + batchSize);
    countRows(metrics, network, set.y, batch, await network.evaluate(set, batch));
  }
  const named = Object.entries(metrics.logs()).map(([name, value]) => [
    `val${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    value,
  ]);
  return Object.fromEntries(named) as Record<string, number>;
}
