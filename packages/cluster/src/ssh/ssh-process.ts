// A role that runs on another machine: the ssh process here that is its beginning and its end.

import { type ChildProcess, spawn } from "node:child_process";
import { FlockError } from "@taskflock/client";
import { connectionError, roleScript, sshArguments, sshMissing } from "./connection.ts";
import type { CompleteSshOptions } from "./options.ts";

const TAIL_CHARACTERS = 4000;
const SSH_FAILED = 255;

export interface SshStart {
  readonly options: CompleteSshOptions;
  readonly host: string;
  /** E.g. `["worker", "127.0.0.1:9000"]`. */
  readonly args: readonly string[];
  readonly forwards: readonly string[];
  /** A scheduler takes a second one, with which workers join. */
  readonly tokens: readonly string[];
}

export class SshProcess {
  readonly host: string;
  /** What it said when it was ready. Rejects when it ends before: FLOCK_SSH_… or FLOCK_CLUSTER_START. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  /** Resolves, with the exit code, when the connection has ended. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #role: string;
  #running = true;
  #announced = false;
  #tail = "";

  constructor({ options, host, args, forwards, tokens }: SshStart) {
    this.host = host;
    this.#role = args[0] ?? "process";
    const script = roleScript(options.before, [...options.command, ...args], tokens.length);
    this.#child = spawn("ssh", sshArguments(options, host, script, forwards), { env: options.env });
    this.#child.stdin?.on("error", () => undefined); // it may end at any time
    this.#child.stdin?.write(`${tokens.join("\n")}\n`);
    this.#child.stderr?.on("data", (chunk: Buffer) => this.#heard(chunk));
    let missing: FlockError | null = null;
    this.ended = new Promise((resolve) => {
      this.#child.once("error", () => {
        missing = sshMissing();
        resolve(null);
      });
      this.#child.once("close", (code) => resolve(code));
    });
    const over = this.ended.then((code): never => {
      this.#running = false;
      throw missing ?? this.#obituary(code);
    });
    this.ready = Promise.race([this.#readyLine(), over]);
    this.ready.catch(() => undefined); // whoever started it may have given up
  }

  /** Rejects when it ends. */
  async lost(): Promise<never> {
    throw this.#obituary(await this.ended);
  }

  /** Whether a port that was chosen blindly is somebody else's: the one to be forwarded, here or there, or that of the status page there. */
  get portWasTaken(): boolean {
    return /remote port forwarding failed|could not request local forwarding|--dashboard-port.*\(FLOCK_PORT_IN_USE\)/i.test(
      this.#tail,
    );
  }

  /** What it printed last. */
  get tail(): string {
    return this.#tail;
  }

  /** From now on it does not keep this process alive, and what it prints goes to this process's stderr. */
  letGo(): void {
    this.#announced = true;
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  }

  /** What it says of the end of the others is nobody's concern any more. */
  hush(): void {
    this.#announced = false;
  }

  /** Its stdin ends, and so it does; the connection is cut after `graceMs`, which comes to the same. Resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#running) return;
    this.#child.ref();
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #heard(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_CHARACTERS);
    if (this.#announced) process.stderr.write(chunk);
  }

  #readyLine(): Promise<Readonly<Record<string, unknown>>> {
    let text = "";
    return new Promise((resolve) => {
      this.#child.stdout?.on("data", (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-TAIL_CHARACTERS);
        const ready = readyIn(text);
        if (ready !== null) resolve(ready);
      });
    });
  }

  #obituary(code: number | null): FlockError {
    if (code === SSH_FAILED) return connectionError(this.host, this.#tail);
    const said = this.#tail.trim();
    const message = `The ${this.#role} on ${this.host} ended (exit code ${code})${said === "" ? "; it printed nothing." : `:\n${said}`}`;
    return new FlockError("FLOCK_CLUSTER_START", message);
  }
}

/** A shell may have greeted before, with whatever. */
function readyIn(text: string): Readonly<Record<string, unknown>> | null {
  for (const [, line = ""] of text.matchAll(/^(\{".*\})\r?\n/gm)) {
    try {
      return JSON.parse(line);
    } catch {
      // It was the greeting.
    }
  }
  return null;
}
