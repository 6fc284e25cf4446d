// What of training runs on workers: a door of its own, so that clients that do not train never load it.

export type {
  Callback,
  CallbackContext,
  Epoch,
  EpochLogs,
  ModelArtifact,
  ModelBuilder,
  MonitorMode,
  Tensor,
  TrainingPlan,
  TrainingSet,
} from "./types.ts";
