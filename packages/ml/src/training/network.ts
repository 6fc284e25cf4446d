// The model with its loss and optimizer: gradients of rows, steps, evaluation. Nothing here knows of epochs.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { checkClasses, fitToModel, rowsTensor } from "./batches.ts";
import { checkPerLabel, type LossFunction, type WeighLoss, weightedLoss } from "./loss.ts";
import { withRandomNow } from "./seeded-random.ts";
import { type StoredTensor, storedTensor, tensorOf } from "./stored-tensor.ts";
import type { Tensor, TrainingSet } from "./types.ts";

/** Loss and outputs of a batch; outputs are null when nobody wants them. */
export interface BatchResult {
  readonly loss: number;
  readonly outputs: Float32Array | null;
}

/** What a backward pass leaves on the device; whoever gets it disposes of it. */
interface Backward {
  readonly loss: tfjs.Tensor;
  readonly outputs: tfjs.Tensor | null;
  /** null: the loss does not depend on this weight. */
  readonly gradients: readonly (tfjs.Tensor | null)[];
}

export class Network {
  readonly model: tfjs.LayersModel;
  readonly optimizer: tfjs.Optimizer;
  readonly variables: readonly tfjs.Variable[];
  readonly #tf: TensorFlow;
  readonly #inner: tfjs.LayersModel;
  readonly #lossFunction: LossFunction;
  readonly #set: TrainingSet;
  readonly #weigh: WeighLoss;

  constructor(tf: TensorFlow, model: tfjs.LayersModel, set: TrainingSet, classWeight: readonly number[] | null) {
    this.#tf = tf;
    this.model = model;
    if (typeof model?.apply !== "function")
      throw wrongModel("`model` must return a tf.LayersModel: tf.sequential(…) or tf.model(…).");
    this.#inner = innerModel(model);
    checkModel(this.#inner);
    this.optimizer = this.#inner.optimizer;
    this.variables = trainableVariables(this.#inner);
    this.#lossFunction = this.#inner.lossFunctions[0] as LossFunction;
    this.#set = this.fit(set);
    const outputs = this.#inner.outputs[0]?.shape.at(-1) ?? 1;
    this.#weigh = weightedLoss(tf, this.#lossFunction, this.#lossName(), this.#set.y, outputs, classWeight);
  }

  /** What can only be found out by trying. Errors: FLOCK_ML_PARAMETER for class weights. */
  async check(classWeight: readonly number[] | null): Promise<void> {
    await checkPerLabel(this.#tf, this.#lossFunction, this.#lossName(), this.targets, classWeight);
  }

  /** The set with the shapes that the model takes. Errors: FLOCK_ML_INPUT. */
  fit(set: TrainingSet): TrainingSet {
    const output = this.#inner.outputs[0]?.shape ?? [];
    const sparse = this.#lossName() === "sparseCategoricalCrossentropy";
    const target = sparse ? [...output.slice(0, -1), 1] : output;
    const fitted = fitToModel(set, this.#inner.inputs[0]?.shape ?? [], target);
    if (sparse) checkClasses(fitted.y, output.at(-1) ?? Number.POSITIVE_INFINITY);
    return fitted;
  }

  /** Names of metrics that were given to `compile`, which trainings do not compute. */
  get ownMetrics(): readonly string[] {
    return this.#inner.metricsNames.slice(1);
  }

  get targets(): Tensor {
    return this.#set.y;
  }

  /** Shape of the outputs of some rows, without the rows. */
  outputShape(outputs: Float32Array, rows: number): number[] {
    const shape = (this.#inner.outputs[0]?.shape ?? []).slice(1);
    // An axis of any length (there is at most one that cannot be told otherwise) has what is left.
    const known = shape.reduce<number>((size, length) => size * (length ?? 1), 1);
    return shape.map((length) => length ?? outputs.length / rows / known);
  }

  /** One step of the optimizer on these rows; nothing but loss and outputs leaves the device. */
  async step(rows: Int32Array, random: () => number, wantOutputs: boolean): Promise<BatchResult> {
    const backward = this.#backward(rows, random, wantOutputs);
    this.#optimize(backward.gradients);
    this.#tf.dispose(backward.gradients.filter((gradient) => gradient !== null));
    return await this.#read(backward);
  }

  async gradients(
    rows: Int32Array,
    random: () => number,
    wantOutputs: boolean,
  ): Promise<BatchResult & { flat: Float32Array }> {
    const backward = this.#backward(rows, random, wantOutputs);
    const flat = this.#tf.tidy(() => this.#flatten(backward.gradients));
    this.#tf.dispose(backward.gradients.filter((gradient) => gradient !== null));
    const data = (await flat.data()).slice() as Float32Array;
    flat.dispose();
    return { ...(await this.#read(backward)), flat: data };
  }

  /** One step of the optimizer with gradients in the order of `flat`. */
  apply(flat: Float32Array): void {
    if (flat.length !== this.parameters)
      throw new FlockError(
        "FLOCK_ML_INPUT",
        `There are ${flat.length} gradients for ${this.parameters} trainable weights.`,
      );
    this.#tf.tidy(() => {
      const all = this.#tf.tensor1d(flat);
      let offset = 0;
      const gradients = this.variables.map(({ shape, size }) => {
        offset += size;
        return all.slice(offset - size, size).reshape(shape);
      });
      this.#optimize(gradients);
    });
  }

  /** Numbers in all trainable weights. */
  get parameters(): number {
    return this.variables.reduce((sum, { size }) => sum + size, 0);
  }

  /** Loss (without class weights) and outputs, in inference mode. */
  async evaluate(set: TrainingSet, rows: Int32Array): Promise<{ loss: number; outputs: Float32Array }> {
    const [loss, outputs] = this.#tf.tidy(() => {
      const output = this.#forward(set, rows, false);
      const losses = this.#lossFunction(rowsTensor(this.#tf, set.y, rows, "float32"), output);
      return [this.#withPenalties(losses), output];
    }) as [tfjs.Tensor, tfjs.Tensor];
    const result = await this.#read({ loss, outputs, gradients: [] });
    return { loss: result.loss, outputs: result.outputs as Float32Array };
  }

  async weights(): Promise<StoredTensor[]> {
    return Promise.all(this.model.weights.map((weight) => storedTensor(weight.read())));
  }

  setWeights(weights: readonly StoredTensor[]): void {
    this.#tf.tidy(() => {
      this.model.setWeights(weights.map((weight) => tensorOf(this.#tf, weight)));
    });
  }

  /** Weights in the order of `model.weights`, flat. Errors: FLOCK_ML_INPUT. */
  setWeightData(weights: readonly Float32Array[]): void {
    this.setWeights(
      this.model.weights.map(({ shape, originalName }, i) => {
        const data = weights[i];
        const stored = { data: data as Float32Array, shape: shape as number[] };
        if (data?.length !== stored.shape.reduce((size, length) => size * length, 1))
          throw new FlockError(
            "FLOCK_ML_INPUT",
            `The weight ${originalName} takes the shape [${shape.join(", ")}], but ${data?.length ?? "no"} values were given.`,
          );
        return stored;
      }),
    );
  }

  #backward(rows: Int32Array, random: () => number, wantOutputs: boolean): Backward {
    const tf = this.#tf;
    let outputs: tfjs.Tensor | null = null;
    const run = () => {
      const target = rowsTensor(tf, this.#set.y, rows, "float32");
      const { value, grads } = tf.variableGrads(() => {
        const output = this.#forward(this.#set, rows, true);
        if (wantOutputs) outputs = tf.keep(output.clone());
        return this.#withPenalties(this.#weigh(rows, target, output));
      }, [...this.variables]);
      const gradients = this.variables.map(({ name }) => (grads[name] as tfjs.Tensor | undefined) ?? null);
      return [value, ...gradients] as unknown as tfjs.Tensor[];
    };
    const [loss, ...gradients] = withRandomNow(random, () => tf.tidy(run));
    return { loss: loss as tfjs.Tensor, outputs, gradients };
  }

  #forward(set: TrainingSet, rows: Int32Array, training: boolean): tfjs.Tensor {
    const dtype = this.#inner.inputs[0]?.dtype === "int32" ? "int32" : "float32";
    const x = rowsTensor(this.#tf, set.x, rows, dtype);
    return this.#inner.apply(x, { training }) as tfjs.Tensor;
  }

  #withPenalties(losses: tfjs.Tensor): tfjs.Scalar {
    const penalties = this.#inner.calculateLosses();
    return penalties.reduce((sum, penalty) => sum.add(penalty), losses.mean() as tfjs.Scalar);
  }

  #optimize(gradients: readonly (tfjs.Tensor | null)[]): void {
    const named = this.variables.map(({ name }, i) => ({ name, tensor: gradients[i] ?? null }));
    // TensorFlow.js skips weights without a gradient; its types do not say so.
    this.optimizer.applyGradients(named as { name: string; tensor: tfjs.Tensor }[]);
  }

  #flatten(gradients: readonly (tfjs.Tensor | null)[]): tfjs.Tensor1D {
    const tf = this.#tf;
    return tf.concat1d(this.variables.map((variable, i) => (gradients[i] ?? tf.zerosLike(variable)).flatten()));
  }

  async #read({ loss, outputs }: Backward): Promise<BatchResult> {
    const [value, data] = await Promise.all([loss.data(), outputs?.data() ?? null]);
    // A copy: some backends hand out their own memory, which is used again once the tensor is gone.
    const result = { loss: value[0] as number, outputs: data === null ? null : (data.slice() as Float32Array) };
    this.#tf.dispose(outputs === null ? [loss] : [loss, outputs]);
    return result;
  }

  #lossName(): string {
    const { loss } = this.#inner as unknown as { loss: unknown };
    const first: unknown = Array.isArray(loss) ? loss[0] : loss;
    return typeof first === "string" ? first : this.#lossFunction.name;
  }
}

