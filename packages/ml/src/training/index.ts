// What of training runs on workers: a door of its own, so that clients that do not train never load it.

export { trainMember } from "./gang/train-member.ts";
export type { JoinGroup, MemberGroup } from "./member-group.ts";
export { loadModel, modelArtifacts } from "./model-artifact.ts";
export { openModel, saveModel } from "./model-files.ts";
export { follow, LeadingTrainer } from "./parallel.ts";
export { type PredictOptions, predict } from "./predict.ts";
export { trainLoop } from "./run/train-loop.ts";
export { type RungOutcome, trainRung } from "./run/train-rung.ts";
export { loadSets, type TrainJob, type TrainOutcome, trainTask } from "./run/train-task.ts";
export { TrainingPort } from "./run/training-port.ts";
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
