// Figures of whole epochs: loss and metrics take what the batches gave, and tell one number at the end.
import { FlockError } from "@taskflock/protocol/words";
import { createMetric, type Metric, type MetricName, type MetricOptions } from "../metrics/create-metric.ts";
import type { MetricState } from "../metrics/definitions.ts";

/** What an epoch's batches have added up to; plain data, so that a checkpoint in the middle of an epoch keeps it. */
export interface EpochSums {
  readonly rows: number;
  /** Sum over rows of the loss. */
  readonly loss: number;
  /** One state for each metric. */
  readonly metrics: readonly MetricState[];
}

/** Rows that a model has answered. */
export interface SeenBatch {
  readonly rows: number;
  readonly loss: number;
  readonly targets: Float32Array | Int32Array;
  /** The targets' shape without the rows. */
  readonly targetShape: readonly number[];
  readonly outputs: Float32Array | null;
  readonly outputShape: readonly number[];
}

/** Names that every epoch's logs have anyway, and those of validation. */
const reserved = /^(loss|batchLoss|learningRate|val([A-Z].*)?)$/;

export class EpochMetrics {
  /** Of the metrics, as the logs have them. */
  readonly names: readonly string[];
  readonly #metrics: readonly Metric[];
  #rows = 0;
  #loss = 0;

  /** Errors: FLOCK_ML_SCORER for an unknown name, FLOCK_OPTION_INVALID for a wrong option, and for a name that is taken. */
  constructor(metrics: readonly (string | MetricOptions)[]) {
    this.#metrics = metrics.map((metric) => createMetric(metric as MetricName | MetricOptions));
    this.names = this.#metrics.map(({ name }) => name);
    const taken = this.names.find((name, at) => reserved.test(name) || this.names.indexOf(name) !== at);
    if (taken !== undefined)
      throw new FlockError(
        "FLOCK_OPTION_INVALID",
        `metrics: there are two figures of the name ${taken}. Give one of them another by { name, as }.`,
      );
  }

  /** Mean loss over the rows until now. */
  get loss(): number {
    return this.#loss / this.#rows;
  }

  add(batch: SeenBatch): void {
    if (batch.rows === 0) return;
    this.#rows += batch.rows;
    this.#loss += batch.rows * batch.loss;
    if (batch.outputs === null) return;
    const yTrue = { data: batch.targets, shape: [batch.rows, ...batch.targetShape] };
    const yPred = { data: batch.outputs, shape: [batch.rows, ...batch.outputShape] };
    for (const metric of this.#metrics) metric.update(yTrue, yPred);
  }

  sums(): EpochSums {
    return { rows: this.#rows, loss: this.#loss, metrics: this.#metrics.map((metric) => metric.state()) };
  }

  restore(sums: EpochSums): void {
    this.#rows = sums.rows;
    this.#loss = sums.loss;
    for (const [i, metric] of this.#metrics.entries()) {
      const state = sums.metrics[i];
      if (state === undefined) metric.reset();
      else metric.restore(state);
    }
  }

  /** Takes the sums of another worker, which has seen other rows. */
  merge(sums: EpochSums): void {
    this.#rows += sums.rows;
    this.#loss += sums.loss;
    for (const [i, metric] of this.#metrics.entries()) {
      const state = sums.metrics[i];
      if (state !== undefined) metric.merge(state);
    }
  }

  reset(): void {
    this.restore({ rows: 0, loss: 0, metrics: [] });
  }

  logs(): Record<string, number> {
    return { loss: this.loss, ...Object.fromEntries(this.#metrics.map((metric) => [metric.name, metric.result()])) };
  }
}
