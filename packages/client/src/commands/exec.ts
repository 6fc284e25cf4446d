// Commands as tasks: from the user's words to the call that travels.

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "@taskflock/client/run-command";
import { FlockError } from "@taskflock/protocol/words";
import type { AnyFunction } from "../function-table.ts";
import { type Future, isFuture } from "../future.ts";
import { type Check, type Checks, checkOptions, describe, flag, integerFrom, text } from "../option-checks.ts";
import { type TaskOptions, taskOptionChecks } from "../task-options.ts";
import type { CommandSpec, ExecResult } from "./spec.ts";

/** What a file or stdin contains: text, bytes, or a future of one of them. */
export type FileContent = string | Uint8Array | Future<string> | Future<Uint8Array>;

/** Options of `exec`, and all of a task: `timeoutMs`, `retries`, `resources`, `workers`, `signal` … */
export interface ExecOptions extends TaskOptions {
  /** Where it runs: a folder inside its own, or an absolute path on the worker. Default: the fresh folder of its own. */
  readonly cwd?: string;
  /** Variables beside those of the worker; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads from stdin. Default nothing. */
  readonly stdin?: FileContent;
  /** Files that are there when it starts, by their paths in its folder; a `file:` URL is a file of this machine. */
  readonly files?: Readonly<Record<string, FileContent | URL>>;
  /** Which files to bring back: paths in its folder, or patterns with `*`, `?` and `**`. */
  readonly outputs?: readonly string[];
  /** Fail with FLOCK_COMMAND_FAILED when it ends with another exit code than 0, or leaves out a named output. Default true. */
  readonly check?: boolean;
  /** How much of stdout, and of stderr, is kept: the last bytes. Default 1,048,576. */
  readonly maxOutputBytes?: number;
}

const contents = "a string, a Uint8Array, a future of one of them";
const isContent = (value: unknown): boolean =>
  typeof value === "string" || value instanceof Uint8Array || isFuture(value);
const entriesOf = (value: unknown): [string, unknown][] | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : null;

const variables: Check = (value) =>
  entriesOf(value)?.every(
    ([key, item]) =>
      key !== "" && !/[=\0]/.test(key) && (item === undefined || (typeof item === "string" && !item.includes("\0"))),
  )
    ? null
    : "strings by name";

const files: Check = (value) => {
  const entries = entriesOf(value);
  if (entries === null) return `contents by path, each ${contents}, or a file: URL`;
  for (const [path, content] of entries) {
    if (!isInside(path)) return `paths inside the command's folder, such as "data/in.csv" (${describe(path)} is none)`;
    const isLocal = content instanceof URL && content.protocol === "file:";
    if (!isLocal && !isContent(content)) return `for ${path} ${contents}, or a file: URL`;
  }
  return null;
};

const outputs: Check = (value) =>
  Array.isArray(value) && value.every((path) => typeof path === "string" && isInside(path))
    ? null
    : "an array of paths or patterns inside the command's folder";

const checks: Checks<ExecOptions> = {
  ...taskOptionChecks,
  cwd: text,
  env: variables,
  stdin: (value) => (isContent(value) ? null : contents),
  files,
  outputs,
  check: flag,
  maxOutputBytes: integerFrom(0, 2 ** 30),
};

const DEFAULT_OUTPUT_BYTES = 2 ** 20;

/** Submits a command. Throws FLOCK_ARGUMENT_INVALID, FLOCK_OPTION_INVALID, and what submitting throws. */
export function exec(
  submit: (fn: AnyFunction, args: readonly unknown[], options: TaskOptions) => Future<unknown>,
  command: readonly [string, ...string[]],
  raw: ExecOptions | undefined,
): Future<ExecResult> {
  ensureCommand(command);
  const options = checkOptions("exec", raw, checks);
  const { cwd, env, stdin, files, outputs, check, maxOutputBytes, ...task } = options;
  const spec: { readonly [K in keyof CommandSpec]: unknown } = {
    command: [...command],
    cwd: cwd ?? null,
    env: { ...env },
    stdin: stdin ?? null,
    files: Object.entries(files ?? {}).map(([path, content]) => [posix.normalize(path), contentOf(path, content)]),
    outputs: (outputs ?? []).map((path) => posix.normalize(path)),
    check: check ?? true,
    maxOutputBytes: maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
  };
  const name = posix.basename(command[0].replaceAll("\\", "/")).slice(0, 100) || "command";
  return submit(runCommand, [spec], { name, ...task }) as Future<ExecResult>;
}

function ensureCommand(command: unknown): void {
  if (typeof command === "string") {
    const advice = 'exec takes the command as an array, exec(["python", "fit.py"])';
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `${advice}, not as one string; for a shell write exec(["sh", "-c", ${describe(command)}]).`,
    );
  }
  const isCommand =
    Array.isArray(command) &&
    command.length > 0 &&
    command.every((part) => typeof part === "string" && !part.includes("\0")) &&
    command[0] !== "";
  if (isCommand) return;
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `exec takes the program and its arguments as an array of strings, exec(["python", "fit.py"]), not ${describe(command)}.`,
  );
}

/** Relative, and below the folder; with `/`, on whatever machine. */
function isInside(path: string): boolean {
  if (path === "" || path.includes("\0") || path.endsWith("/") || posix.isAbsolute(path) || /^[a-z]:|\\/i.test(path))
    return false;
  const normal = posix.normalize(path);
  return normal !== "." && normal !== ".." && !normal.startsWith("../");
}

function contentOf(path: string, content: FileContent | URL): FileContent {
  if (!(content instanceof URL)) return content;
  try {
    const { buffer, byteOffset, length } = readFileSync(fileURLToPath(content));
    return new Uint8Array(buffer, byteOffset, length);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `exec cannot read the file for ${path}: ${why}.`, { cause: error });
  }
}
