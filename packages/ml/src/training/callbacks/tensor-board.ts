// Keras's TensorBoard, its scalars.
import { resolveOptions } from "../../options.ts";
import type { BuiltInCallback, CallbackContext, CallbackHooks } from "../types.ts";
import { type EventContent, eventRecord } from "./event-file.ts";
import { text } from "./options.ts";

export interface TensorBoardOptions {
  /** Folder of the event files; default "logs". */
  readonly logDir?: string;
  /** "epoch", the default: figures of epochs only. "batch" or a number: also the loss of each batch, or of every so many. */
  readonly updateFreq?: "epoch" | "batch" | number;
}

export interface TensorBoardState {
  /** In the names of the files: seconds since 1970 when the training began. */
  readonly began: number;
  /** Files that have their head, and when they got it: how often the training had gone on from a checkpoint. */
  opened: Record<string, number>;
  /** Events that are not written yet. */
  pending: Uint8Array[];
}

const defaults: Required<TensorBoardOptions> = { logDir: "logs", updateFreq: "epoch" };

/** How many events of batches wait before they are written. */
const most = 100;

/**
 * Event files for TensorBoard in `logDir`/train and `logDir`/validation, with Keras's names: `epoch_loss`, `epoch_learning_rate` (steps
 * count epochs from 0), `batch_loss`. Errors: FLOCK_OPTION_INVALID.
 */
export function tensorBoard(given: TensorBoardOptions = {}): BuiltInCallback {
  const options = resolveOptions("tensorBoard", given, defaults, {
    logDir: text,
    updateFreq: (value) =>
      value === "epoch" || value === "batch" || (Number.isInteger(value) && (value as number) > 0)
        ? null
        : '"epoch", "batch" or a number of batches',
  });
  return { builtIn: "tensorBoard", options };
}

export function tensorBoardHooks(options: Required<TensorBoardOptions>): CallbackHooks<TensorBoardState> {
  const { logDir, updateFreq } = options;
  const every = updateFreq === "batch" ? 1 : updateFreq;

  const write = async (
    folder: string,
    step: number,
    records: readonly Uint8Array[],
    state: TensorBoardState,
    context: CallbackContext,
  ) => {
    const { resumed, worker, files } = context;
    // Files are read in the order of their names: each life of the training has its own, which begins by taking back later steps.
    const name = `events.out.tfevents.${state.began}.${String(resumed).padStart(4, "0")}.${worker.replace(/[^\w-]/g, "_")}`;
    const head = state.opened[folder] === resumed ? [] : [event(0, { kind: "version" })];
    // Batches and epochs count their steps apart, so with both there is no step to go back to; the same figures are then there twice.
    if (head.length > 0 && resumed > 0 && every === "epoch") head.push(event(step, { kind: "start" }));
    state.opened[folder] = resumed;
    await files.append(`${logDir}/${folder}/${name}`, Buffer.concat([...head, ...records]));
  };
  const flush = async (step: number, state: TensorBoardState, context: CallbackContext) => {
    const records = state.pending;
    state.pending = [];
    if (records.length > 0) await write("train", step, records, state, context);
  };
  return {
    name: "tensorBoard",
    start: () => ({ began: Math.floor(Date.now() / 1000), opened: {}, pending: [] }),
    async onBatchEnd(step, logs, state, context) {
      if (every === "epoch" || step % every !== 0) return;
      state.pending.push(event(step, { kind: "scalars", values: { batch_loss: logs["loss"] ?? Number.NaN } }));
      if (state.pending.length >= most) await flush(step, state, context);
    },
    async onEpochEnd(epoch, logs, state, context) {
      const { train, validation } = tagged(logs);
      state.pending.push(event(epoch - 1, { kind: "scalars", values: train }));
      await flush(epoch - 1, state, context);
      if (Object.keys(validation).length > 0)
        await write(
          "validation",
          epoch - 1,
          [event(epoch - 1, { kind: "scalars", values: validation })],
          state,
          context,
        );
    },
    // A training that is stopped ends within an epoch. Only events of batches wait then, which need no restart.
    onTrainEnd: (state, context) => flush(0, state, context),
  };
}

function event(step: number, content: EventContent): Uint8Array {
  return eventRecord(Date.now() / 1000, step, content);
}

interface Tagged {
  readonly train: Record<string, number>;
  readonly validation: Record<string, number>;
}

/** By Keras's names; those of validation lose their "val". */
function tagged(logs: Readonly<Record<string, number>>): Tagged {
  const sorted: Tagged = { train: {}, validation: {} };
  for (const [name, value] of Object.entries(logs)) {
    if (/^val[A-Z]/.test(name)) sorted.validation[`epoch_${name.charAt(3).toLowerCase()}${name.slice(4)}`] = value;
    else sorted.train[`epoch_${name === "learningRate" ? "learning_rate" : name}`] = value;
  }
  return sorted;
}
