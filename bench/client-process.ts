// The client's process as the benchmark sees it: told what to run, asked what it measured.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { program } from "./programs.ts";
import type { Figures, FromClient, Question, ToClient } from "./workload.ts";

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #inspector: Promise<string | null>;
  readonly #answer: (question: Question) => Promise<number>;
  #settle: ((message: FromClient | Error) => void) | null = null;

  static async start(inspect: boolean, answer: (question: Question) => Promise<number>): Promise<ClientProcess> {
    const flags = inspect ? ["--inspect=127.0.0.1:0"] : [];
    const child = spawn(process.execPath, [...flags, await program("client")], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    return new ClientProcess(child, inspect, answer);
  }

  private constructor(child: ChildProcess, inspect: boolean, answer: (question: Question) => Promise<number>) {
    this.#child = child;
    this.#answer = answer;
    this.#inspector = inspect ? inspectorOf(child) : Promise.resolve(null);
    if (!inspect) child.stderr?.pipe(process.stderr);
    child.on("message", (message: FromClient) => this.#receive(message));
    child.once("exit", (code, signal) => {
      this.#settle?.(new Error(`the client's process ended (${signal ?? `exit code ${code}`})`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get inspector(): Promise<string | null> {
    return this.#inspector;
  }

  /** Connects and warms up; a lone workload has no address. */
  async prepare(workload: string, address: string | null): Promise<void> {
    await this.#tell({ t: "start", workload, address });
  }

  /** One run. */
  async once(): Promise<Figures> {
    const message = await this.#tell({ t: "once" });
    if (message.t !== "figures") throw new Error(`the client's process said ${message.t}`);
    return message.figures;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    if (this.#child.connected) this.#send({ t: "end" });
    await ended;
    clearTimeout(late);
  }

  #send(message: ToClient): void {
    this.#child.send(message);
  }

  #tell(message: ToClient): Promise<FromClient> {
    return new Promise((resolve, reject) => {
      this.#settle = (said) => (said instanceof Error ? reject(said) : resolve(said));
      this.#send(message);
    });
  }

  #receive(message: FromClient): void {
    if (message.t === "ask") {
      this.#answer(message.question).then(
        (value) => this.#send({ t: "answer", id: message.id, value }),
        (error: Error) => this.#settle?.(error),
      );
    } else {
      this.#settle?.(message.t === "failed" ? new Error(message.error) : message);
    }
  }
}

/** Node says on stderr where its inspector listens, and who looks; the rest is passed on. */
function inspectorOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      const url = /Debugger listening on (ws:\S+)/.exec(String(chunk))?.[1];
      if (url !== undefined) resolve(url);
      else if (!/^(Debugger|For help)/.test(String(chunk))) process.stderr.write(chunk);
    });
  });
}
