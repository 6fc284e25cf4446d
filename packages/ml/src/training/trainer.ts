// One training in one process: batches, epochs, what they give, and all that it takes to go on elsewhere.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import { epochOrder, rowCount } from "./batches.ts";
import { CallbackRunner } from "./callback-runner.ts";
import { packCheckpoint, unpackCheckpoint } from "./checkpoint-format.ts";
import { EpochMetrics, type EpochSums } from "./epoch-metrics.ts";
import { countRows, validationLogs } from "./evaluation.ts";
import { layerSeeds, setLayerSeeds } from "./layer-seeds.ts";
import { artifactOf } from "./model-artifact.ts";
import { type BatchResult, Network } from "./network.ts";
import { learningRateOf, optimizerState, restoreOptimizer, setLearningRate } from "./optimizer-state.ts";
import type { TrainingAbout } from "./run/report.ts";
import { randomAt, withRandom } from "./seeded-random.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import { checkFits, checkSamePlace, type Progress, type SavedTraining } from "./trainer-state.ts";
import type {
  BatchGradients,
  CallbackContext,
  Epoch,
  ModelArtifact,
  TrainerSurroundings,
  TrainingPlan,
  TrainingSet,
} from "./types.ts";

export class Trainer {
  readonly #tf: TensorFlow;
  readonly #plan: TrainingPlan;
  readonly #network: Network;
  readonly #data: TrainingSet;
  readonly #validation: TrainingSet | null;
  readonly #surroundings: TrainerSurroundings;
  readonly #metrics: EpochMetrics;
  readonly #callbacks: CallbackRunner;
  #seed: number;
  #progress: Progress;
  #bestWeights: readonly StoredTensor[] | null = null;
  /** The order of rows of the epoch it is kept for. */
  #order: { epoch: number; rows: Int32Array } | null = null;
  #since: number = performance.now();
  #weightsSet = 0;

  /**
   * Builds the model. Errors: FLOCK_TRAINING_MODEL when it cannot be trained here, FLOCK_ML_INPUT when the data does not fit it,
   * FLOCK_ML_PARAMETER for class weights, metrics and callbacks.
   */
  static async create(
    tf: TensorFlow,
    plan: TrainingPlan,
    data: TrainingSet,
    validation: TrainingSet | null,
    surroundings: TrainerSurroundings,
  ): Promise<Trainer> {
    const model = await withRandom(randomAt(plan.seed, "build"), () => plan.model(plan.params, tf));
    const network = new Network(tf, model, data, plan.classWeight);
    await network.check(plan.classWeight);
    if (network.ownMetrics.length > 0)
      surroundings.log(
        `Metrics of model.compile (${network.ownMetrics.join(", ")}) are not computed. Give them to the training: metrics: ["accuracy"].`,
      );
    return new Trainer(tf, plan, network, data, validation, surroundings);
  }

