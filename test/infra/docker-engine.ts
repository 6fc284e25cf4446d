// A Docker daemon for tests: the one that is there, else one of their own, which ends with them.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages, programPath } from "../../scripts/debian.mjs";

export interface Outcome {
  readonly ok: boolean;
  readonly exitCode: number | null;
  readonly stdout: string;
  /** Both streams, as they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds; none: as long as it takes. */
  readonly timeoutMs?: number;
}

/** Runs a program; never rejects. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const { input, env, cwd, timeoutMs } = options;
    const child = spawn(program, args, { env: { ...process.env, ...env }, cwd, timeout: timeoutMs });
    const out: Buffer[] = [];
    const all: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => all.push(chunk));
    child.stdin.on("error", () => {}); // it ended without reading
    child.stdin.end(input);
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString("utf8");
    const end = (exitCode: number | null, note = ""): void =>
      resolve({ ok: exitCode === 0, exitCode, stdout: text(out), output: text(all) + note });
    child.on("error", (error) => end(null, error.message));
    child.on("close", (exitCode) => end(exitCode));
  });
}

/** The same, for what must work. */
export async function must(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
  const { ok, stdout, output } = await run(program, args, options);
  if (!ok) throw new Error(`${program} ${args.join(" ")} failed:\n${output}`);
  return stdout.trim();
}

/** Resolves when `isSo` says so; throws what `describe` says when that takes too long. */
export async function until(
  isSo: () => Promise<boolean>,
  describe: () => Promise<string>,
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(await describe());
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A daemon and the client that speaks to it. */
export class DockerEngine {
  /** For programs that speak to the daemon themselves. */
  readonly env: NodeJS.ProcessEnv;
  /** Docker's client. */
  readonly program: string;
  readonly #daemon: { readonly child: ChildProcess; readonly folder: string } | null;

  constructor(program: string, env: NodeJS.ProcessEnv, daemon: { child: ChildProcess; folder: string } | null) {
    this.program = program;
    this.env = env;
    this.#daemon = daemon;
  }

  /** Whether it is the tests' own: then there is nothing of anybody else's in it. */
  get isOwn(): boolean {
    return this.#daemon !== null;
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(this.program, args, { ...options, env: { ...this.env, ...options.env } });
  }

  must(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return must(this.program, args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** `docker compose`, of whichever generation. */
  async compose(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const together = { ...options, env: { ...this.env, ...options.env } };
    if ((await this.run(["compose", "version"])).ok) return must(this.program, ["compose", ...args], together);
    return must("docker-compose", args, together);
  }

  async stop(): Promise<void> {
    if (this.#daemon === null) return;
    const { child, folder } = this.#daemon;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A daemon, or one line that says why there can be none. */
export async function dockerEngine(): Promise<DockerEngine | string> {
  const found = await clientProgram();
  if (found !== null && (await run(found, ["version"], { timeoutMs: 20_000 })).ok) return engineOf(found, {}, null);
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "no Docker daemon answers, and only root on Linux may start one";
  }
  const missing = ["dockerd", "docker-compose", "iptables"].filter((program) => programPath(program) === undefined);
  if (missing.length > 0 || found === null) {
    const packages = ["docker.io", "docker-compose", "iptables"];
    const { skipped } = await installPackages(
      packages,
      `not found: ${missing.join(", ")}; apt-get install ${packages.join(" ")}`,
    );
    if (skipped !== undefined) return skipped;
  }
  const program = await clientProgram();
  return program === null ? "no Docker client that can build" : startDaemon(program);
}

/** One that can build: newer clients need a plugin for that, which is not always there. */
async function clientProgram(): Promise<string | null> {
  for (const program of ["docker", "/usr/bin/docker"]) {
    if ((await run(program, ["build", "--help"], { env: { DOCKER_BUILDKIT: "1" } })).ok) return program;
  }
  return null;
}

async function startDaemon(program: string): Promise<DockerEngine | string> {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-docker-"));
  const socket = `unix://${folder}/docker.sock`;
  const places = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "-p", join(folder, "pid")];
  const child = spawn("dockerd", ["--host", socket, ...places], { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString("utf8")));
  let isOver = false;
  child.once("close", () => {
    isOver = true;
  });
  const engine = engineOf(program, { DOCKER_HOST: socket }, { child, folder });
  const answers = async (): Promise<boolean> => isOver || (await engine.run(["version"])).ok;
  await until(answers, async () => `dockerd does not answer: ${said.join("").slice(-2_000)}`);
  if (!isOver) return engine;
  rmSync(folder, { recursive: true, force: true });
  return `dockerd ended: ${said.join("").trim().split("\n").at(-1) ?? "without a word"}`;
}

function engineOf(
  program: string,
  env: NodeJS.ProcessEnv,
  daemon: { child: ChildProcess; folder: string } | null,
): DockerEngine {
  return new DockerEngine(program, { ...env, DOCKER_BUILDKIT: "1", COMPOSE_DOCKER_CLI_BUILD: "1" }, daemon);
}
