// Models as plain data in TensorFlow.js's own format, and back.
import { FlockError } from "@taskflock/protocol/words";
import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { dtypeOf, type StoredTensor } from "./stored-tensor.ts";
import type { ModelArtifact } from "./types.ts";

/** The model with these weights, which are in the order of `model.weights`. */
export function artifactOf(model: tfjs.LayersModel, weights: readonly StoredTensor[]): ModelArtifact {
  const weightSpecs = model.weights.map((weight, i) => {
    const { data, shape } = weights[i] as StoredTensor;
    return { name: weight.originalName, shape: [...shape], dtype: dtypeOf(data) };
  });
  const modelTopology = model.toJSON(null, false) as unknown as object;
  return { modelTopology: structuredClone(modelTopology), weightSpecs, weightData: joined(weights) };
}

function joined(weights: readonly StoredTensor[]): Uint8Array {
  const bytes = new Uint8Array(weights.reduce((sum, { data }) => sum + data.byteLength, 0));
  let offset = 0;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** The artifact as TensorFlow.js's loaders and savers take it. */
export function modelArtifacts(artifact: ModelArtifact): tfjs.io.ModelArtifacts {
  return {
    modelTopology: artifact.modelTopology,
    weightSpecs: artifact.weightSpecs as tfjs.io.WeightsManifestEntry[],
    // Not its slice(): that of a Buffer, as files are read, does not copy, and its buffer holds other things, too.
    weightData: new Uint8Array(artifact.weightData).buffer,
  };
}

/**
 * A model to predict with; `model.compile(…)` it to train on. Call its `dispose()` when it is not needed any more. Errors:
 * FLOCK_TRAINING_MODEL when the data is not that of a model.
 */
export async function loadModel(tf: TensorFlow, artifact: ModelArtifact): Promise<tfjs.LayersModel> {
  try {
    return await tf.loadLayersModel({ load: async () => modelArtifacts(artifact) });
  } catch (error) {
    throw new FlockError(
      "FLOCK_TRAINING_MODEL",
      `TensorFlow.js cannot make a model of this data: ${(error as Error).message}. Layers of your own must be registered first (tf.serialization.registerClass).`,
      { cause: error },
    );
  }
}
