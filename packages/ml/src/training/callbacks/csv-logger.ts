// Keras's CSVLogger.
import { flag } from "../../estimators/parameter-checks.ts";
import { plainOptions, resolveOptions } from "../../options.ts";
import type { BuiltInCallback, CallbackHooks, TrainingFiles } from "../types.ts";
import { text } from "./options.ts";

export interface CsvLoggerOptions {
  /** Default ",". */
  readonly separator?: string;
  /** Keeps what the file has, and adds to it; default false: the file is written anew. */
  readonly append?: boolean;
}

export interface CsvLoggerState {
  /** Columns after `epoch`: those of the first epoch, sorted. */
  keys: string[] | null;
  /**
   * The whole file. It is small, and it is written as a whole each time: so a training that goes on from a checkpoint has no row twice,
   * though the file has rows of epochs that are computed again.
   */
  file: string;
}

const defaults: Required<CsvLoggerOptions> = { separator: ",", append: false };

/** A row for each epoch in a CSV file: `epoch`, counted from 0 as in Keras, and the figures by name. Errors: FLOCK_OPTION_INVALID. */
export function csvLogger(filename: string, given: CsvLoggerOptions = {}): BuiltInCallback {
  const options = resolveOptions(
    "csvLogger",
    { ...plainOptions("csvLogger", given), filename },
    { ...defaults, filename: "" },
    {
      separator: text,
      append: flag,
      filename: text,
    },
  );
  return { builtIn: "csvLogger", options };
}

export function csvLoggerHooks(
  options: Required<CsvLoggerOptions> & { readonly filename: string },
): CallbackHooks<CsvLoggerState> {
  const { separator, append, filename } = options;
  return {
    name: "csvLogger",
    start: () => ({ keys: null, file: "" }),
    async onEpochEnd(epoch, logs, state, { files }) {
      if (state.keys === null) {
        state.file = append ? await contents(files, filename) : "";
        state.keys = Object.keys(logs).sort();
        if (state.file === "") state.file = csvRow(["epoch", ...state.keys], separator);
      }
      const values = state.keys.map((key) => String(logs[key] ?? "NA"));
      state.file += csvRow([String(epoch - 1), ...values], separator);
      await files.write(filename, new TextEncoder().encode(state.file));
    },
  };
}

async function contents(files: TrainingFiles, name: string): Promise<string> {
  const found = (await files.list(name)).some((file) => file.name === name);
  return found ? new TextDecoder().decode(await files.read(name)) : "";
}

/** As Python's csv module writes its "excel" dialect. */
function csvRow(values: readonly string[], separator: string): string {
  const quoted = values.map((value) =>
    value.includes(separator) || /["\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value,
  );
  return `${quoted.join(separator)}\r\n`;
}
