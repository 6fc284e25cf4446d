// Docker's own program: what it prints is shown or read, and what is wrong with it is said.
import { spawn } from "node:child_process";
import { FlockError } from "@taskflock/protocol/words";

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** Both streams, as they came. */
  readonly output: string;
}

export interface RunOptions {
  /** Instead of this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Shows what is printed, on stderr, as it comes. */
  readonly show?: boolean;
}

export class Docker {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  /** Rejects only when there is no such program. */
  run(args: readonly string[], { env = process.env, show = false }: RunOptions = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
      const all: Buffer[] = [];
      const out: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          all.push(chunk);
          if (show) process.stderr.write(chunk);
        });
      }
      child.once("error", (error) => reject(this.#missing(error)));
      child.once("close", (exitCode) => resolve({ exitCode, stdout: textOf(out).trim(), output: textOf(all).trim() }));
    });
  }

  /** The same, where a failure is one of Docker itself. */
  async must(args: readonly string[], options?: RunOptions): Promise<string> {
    const { exitCode, stdout, output } = await this.run(args, options);
    if (exitCode === 0) return stdout;
    throw new FlockError("FLOCK_DOCKER_UNREACHABLE", `${this.#program} ${args[0]} failed: ${output}`);
  }

  /** Resolves when the daemon answers. */
  async answers(): Promise<void> {
    const { exitCode, output } = await this.run(["version", "--format", "{{.Server.Version}}"]);
    if (exitCode === 0) return;
    const hint = /permission denied/i.test(output)
      ? "This user may not use it: add it to the group docker (sudo usermod -aG docker USER, then log in anew)."
      : "Start Docker (sudo systemctl start docker, or Docker Desktop), or name a daemon elsewhere by DOCKER_HOST.";
    throw new FlockError(
      "FLOCK_DOCKER_UNREACHABLE",
      `Docker's daemon does not answer: ${output.replace(/[.?]+$/, "")}. ${hint}`,
    );
  }

  /** Whether the daemon has an image of this name. */
  async has(image: string): Promise<boolean> {
    return (await this.run(["image", "inspect", "--format", "{{.Id}}", image])).exitCode === 0;
  }

  #missing(error: NodeJS.ErrnoException): FlockError {
    return new FlockError(
      "FLOCK_DOCKER_MISSING",
      `${this.#program} cannot be started (${error.code ?? error.message}): images are built and pushed by Docker. Install it (https://docs.docker.com/engine/install), or name another program by --docker.`,
      { cause: error },
    );
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
