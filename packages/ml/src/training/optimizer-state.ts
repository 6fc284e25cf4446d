// The state of an optimizer, all of it. The optimizers' own getWeights and setWeights do not serve: Adamax has none, Adam computes the
// powers of its betas anew and so differs in the last bits, momentum's learning rate is not part of them, and the names in them are
// of one process. Instead every variable that the optimizer holds is taken, and every number (learning rate, iterations, decay).
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { type StoredTensor, storedTensor, tensorOf } from "./stored-tensor.ts";

export interface OptimizerState {
  readonly name: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly variables: Readonly<Record<string, StoredTensor>>;
  /** One tensor for each trainable weight; empty before the first step. */
  readonly lists: Readonly<Record<string, readonly StoredTensor[]>>;
}

/** A slot of an optimizer's accumulators, as TensorFlow.js keeps them. */
interface Slot {
  readonly originalName: string;
  readonly variable: tfjs.Variable;
}

type Fields = Record<string, unknown>;

export async function optimizerState(tf: TensorFlow, optimizer: tfjs.Optimizer): Promise<OptimizerState> {
  const numbers: Record<string, number> = {};
  const variables: Record<string, StoredTensor> = {};
  const lists: Record<string, StoredTensor[]> = {};
  for (const [name, value] of Object.entries(optimizer)) {
    if (typeof value === "number") numbers[name] = value;
    else if (value instanceof tf.Variable) variables[name] = await storedTensor(value);
    else if (isSlots(value)) lists[name] = await Promise.all(value.map((slot) => storedTensor(slot.variable)));
  }
  return { name: optimizer.getClassName(), numbers, variables, lists };
}

/** Puts the state into an optimizer that was made by the same model function. Errors: FLOCK_CHECKPOINT_INVALID. */
export function restoreOptimizer(
  tf: TensorFlow,
  optimizer: tfjs.Optimizer,
  state: OptimizerState,
  weights: readonly tfjs.Variable[],
): void {
  if (optimizer.getClassName() !== state.name)
    throw new FlockError(
      "FLOCK_CHECKPOINT_INVALID",
      `The checkpoint has the state of the optimizer ${state.name}, but the model uses ${optimizer.getClassName()}.`,
    );
  checkSlots(state, weights);
  const fields = optimizer as unknown as Fields;
  Object.assign(fields, state.numbers);
  if (state.numbers["learningRate"] !== undefined) setLearningRate(optimizer, state.numbers["learningRate"]);
  for (const [name, stored] of Object.entries(state.variables)) {
    const variable = fields[name];
    if (variable instanceof tf.Variable) tf.tidy(() => variable.assign(tensorOf(tf, stored)));
  }
  for (const [name, stored] of Object.entries(state.lists)) {
    const old = fields[name];
    if (isSlots(old)) tf.dispose(old.map((slot) => slot.variable));
    fields[name] = stored.map((tensor, i) => slotOf(tf, tensor, `${weights[i]?.name ?? i}/${name}`));
  }
}

/** Accumulators go by the order of the weights that are trained: of others they would be somebody else's. */
function checkSlots({ lists }: OptimizerState, weights: readonly tfjs.Variable[]): void {
  for (const slots of Object.values(lists)) {
    const fit = slots.every(({ shape }, i) => shape.join() === weights[i]?.shape.join());
    if (slots.length > 0 && !(fit && slots.length === weights.length))
      throw new FlockError(
        "FLOCK_CHECKPOINT_INVALID",
        `The checkpoint's optimizer has trained ${slots.length} weights, and the model now trains ${weights.length}, or others: layers were frozen or freed since. Begin a new training with the weights of the trained model.`,
      );
  }
}

function slotOf(tf: TensorFlow, stored: StoredTensor, originalName: string): Slot {
  return { originalName, variable: tf.tidy(() => tf.variable(tensorOf(tf, stored), false)) };
}

function isSlots(value: unknown): value is Slot[] {
  return Array.isArray(value) && value.every((slot) => typeof slot === "object" && slot !== null && "variable" in slot);
}

export function learningRateOf(optimizer: tfjs.Optimizer): number {
  const rate = (optimizer as unknown as Fields)["learningRate"];
  return typeof rate === "number" ? rate : Number.NaN;
}

/** From the next step on. SGD and momentum keep the rate as a tensor too, and have a method for it. */
export function setLearningRate(optimizer: tfjs.Optimizer, rate: number): void {
  const fields = optimizer as unknown as Fields & { setLearningRate?: (rate: number) => void };
  if (typeof fields.setLearningRate === "function") fields.setLearningRate(rate);
  else fields["learningRate"] = rate;
}
