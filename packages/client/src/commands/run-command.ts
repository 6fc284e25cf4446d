// Runs a command on a worker: the part of `client.exec` that travels there. It has an entry of its own in the package, so that a
// slot loads nothing else of it.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ensureWell, failWith, notStarted } from "./failures.ts";
import { collectFiles, ensureFolder, writeFiles } from "./files.ts";
import { FOLDER_VARIABLE, type Guard, startGuard } from "./guard.ts";
import { captureOutput, type Output } from "./output.ts";
import type { CommandSpec, Ending, ExecResult } from "./spec.ts";

/** What `taskContext()` of the worker gives; this package does not import the worker. */
interface TaskHere {
  readonly signal: AbortSignal;
  readonly task: { readonly worker: string };
}

/** How long a command may take from SIGTERM to its end, before it is killed: less than a task's `cancelGraceMs` as a rule. */
const TERM_MS = 500;
/** How long output may come from a process that left the command's group, after the command has ended. */
const LAST_OUTPUT_MS = 500;
const isWindows = (): boolean => process.platform === "win32";

/** Runs it in a folder of its own, which is removed afterwards. Rejects with FLOCK_COMMAND_FAILED and FLOCK_COMMAND_NOT_FOUND. */
export async function runCommand(spec: CommandSpec): Promise<ExecResult> {
  const here = taskHere();
  const folder = join(tmpdir(), `taskflock-exec-${randomUUID()}`);
  const guard = startGuard(folder);
  try {
    await writeFiles(folder, spec.files).catch(failWith(spec, "could not start, as its files could not be written"));
    here?.signal.throwIfAborted();
    return await runIn(folder, spec, guard, here);
  } finally {
    const removed = rm(folder, { recursive: true, force: true, maxRetries: 3 });
    await removed.then(
      () => guard.tell("removed"),
      () => undefined, // the guard tries, too
    );
    guard.leave();
  }
}

async function runIn(folder: string, spec: CommandSpec, guard: Guard, here: TaskHere | undefined): Promise<ExecResult> {
  const cwd = resolve(folder, spec.cwd ?? ".");
  await ensureFolder(cwd, spec);
  const print = (name: "stdout" | "stderr") => (text: string) => void process[name].write(text);
  const stdout = captureOutput(spec.maxOutputBytes, here && print("stdout"));
  const stderr = captureOutput(spec.maxOutputBytes, here && print("stderr"));
  const how = await runProcess(spec, folder, cwd, guard, here?.signal, stdout, stderr);
  here?.signal.throwIfAborted();
  const files = await collectFiles(folder, spec.outputs).catch(
    failWith(spec, "ended, and its outputs could not be read"),
  );
  const worker = here?.task.worker ?? "";
  if (spec.check) ensureWell(spec, how, stdout.text(), stderr.text(), Object.keys(files), worker);
  return {
    ...how,
    stdout: stdout.text(),
    stderr: stderr.text(),
    droppedBytes: { stdout: stdout.droppedBytes(), stderr: stderr.droppedBytes() },
    files,
    worker,
  };
}

/** Shipped code and the slot agree on the symbol (task-context.ts of the worker). */
function taskHere(): TaskHere | undefined {
  const provider: unknown = Reflect.get(globalThis, Symbol.for("taskflock.taskContext"));
  return typeof provider === "function" ? (provider() as TaskHere | undefined) : undefined;
}

/**
 * Runs the command in a process group of its own, and to its end; what it has started in the group and left running is killed
 * then. Its end is not the end of its output.
 */
async function runProcess(
  spec: CommandSpec,
  folder: string,
  cwd: string,
  guard: Guard,
  signal: AbortSignal | undefined,
  stdout: Output,
  stderr: Output,
): Promise<Ending> {
  const began = performance.now();
  guard.tell("begins");
  const child = start(spec, cwd, folder);
  const over = endOf(child, spec);
  if (child.pid !== undefined) guard.tell(String(child.pid));
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  for (const [stream, output] of [[child.stdout, stdout] as const, [child.stderr, stderr] as const]) {
    stream?.on("data", (chunk: Buffer) => output.add(chunk));
  }
  child.stdin?.on("error", () => undefined).end(spec.stdin); // it need not read it
  const stop = stopOnAbort(child, signal);
  try {
    const { exitCode, signal: killedBy } = await over;
    const seconds = (performance.now() - began) / 1000;
    killGroup(child, "SIGKILL");
    if (signal?.aborted !== true) await withinMs(closed, LAST_OUTPUT_MS); // nobody reads it, and the time is short
    guard.tell("over");
    return { exitCode, signal: killedBy, seconds };
  } finally {
    stop();
    child.stdout?.destroy();
    child.stderr?.destroy();
    stdout.end();
    stderr.end();
  }
}

function start({ command, env, stdin }: CommandSpec, cwd: string, folder: string): ChildProcess {
  const [file, ...args] = command;
  return spawn(file, args, {
    cwd,
    env: { ...process.env, ...env, [FOLDER_VARIABLE]: folder },
    detached: !isWindows(),
    windowsHide: true,
    stdio: [stdin === null ? "ignore" : "pipe", "pipe", "pipe"],
  });
}

function endOf(child: ChildProcess, spec: CommandSpec): Promise<Omit<Ending, "seconds">> {
  return new Promise((ended, reject) => {
    child.once("exit", (exitCode, signal) => ended({ exitCode, signal }));
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) reject(notStarted(spec, error));
    });
  });
}

/** SIGTERM first, so that a command can tidy up. Returns how to let go of the signal. */
function stopOnAbort(child: ChildProcess, signal: AbortSignal | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    killGroup(child, "SIGTERM");
    timer = setTimeout(() => killGroup(child, "SIGKILL"), TERM_MS);
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  return () => {
    signal?.removeEventListener("abort", abort);
    clearTimeout(timer);
  };
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  if (isWindows()) {
    spawn("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore" }).on("error", () => undefined);
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // none of it is left
  }
}

async function withinMs(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
