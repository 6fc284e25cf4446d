// What of training runs on workers: a door of its own, so that clients that do not train never load it.

export { loadModel, modelArtifacts } from "./model-artifact.ts";
export { openModel, saveModel } from "./model-files.ts";
export { type PredictOptions, predict } from "./predict.ts";
export { Trainer } from "./trainer.ts";
export type {
  BatchGradients,
  BuiltInCallback,
  Callback,
  CallbackContext,
  CallbackHooks,
  Epoch,
  EpochLogs,
  ModelArtifact,
  ModelBuilder,
  MonitorMode,
  Tensor,
  TrainerSurroundings,
  TrainingFiles,
  TrainingPlan,
  TrainingSet,
} from "./types.ts";
