// Runs other programs, each in a process group of its own, so that all they started ends with them.
import { spawn } from "node:child_process";

export interface ProgramEnd {
  /** 127 when there is no such program; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Ends it, with what it started; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; it is ended after them. */
  readonly timeoutMs?: number;
}

/** Waits for the end of a program, whatever that is. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env, cwd, signal, timeoutMs }: ProgramOptions,
): Promise<ProgramEnd> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const end = (): void => endGroup(child.pid);
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const ended = await new Promise<ProgramEnd>((resolve) => {
      const texts = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const)
        child[name].setEncoding("utf8").on("data", (text: string) => {
          texts[name] += text;
        });
      child.on("error", (error) => resolve({ code: 127, signal: null, stdout: "", stderr: error.message }));
      child.on("close", (code, ending) => resolve({ code, signal: ending, ...texts }));
    });
    signal?.throwIfAborted();
    return ended;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The last lines that a program printed, for an error's message. */
export function lastLines({ stdout, stderr, signal }: ProgramEnd, count = 12): string {
  const text = `${stdout}\n${stderr}${signal === null ? "" : `\nended by ${signal}`}`;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-count).join("\n");
}
