// One process of the cluster: started with a descriptor on which it says that it is ready, one from which it reads the
// token, and a stdin whose end, which comes with the end of this process however it ends, stops it.

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { FlockError } from "@taskflock/client";
import type { RoleCommand } from "./options.ts";

const READY_FD = 3;
const TOKEN_FD = 4;
const TAIL_CHARACTERS = 4000;

export interface RoleStart {
  readonly roleCommand: RoleCommand;
  /** E.g. `["worker", "127.0.0.1:8786", "--threads", "1"]`. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export class RoleProcess {
  /** E.g. "scheduler"; for messages. */
  readonly title: string;
  readonly #child: ChildProcess;
  /** What it said when it was ready. Rejects with FLOCK_CLUSTER_START when it ends before. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  /** Resolves, with how, when the process has ended. */
  readonly ended: Promise<string>;
  #running = true;
  #announced = false;
  #tail = "";

  constructor({ roleCommand: { command, args: before }, args, env }: RoleStart) {
    this.title = args[0] ?? "process";
    const descriptors = ["--ready-fd", String(READY_FD), "--token-fd", String(TOKEN_FD), "--exit-on-stdin-end"];
    this.#child = spawn(command, [...before, ...args, ...descriptors], {
      env,
      stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdin, this.#pipe(TOKEN_FD)]) stream?.on("error", ignore); // it may end at any time
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", (chunk) => this.#heard(chunk));
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then(() => {
      this.#running = false;
    });
    this.ready = this.#readiness();
    this.ready.catch(ignore); // whoever started it may have given up
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it printed last. */
  get tail(): string {
    return this.#tail;
  }

  /** Lets the process go on: until it gets its token it does not connect. A scheduler takes a second one, with which workers join. */
  giveToken(...tokens: readonly string[]): void {
    (this.#pipe(TOKEN_FD) as Writable | undefined)?.end(`${tokens.join("\n")}\n`);
  }

  /** From now on it does not keep this process alive, and what it prints goes to this process's stderr. */
  letGo(): void {
    this.#announced = true;
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  }

  /** Asks it to end; ends it after `graceMs`. Resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#running) return;
    this.#child.ref();
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #pipe(fd: number): Readable | Writable | undefined {
    return this.#child.stdio[fd] ?? undefined;
  }

  #heard(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_CHARACTERS);
    if (this.#announced) process.stderr.write(chunk);
  }

  async #readiness(): Promise<Readonly<Record<string, unknown>>> {
    const line = await Promise.race([firstLine(this.#pipe(READY_FD) as Readable), this.ended.then(() => null)]);
    if (line === null || line === "") throw new FlockError("FLOCK_CLUSTER_START", await this.#obituary());
    return JSON.parse(line);
  }

  async #obituary(): Promise<string> {
    const how = await this.ended;
    const output = this.#tail.trim();
    return `The ${this.title} ended before it was ready (${how})${output === "" ? "; it printed nothing." : `:\n${output}`}`;
  }
}

/** Up to the first newline, or to the end. */
async function firstLine(stream: Readable): Promise<string> {
  let text = "";
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.includes("\n")) break;
    }
  } catch {
    return ""; // the process is gone
  }
  return text.split("\n")[0] ?? "";
}

function ignore(): void {}
