// Callbacks as Keras has them. They are made on the client and travel with the training.
export { type CsvLoggerOptions, csvLogger } from "./csv-logger.ts";
export { type EarlyStoppingOptions, earlyStopping } from "./early-stopping.ts";
export { learningRateScheduler } from "./learning-rate-scheduler.ts";
export { type ModelCheckpointOptions, modelCheckpoint } from "./model-checkpoint.ts";
export type { AnyMode } from "./monitor.ts";
export {
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
} from "./reduce-lr-on-plateau.ts";
export { type TensorBoardOptions, tensorBoard } from "./tensor-board.ts";
