// Asks `nvidia-smi`, which comes with NVIDIA's driver: in bounded time, whatever has become of it.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** It may have to wake the driver first, which takes seconds on some machines. */
export const ANSWER_MS = 10_000;
const MOST_CHARACTERS = 256 * 1024;

export type Answer =
  | { readonly ok: true; readonly text: string }
  /** `there`: the program is, and did not answer. `why` ends no sentence. */
  | { readonly ok: false; readonly there: boolean; readonly why: string };

export interface Asking {
  /** Resolves at the latest when the time is over; never rejects. */
  readonly answer: Promise<Answer>;
  /** The process is gone. One that hangs in the driver cannot be ended, and so this may never resolve. */
  readonly gone: Promise<void>;
  /** Nobody wants the answer any more. */
  stop(): void;
}

const ABSENT: Answer = { ok: false, there: false, why: "there is no nvidia-smi here (it comes with NVIDIA's driver)" };

export function askNvidiaSmi(args: readonly string[], timeoutMs: number = ANSWER_MS): Asking {
  const program = findProgram();
  if (program === null) return { answer: Promise.resolve(ABSENT), gone: Promise.resolve(), stop: () => undefined };
  const child = spawn(program, [...args], { stdio: ["ignore", "pipe", "ignore"], windowsHide: true });
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  const stop = (): void => {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.unref();
  };
  return { answer: answerOf(child, timeoutMs, stop), gone, stop };
}

function answerOf(child: ChildProcess, timeoutMs: number, stop: () => void): Promise<Answer> {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    text = (text + part).slice(0, MOST_CHARACTERS);
  });
  return new Promise((resolve) => {
    const no = (why: string): void => resolve({ ok: false, there: true, why });
    const timer = setTimeout(() => {
      stop();
      no(`nvidia-smi did not answer within ${timeoutMs / 1000} s`);
    }, timeoutMs);
    child.once("error", (error) => no(`nvidia-smi could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve({ ok: true, text });
      else no(`nvidia-smi ended with ${signal ?? `exit code ${code}`}: ${firstLine(text) || "it said nothing"}`);
    });
  });
}

/** By its full path: a program that is not there would cost the start of a process else. */
function findProgram(): string | null {
  const name = process.platform === "win32" ? "nvidia-smi.exe" : "nvidia-smi";
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && isExecutable(path)) return path;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function firstLine(text: string): string {
  return (text.trim().split("\n")[0] ?? "").slice(0, 300);
}

/** Rows of `--format=csv,noheader,nounits`. */
export function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split(",").map((cell) => cell.trim()));
}

/** Null for "[N/A]", "[Not Supported]" and the like. */
export function numberIn(cell: string | undefined): number | null {
  const value = cell === undefined || cell === "" ? Number.NaN : Number(cell);
  return Number.isFinite(value) ? value : null;
}
