// Metrics over whole epochs: what the batches gave is added up, and the figure is made at the end.
import { FlockError } from "@taskflock/protocol/words";

/** Sums that all batches of an epoch go into; plain data, so that a checkpoint in the middle of an epoch keeps it. */
export interface EpochSums {
  rows: number;
  /** Sum over rows of the loss. */
  loss: number;
  /** One state for each metric. */
  metrics: unknown[];
}

export interface SeenBatch {
  readonly rows: number;
  readonly loss: number;
  readonly targets: Float32Array | Int32Array;
  readonly outputs: Float32Array | null;
}

interface MeanState {
  sum: number;
  rows: number;
}

export class EpochMetrics {
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    this.names = names;
    const unknown = names.find((name) => name !== "accuracy");
    if (unknown !== undefined)
      throw new FlockError(
        "FLOCK_ML_PARAMETER",
        `There is no metric ${JSON.stringify(unknown)}. Metrics are: accuracy.`,
      );
  }

  start(): EpochSums {
    return { rows: 0, loss: 0, metrics: this.names.map(() => ({ sum: 0, rows: 0 }) satisfies MeanState) };
  }

  add(sums: EpochSums, batch: SeenBatch): void {
    if (batch.rows === 0) return;
    sums.rows += batch.rows;
    sums.loss += batch.rows * batch.loss;
    const { outputs } = batch;
    if (outputs === null) return;
    for (const state of sums.metrics) {
      (state as MeanState).sum += correctRows(batch.rows, batch.targets, outputs);
      (state as MeanState).rows += batch.rows;
    }
  }

  /** Takes the sums of other workers, which have seen other rows. */
  merge(sums: EpochSums, other: EpochSums): void {
    sums.rows += other.rows;
    sums.loss += other.loss;
    sums.metrics.forEach((state, i) => {
      (state as MeanState).sum += (other.metrics[i] as MeanState).sum;
      (state as MeanState).rows += (other.metrics[i] as MeanState).rows;
    });
  }

  logs(sums: EpochSums): Record<string, number> {
    const values = this.names.map((name, i): [string, number] => {
      const state = sums.metrics[i] as MeanState;
      return [name, state.sum / state.rows];
    });
    return { loss: sums.loss / sums.rows, ...Object.fromEntries(values) };
  }
}

/** Rows whose every label, or whose class, is right. */
function correctRows(rows: number, targets: Float32Array | Int32Array, outputs: Float32Array): number {
  const width = outputs.length / rows;
  let correct = 0;
  for (let row = 0; row < rows; row++)
    correct += Number(
      largest(targets, row * width, width) === largest(outputs, row * width, width) &&
        (width > 1 || (targets[row] as number) > 0.5 === (outputs[row] as number) > 0.5),
    );
  return correct;
}

function largest(values: Float32Array | Int32Array, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if ((values[start + i] as number) > (values[start + best] as number)) best = i;
  return best;
}
