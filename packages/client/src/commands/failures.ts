// Commands that fail: what is said of it.

import { FlockError } from "@taskflock/protocol/words";
import { tailOf } from "./output.ts";
import { type CommandSpec, type Ending, shown } from "./spec.ts";

/** An error travels in 64 KiB. */
const ERROR_OUTPUT_CHARACTERS = 8192;

/** Throws FLOCK_COMMAND_FAILED when the command did not end as it should. */
export function ensureWell(
  spec: CommandSpec,
  how: Ending,
  stdout: string,
  stderr: string,
  files: readonly string[],
  worker: string,
): void {
  const what = shown(spec);
  const ending = how.signal === null ? `with exit code ${how.exitCode}` : `by ${how.signal}`;
  const missing = spec.outputs.filter((output) => !/[*?]/.test(output) && !files.includes(output));
  let why = "";
  if (how.exitCode !== 0) {
    const last = tailOf(stderr.trimEnd(), 500) || tailOf(stdout.trimEnd(), 500);
    why = `${what} ended ${ending}${last === "" ? ", and printed nothing." : `: ${last}`}`;
  } else if (missing.length > 0) {
    why = `${what} did not leave ${missing.join(", ")} in its folder, which outputs names.`;
  }
  if (why === "") return;
  const facts = {
    ...how,
    stdout: tailOf(stdout, ERROR_OUTPUT_CHARACTERS),
    stderr: tailOf(stderr, ERROR_OUTPUT_CHARACTERS),
    worker,
  };
  throw Object.assign(new FlockError("FLOCK_COMMAND_FAILED", why), facts);
}

export function notStarted(spec: CommandSpec, error: NodeJS.ErrnoException): FlockError {
  const [file] = spec.command;
  const path = { ...process.env, ...spec.env }["PATH"] ?? "";
  if (error.code !== "ENOENT" && error.code !== "EACCES") {
    return new FlockError("FLOCK_COMMAND_FAILED", `${shown(spec)} could not be started: ${error.message}.`, {
      cause: error,
    });
  }
  let why = /[\\/]/.test(file) ? "it, or the interpreter that it names, is not there" : `it is not in PATH=${path}`;
  if (error.code === "EACCES") why = "it must not be executed there";
  return new FlockError("FLOCK_COMMAND_NOT_FOUND", `The worker cannot start ${JSON.stringify(file)}: ${why}.`, {
    cause: error,
  });
}

/** For what the worker's disk refuses. */
export function failWith(spec: CommandSpec, what: string): (cause: unknown) => never {
  return (cause) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FlockError("FLOCK_COMMAND_FAILED", `${shown(spec)} ${what}: ${why}.`, { cause });
  };
}
