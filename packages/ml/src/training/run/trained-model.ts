// A trained model: to predict with, to save, to look at.

import type { TensorFlow } from "@taskflock/tensors";
import type * as tfjs from "@tensorflow/tfjs";
import { modelSummary, type SummaryModel } from "../../model-summary.ts";
import { openStorage } from "../../storage/open-storage.ts";
import { openModel, saveModel } from "../model-files.ts";
import type { ModelArtifact, Tensor } from "../types.ts";
import { type ArrayInput, toTensor } from "./tensor-input.ts";

export interface PredictOptions {
  /** Rows at a time; default 32. */
  readonly batchSize?: number;
  /** TensorFlow.js to compute with; default: the best that works in this process. */
  readonly tf?: TensorFlow;
}

export class TrainedModel {
  /** In TensorFlow.js's own format. */
  readonly artifact: ModelArtifact;
  #loaded: { readonly tf: TensorFlow; readonly model: Promise<tfjs.LayersModel> } | null = null;

  constructor(artifact: ModelArtifact) {
    this.artifact = artifact;
  }

  /** The model in this process, by `tf` or the best TensorFlow.js that works here. Call its `dispose()` when it is not needed any more. */
  async load(tf?: TensorFlow): Promise<tfjs.LayersModel> {
    const { loadModel } = await import("../model-artifact.ts");
    return loadModel(tf ?? (await tensorFlow()), this.artifact);
  }

  /** Outputs for each row of x. Rejects with FLOCK_ML_INPUT for an x that cannot be used. */
  async predict(x: ArrayInput, { batchSize = 32, tf: given }: PredictOptions = {}): Promise<Tensor> {
    const tensor = toTensor("x", x);
    const { predict } = await import("../predict.ts");
    const tf = given ?? (await tensorFlow());
    if (this.#loaded?.tf !== tf) this.#loaded = { tf, model: this.load(tf) };
    return predict(tf, await this.#loaded.model, tensor, { batchSize });
  }

  /**
   * Writes model.json and weights.bin, as `tf.loadLayersModel` reads them, into a folder or "s3://bucket/prefix". Rejects with
   * FLOCK_STORAGE_….
   */
  async save(place: string): Promise<void> {
    await saveModel(await openStorage(place), this.artifact);
  }

  /** A model that was saved, or that TensorFlow.js has saved. Rejects with FLOCK_STORAGE_… and FLOCK_TRAINING_MODEL. */
  static async open(place: string): Promise<TrainedModel> {
    return new TrainedModel(await openModel(await openStorage(place)));
  }

  /** Layers, their shapes and parameters, as a table of text. */
  async summary(tf?: TensorFlow): Promise<string> {
    const model = await this.load(tf);
    try {
      return modelSummary(model as unknown as SummaryModel);
    } finally {
      model.dispose();
    }
  }
}

async function tensorFlow(): Promise<TensorFlow> {
  const { loadTensors } = await import("@taskflock/tensors");
  return (await loadTensors()).tf;
}
