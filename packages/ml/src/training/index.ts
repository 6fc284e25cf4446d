// What of training runs on workers: a door of its own, so that clients that do not train never load it.

export { loadModel, modelArtifacts } from "./model-artifact.ts";
export { follow, LeadingTrainer, type MemberGroup } from "./parallel.ts";
export { Trainer } from "./trainer.ts";
export type {
  BatchGradients,
  Callback,
  CallbackContext,
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