  private constructor(
    tf: TensorFlow,
    plan: TrainingPlan,
    network: Network,
    data: TrainingSet,
    validation: TrainingSet | null,
    surroundings: TrainerSurroundings,
  ) {
    this.#tf = tf;
    this.#plan = plan;
    this.#network = network;
    this.#data = data;
    if (rowCount(data) === 0) throw new FlockError("FLOCK_ML_INPUT", "There are no rows to train on.");
    if (validation !== null && rowCount(validation) === 0)
      throw new FlockError("FLOCK_ML_INPUT", "There are no rows to validate with. Give some, or no validation data.");
    this.#validation = validation === null ? null : network.fit(validation);
    this.#surroundings = surroundings;
    this.#metrics = new EpochMetrics(plan.metrics);
    this.#seed = plan.seed;
    this.#progress = {
      epoch: 0,
      batch: 0,
      begun: false,
      seconds: 0,
      history: [],
      stopReason: null,
      ended: false,
      best: null,
    };
    this.#callbacks = new CallbackRunner(this.#leads ? plan.callbacks : [], this.#context());
  }

  /** Finished epochs. */
  get epoch(): number {
    return this.#progress.epoch;
  }

  /** Finished batches of the epoch that runs. */
  get batch(): number {
    return this.#progress.batch;
  }

  /** Batches of an epoch; the last may be shorter than the others. */
  get steps(): number {
    return Math.ceil(rowCount(this.#data) / this.#plan.batchSize);
  }

  /** For people. */
  get about(): TrainingAbout {
    const { model } = this.#network;
    const samples = rowCount(this.#data);
    return { model: model.name, parameters: model.countParams(), samples, steps: this.steps };
  }

  /** How often a callback has set the weights: where several workers train, the others have to take them over. */
  get weightsSet(): number {
    return this.#weightsSet;
  }

  get history(): readonly Epoch[] {
    return this.#progress.history;
  }

  get done(): boolean {
    return this.#progress.epoch >= this.#plan.epochs || this.#progress.stopReason !== null;
  }

  /** Why the training ended, or will end with this epoch, before its last epoch. */
  get stopReason(): string | null {
    return this.#progress.stopReason;
  }

  get learningRate(): number {
    return learningRateOf(this.#network.optimizer);
  }

  set learningRate(rate: number) {
    if (!Number.isFinite(rate))
      throw new FlockError("FLOCK_ML_PARAMETER", `The learning rate cannot be ${String(rate)}: give a number.`);
    setLearningRate(this.#network.optimizer, rate);
  }

  /** Rows of the next batch; null at the end of an epoch, and once the training is to stop. The same until endBatch() or step() is through with them. */
  nextBatch(): Int32Array | null {
    const { epoch, batch } = this.#progress;
    if (batch >= this.steps || this.done) return null;
    if (this.#order?.epoch !== epoch)
      this.#order = { epoch, rows: epochOrder(rowCount(this.#data), this.#seed, epoch, this.#plan.shuffle) };
    return this.#order.rows.subarray(batch * this.#plan.batchSize, (batch + 1) * this.#plan.batchSize);
  }

  /** Runs onEpochBegin, once for each epoch. step() does it by itself. */
  async beginEpoch(): Promise<void> {
    if (this.#progress.begun) return;
    this.#progress.begun = true;
    this.#since = performance.now();
    await this.#callbacks.epochBegin(this.epoch + 1);
  }

  /**
   * Gradients of the mean loss of these rows. They change nothing but what batch normalisation keeps; the same rows at the same place of
   * a training give the same gradients.
   */
  async gradients(rows: Int32Array): Promise<BatchGradients> {
    if (rows.length === 0)
      return { weight: 0, loss: 0, flat: new Float32Array(this.#network.parameters), outputs: null };
    return { weight: rows.length, ...(await this.#network.gradients(rows, this.#random(), this.#wantsOutputs)) };
  }

  /** One step of the optimizer, with gradients that may be the average of several workers'. */
  async apply(flat: Float32Array): Promise<void> {
    this.#network.apply(flat);
  }

  /** Next batch, gradients, optimizer, callbacks. False, and nothing done, at the end of an epoch. Errors: FLOCK_LOSS_NOT_FINITE. */
  async step(): Promise<boolean> {
    const rows = this.nextBatch();
    if (rows === null) return false;
    await this.beginEpoch();
    const result = await this.#network.step(rows, this.#random(), this.#wantsOutputs);
    await this.endBatch(rows, result);
    return true;
  }

  /**
   * Counts a batch as done: its rows (those that were computed here), their loss and outputs. `batchLoss` is that of the whole batch when
   * others have computed parts of it. Errors: FLOCK_LOSS_NOT_FINITE.
   */
  async endBatch(rows: Int32Array, result: BatchResult, batchLoss: number = result.loss): Promise<void> {
    const { epoch, batch } = this.#progress;
    if (!Number.isFinite(batchLoss)) throw this.#lossNotFinite(batchLoss);
    countRows(this.#metrics, this.#network, this.#network.targets, rows, result);
    this.#progress.batch = batch + 1;
    await this.#callbacks.batchEnd(epoch * this.steps + batch + 1, { loss: this.#metrics.loss, batchLoss });
  }

  /** Validation, the epoch's figures, callbacks. */
  async endEpoch(): Promise<Epoch> {
    const progress = this.#progress;
    const logs = {
      ...this.#metrics.logs(),
      ...(await this.#validationLogs()),
      learningRate: this.learningRate,
    };
    const number = progress.epoch + 1;
    const best = await this.#takeIfBest(number, logs);
    progress.epoch = number;
    await this.#callbacks.epochEnd(number, logs);
    const { worker, resumed } = this.#surroundings;
    const epoch = { epoch: number, epochs: this.#plan.epochs, logs, seconds: this.#seconds(), best, worker, resumed };
    progress.history.push(epoch);
    Object.assign(progress, { batch: 0, begun: false, seconds: 0 });
    this.#metrics.reset();
    this.#since = performance.now();
    if (this.done) await this.end();
    return epoch;
  }

  /** Ends the training: runs onTrainEnd, once. endEpoch() does it by itself after the last epoch. */
  async end(reason: string | null = null): Promise<void> {
    this.#progress.stopReason ??= reason;
    if (this.#progress.ended) return;
    this.#progress.ended = true;
    await this.#callbacks.trainEnd();
  }

  /** What this worker's rows have added to the epoch's figures, to be taken by the first worker; they count no more here. */
  giveSums(): Uint8Array {
    const sums = packCheckpoint(this.#metrics.sums());
    this.#metrics.reset();
    return sums;
  }

  takeSums(bytes: Uint8Array): void {
    this.#metrics.merge(unpackCheckpoint(bytes) as EpochSums);
  }

  /** All that it takes to go on elsewhere as if nothing had happened. */
  async checkpoint(): Promise<Uint8Array> {
    const weights = await this.#network.weights();
    const { best, epoch, batch } = this.#progress;
    const bestIsNow = best?.epoch === epoch && batch === 0 && sameWeights(weights, this.#bestWeights);
    const saved: SavedTraining = {
      seed: this.#seed,
      rows: rowCount(this.#data),
      batchSize: this.#plan.batchSize,
      metrics: this.#metrics.names,
      progress: { ...this.#progress, seconds: this.#seconds() },
      sums: this.#metrics.sums(),
      weightNames: this.#network.model.weights.map((weight) => weight.originalName),
      weights,
      bestWeights: bestIsNow ? null : this.#bestWeights,
      bestIsNow,
      optimizer: await optimizerState(this.#tf, this.#network.optimizer),
      callbacks: this.#callbacks.states(),
      layerSeeds: layerSeeds(this.#network.model),
    };
    return packCheckpoint(saved);
  }

  /** Goes on from a checkpoint. Errors: FLOCK_CHECKPOINT_INVALID, with what is wrong; the training is as it was then. */
  async restore(checkpoint: Uint8Array): Promise<void> {
    const saved = unpackCheckpoint(checkpoint) as SavedTraining;
    const { model, optimizer, variables } = this.#network;
    checkFits(
      saved,
      model.weights.map((weight) => ({ name: weight.originalName, shape: weight.shape })),
    );
    checkSamePlace(saved, rowCount(this.#data), this.#plan.batchSize, this.#metrics.names);
    restoreOptimizer(this.#tf, optimizer, saved.optimizer, variables);
    this.#network.setWeights(saved.weights);
    setLayerSeeds(model, saved.layerSeeds);
    this.#callbacks.restore(saved.callbacks);
    this.#bestWeights = saved.bestIsNow ? saved.weights : saved.bestWeights;
    this.#seed = saved.seed;
    if (saved.progress.batch === 0) this.#metrics.reset();
    else this.#metrics.restore(saved.sums);
    this.#progress = saved.progress;
    // With more epochs than it had, it has not ended after all.
    this.#progress.ended &&= this.done;
    this.#order = null;
    this.#since = performance.now();
  }

  /** The model as it is now. */
  async artifact(): Promise<ModelArtifact> {
    return artifactOf(this.#network.model, await this.#network.weights());
  }

  /** The model of the best epoch; as it is now when no epoch has ended. */
  async bestArtifact(): Promise<ModelArtifact> {
    return artifactOf(this.#network.model, this.#bestWeights ?? (await this.#network.weights()));
  }

  /** Number of the best epoch; null when none has ended. */
  get bestEpoch(): number | null {
    return this.#progress.best?.epoch ?? null;
  }

  /** Frees the memory of the model and its optimizer. */
  dispose(): void {
    const { model, optimizer } = this.#network;
    model.dispose();
    optimizer.dispose();
  }

  get #leads(): boolean {
    return (this.#surroundings.shard ?? 0) === 0;
  }

  get #wantsOutputs(): boolean {
    return this.#plan.metrics.length > 0;
  }

  #random(): () => number {
    return randomAt(this.#seed, "step", this.epoch, this.batch, this.#surroundings.shard ?? 0);
  }

  #seconds(): number {
    return this.#progress.seconds + (this.#progress.begun ? (performance.now() - this.#since) / 1000 : 0);
  }

  async #validationLogs(): Promise<Record<string, number>> {
    if (this.#validation === null) return {};
    return validationLogs(this.#network, this.#validation, new EpochMetrics(this.#plan.metrics), this.#plan.batchSize);
  }

  /** Keeps the weights when this epoch is the best so far; where the monitored figure is missing the last epoch is. */
  async #takeIfBest(epoch: number, logs: Readonly<Record<string, number>>): Promise<boolean> {
    const value = logs[this.#plan.monitor] ?? null;
    const last = this.#progress.best?.value ?? null;
    if (value === null && epoch === 1)
      this.#surroundings.log(
        `There is no ${this.#plan.monitor} to monitor, so the last epoch counts as the best. There are: ${Object.keys(logs).join(", ")}.`,
      );
    const better =
      value === null ||
      last === null ||
      Number.isNaN(last) ||
      (this.#plan.mode === "min" ? value < last : value > last);
    if (!better) return false;
    this.#progress.best = { epoch, value };
    this.#bestWeights = await this.#network.weights();
    return true;
  }

  #lossNotFinite(loss: number): FlockError {
    return new FlockError(
      "FLOCK_LOSS_NOT_FINITE",
      `The loss became ${loss} in epoch ${this.epoch + 1}, step ${this.batch + 1} of ${this.steps}. Try a lower learning rate, and look for values in the data that are not finite.`,
    );
  }

  #context(): CallbackContext {
    const trainer = this;
    return {
      epochs: this.#plan.epochs,
      steps: this.steps,
      get learningRate() {
        return trainer.learningRate;
      },
      set learningRate(rate: number) {
        trainer.learningRate = rate;
      },
      stopTraining(reason) {
        trainer.#progress.stopReason ??= reason;
      },
      async getWeights() {
        return (await trainer.#network.weights()).map(({ data }) => data as Float32Array);
      },
      setWeights(weights) {
        trainer.#network.setWeightData(weights);
        trainer.#weightsSet++;
      },
      artifact: () => trainer.artifact(),
      log: (text) => trainer.#surroundings.log(text),
      files: this.#surroundings.files,
      worker: this.#surroundings.worker,
      resumed: this.#surroundings.resumed,
    };
  }
}

function sameWeights(weights: readonly StoredTensor[], others: readonly StoredTensor[] | null): boolean {
  return (
    others !== null && weights.every(({ data }, i) => others[i]?.data.every((value, at) => Object.is(value, data[at])))
  );
}