/** A sequential model holds a functional one, and that is compiled. */
function innerModel(model: tfjs.LayersModel): tfjs.LayersModel {
  const { model: inner } = model as unknown as { model?: tfjs.LayersModel };
  return inner ?? model;
}

/** As of `compile`, without those that were frozen since. */
function trainableVariables(model: tfjs.LayersModel): tfjs.Variable[] {
  const { collectedTrainableWeights } = model as unknown as { collectedTrainableWeights: tfjs.LayerVariable[] };
  const variables = collectedTrainableWeights.map((weight) => weight.read() as tfjs.Variable);
  const trainable = variables.filter((variable) => variable.trainable);
  if (trainable.length === 0) throw wrongModel("The model has no trainable weights: there is nothing to train.");
  return trainable;
}

function checkModel(model: tfjs.LayersModel): void {
  if (model.optimizer === undefined || model.optimizer === null)
    throw wrongModel("The model is not compiled: call model.compile({ optimizer, loss }) before you return it.");
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw wrongModel(
      `The model has ${model.inputs.length} inputs and ${model.outputs.length} outputs; trainings take one of each. Join the inputs into one, and cut it apart by layers.`,
    );
  if (model.stateful)
    throw wrongModel(
      "A layer is stateful: what it keeps from batch to batch is lost with a checkpoint. Build it with stateful: false.",
    );
}

function wrongModel(message: string): FlockError {
  return new FlockError("FLOCK_TRAINING_MODEL", message);
}
