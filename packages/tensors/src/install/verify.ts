// Does what was built compute? In a process of its own: a library that does not fit ends the process.
import { existsSync } from "node:fs";
import { FlockError } from "@taskflock/protocol/words";
import { programFile } from "../program-file.ts";
import type { NativeModule } from "./installed.ts";
import { lastLines, runProgram } from "./programs.ts";

/** What the child found. */
export interface Verified {
  readonly tensorflow: string;
  /** Whether it computed on a GPU. */
  readonly gpu: boolean;
}

export interface VerifyOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Fails when this machine has a GPU that TensorFlow does not use. */
  readonly gpu: boolean;
}

const longestMs = 120_000;

/** A matrix product and a gradient step. @throws FLOCK_TENSORFLOW_INSTALL when it does not load, or computes wrongly. */
export async function verify(native: NativeModule, { env, signal, gpu }: VerifyOptions): Promise<Verified> {
  const end = await runProgram(process.execPath, [programFile("verify-child"), JSON.stringify(native)], {
    env: { TF_FORCE_GPU_ALLOW_GROWTH: "true", ...env },
    signal,
    timeoutMs: longestMs,
  });
  const line = end.stdout.trim().split("\n").at(-1) ?? "";
  if (end.code !== 0)
    throw new FlockError("FLOCK_TENSORFLOW_INSTALL", `Native TensorFlow does not work: ${lastLines(end)}`);
  const verified = JSON.parse(line) as Verified;
  if (gpu && !verified.gpu && existsSync("/dev/nvidia0"))
    throw new FlockError(
      "FLOCK_TENSORFLOW_INSTALL",
      `This machine has a GPU, but TensorFlow does not use it. It needs a driver for CUDA 12 (525 or later: see nvidia-smi), and no ` +
        `CUDA_VISIBLE_DEVICES that hides it. It said:\n${lastLines({ ...end, stdout: "" })}`,
    );
  return verified;
}
