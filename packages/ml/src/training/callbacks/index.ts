// Callbacks as Keras has them. They are made on the client and travel with the training.

export { type CsvLoggerOptions, type CsvLoggerState, csvLogger } from "./csv-logger.ts";
export { type EarlyStoppingOptions, type EarlyStoppingState, earlyStopping } from "./early-stopping.ts";
export { learningRateScheduler } from "./learning-rate-scheduler.ts";
export { type ModelCheckpointOptions, type ModelCheckpointState, modelCheckpoint } from "./model-checkpoint.ts";
export type { AnyMode } from "./monitor.ts";
export {
  type ReduceLROnPlateauOptions,
  type ReduceLROnPlateauState,
  reduceLROnPlateau,
} from "./reduce-lr-on-plateau.ts";
export { type TensorBoardOptions, type TensorBoardState, tensorBoard } from "./tensor-board.ts";
