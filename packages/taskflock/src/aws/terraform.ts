// Terraform's own program: it makes and takes down what there is on AWS, and keeps the state of it.

import { spawn } from "node:child_process";
import { FlockError } from "@taskflock/protocol/words";

/** Write-only arguments, by which a token does not come into the state. */
const LEAST = [1, 11] as const;
const LAST_LINES = 30;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface TerraformRun {
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

export interface TerraformOptions {
  readonly folder: string;
  /** Beside this process's: secrets as TF_VAR_…, which no command line shows. */
  readonly env: NodeJS.ProcessEnv;
  /** Told each line that it prints. */
  readonly say: (line: string) => void;
}

export class Terraform {
  readonly #options: TerraformOptions;

  constructor(options: TerraformOptions) {
    this.#options = options;
  }

  /** Rejects with FLOCK_TERRAFORM_MISSING when it is not there, or too old. */
  async version(): Promise<string> {
    const { stdout, output } = await this.run(["version", "-json"]);
    const version = /"terraform_version": *"([^"]+)"/.exec(stdout)?.[1];
    if (version === undefined) throw missing(`terraform does not say its version: ${output.trim()}`);
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return version;
    throw missing(`Terraform ${version} is here, and ${LEAST.join(".")} or later is needed.`);
  }

  /** Rejects only when it cannot be started. `show`: what it prints is told as it comes. */
  run(args: readonly string[], { show = false }: { readonly show?: boolean } = {}): Promise<TerraformRun> {
    const { folder, env, say } = this.#options;
    return new Promise((resolve, reject) => {
      // In a group of its own: a Ctrl-C at the terminal would reach it beside ours, and at the second it gives up its state.
      const child = spawn("terraform", args, {
        cwd: folder,
        env: { ...process.env, ...env, TF_IN_AUTOMATION: "1", TF_INPUT: "0" },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      let isEnding = false;
      // However often: Terraform hears it once, and this process stays, for it would die of the first line that nobody reads.
      const interrupt = (): void => {
        say("Terraform ends what it has begun, and keeps its state. The same command goes on from there.");
        if (!isEnding) child.kill("SIGINT");
        isEnding = true;
      };
      for (const signal of signals) process.on(signal, interrupt);
      let [stdout, output] = ["", ""];
      const lines = new Lines(show ? say : () => undefined);
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text;
          lines.take(text);
        });
      child.once("error", (cause) => reject(missing("terraform is not on the path.", cause)));
      child.once("close", (code) => {
        for (const signal of signals) process.off(signal, interrupt);
        lines.end();
        resolve({ code, stdout, output });
      });
    });
  }

  /** The same, where a failure is an error: FLOCK_TERRAFORM_FAILED with its own words. */
  async must(args: readonly string[], options?: { readonly show?: boolean }): Promise<TerraformRun> {
    const run = await this.run(args, options);
    if (run.code === 0) return run;
    throw terraformFailed(args[0] ?? "", run);
  }
}

export function terraformFailed(what: string, { code, output }: TerraformRun): FlockError {
  const words = output.trim().split("\n");
  const from = words.findIndex((line) => line.includes("Error:"));
  const told = words.slice(Math.max(from, words.length - LAST_LINES)).join("\n");
  const lock = output.includes("Error acquiring the state lock")
    ? "\nAnother `taskflock aws` works on this cluster. Wait for it."
    : "";
  return new FlockError("FLOCK_TERRAFORM_FAILED", `terraform ${what} failed (exit code ${code}):\n${told}${lock}`);
}

function missing(why: string, cause?: unknown): FlockError {
  return new FlockError(
    "FLOCK_TERRAFORM_MISSING",
    `${why} Install it: https://developer.hashicorp.com/terraform/install`,
    { cause },
  );
}

/** Whole lines of what comes in pieces. */
class Lines {
  readonly #say: (line: string) => void;
  #rest = "";

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#say(line);
  }

  end(): void {
    if (this.#rest.trim() !== "") this.#say(this.#rest);
    this.#rest = "";
  }
}
