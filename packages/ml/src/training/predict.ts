// Predictions of a model, batch by batch.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { checkShape, epochOrder, rowsTensor } from "./batches.ts";
import { loadModel } from "./model-artifact.ts";
import type { ModelArtifact, Tensor } from "./types.ts";

export interface PredictOptions {
  /** Rows that are computed at a time; default 32. */
  readonly batchSize?: number;
}

/**
 * What the model answers to the rows of `x`, in inference mode. A model as data is loaded for this and freed again: load it once with
 * `loadModel` to predict often. Errors: FLOCK_ML_INPUT when `x` does not fit, FLOCK_TRAINING_MODEL for a model of several inputs or outputs.
 */
export async function predict(
  tf: TensorFlow,
  model: tfjs.LayersModel | ModelArtifact,
  x: Tensor,
  { batchSize = 32 }: PredictOptions = {},
): Promise<Tensor> {
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw new FlockError(
      "FLOCK_OPTION_INVALID",
      `predict: batchSize must be a whole number above 0, but is ${batchSize}.`,
    );
  if (!isArtifact(model)) return await answer(tf, model, x, batchSize);
  const loaded = await loadModel(tf, model);
  try {
    return await answer(tf, loaded, x, batchSize);
  } finally {
    loaded.dispose();
  }
}

async function answer(tf: TensorFlow, model: tfjs.LayersModel, x: Tensor, batchSize: number): Promise<Tensor> {
  const [input, output] = [model.inputs[0], model.outputs[0]];
  if (input === undefined || output === undefined || model.inputs.length + model.outputs.length !== 2)
    throw new FlockError(
      "FLOCK_TRAINING_MODEL",
      `predict takes models of one input and one output; this one has ${model.inputs.length} and ${model.outputs.length}.`,
    );
  checkShape("x", x, "takes", input.shape);
  const rows = epochOrder(x.shape[0] as number, 0, 0, false);
  const parts: Float32Array[] = [];
  let shape = output.shape.slice(1).map((length) => length ?? 0);
  for (let start = 0; start < rows.length; start += batchSize) {
    const batch = rows.subarray(start, start + batchSize);
    const answered = tf.tidy(() => {
      const inputs = rowsTensor(tf, x, batch, input.dtype === "int32" ? "int32" : "float32");
      return model.apply(inputs, { training: false }) as tfjs.Tensor;
    });
    shape = answered.shape.slice(1);
    parts.push((await answered.data()).slice() as Float32Array);
    answered.dispose();
  }
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { data, shape: [rows.length, ...shape] };
}

function isArtifact(model: tfjs.LayersModel | ModelArtifact): model is ModelArtifact {
  return "modelTopology" in model;
}
