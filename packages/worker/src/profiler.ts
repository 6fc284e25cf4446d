// V8's sampling profiler in the threads of this process, driven from the main thread: the inspector reaches a thread also while its code
// does not return. Loaded when a profile is asked for; without one nothing of it runs.

import { Session } from "node:inspector";
import { setTimeout as sleep } from "node:timers/promises";
import { FlockError } from "@taskflock/protocol/words";
import { profileSteps } from "./profile-steps.ts";
import { type CpuProfile, type ProfileReport, ProfileTree } from "./profile-tree.ts";

/** How long a thread may take to answer, milliseconds: native code holds it that long. */
const ANSWER_MS = 2_000;

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

async function silence(): Promise<"silent"> {
  await sleep(ANSWER_MS, undefined, { ref: false });
  return "silent";
}

/** One profile at a time. */
export class Profiler {
  readonly #intervalUs: number;
  readonly #session: Session = new Session();
  /** Threads that are sampled, by the inspector's name of them. */
  readonly #threads: Set<string> = new Set();
  readonly #waiting: Map<number, Waiting> = new Map();
  #last = 0;
  #startedAt = 0;
  #stopped = false;

  /** Takes a sample every `intervalUs` microseconds. */
  constructor(intervalUs: number) {
    this.#intervalUs = intervalUs;
  }

  /** Threads that begin later are sampled too. */
  async start(): Promise<void> {
    this.#session.connect();
    this.#session.on("NodeWorker.attachedToWorker", ({ params }) => void this.#begin(params.sessionId));
    this.#session.on("NodeWorker.detachedFromWorker", ({ params }) => this.#threads.delete(params.sessionId));
    this.#session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => this.#heard(params.message));
    this.#startedAt = performance.now();
    await this.#post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  }

  /** What was sampled, of all threads together, as text (`ProfileText`). A thread that does not answer is left out. */
  async stop(processes: readonly Promise<ProfileReport | null>[]): Promise<string> {
    this.#stopped = true;
    const tree = new ProfileTree();
    const threads = [...this.#threads];
    const profiles = await Promise.allSettled(threads.map((thread) => this.#ask(thread, "Profiler.stop")));
    let silent = 0;
    let answered = 0;
    for (const one of profiles) {
      if (one.status === "fulfilled") {
        tree.add((one.value as { profile: CpuProfile }).profile);
        answered++;
      } else silent++;
    }
    const others = await Promise.all(processes.map((process) => Promise.race([process, silence()])));
    for (const one of others) {
      if (one === "silent") silent++;
      else if (one !== null) tree.merge(one);
    }
    const durationMs = performance.now() - this.#startedAt;
    const told = others.filter((one) => one !== null && one !== "silent").length;
    await this.#post("NodeWorker.disable", {}).catch(() => undefined);
    this.#session.disconnect();
    return JSON.stringify({ ...tree.report(), threads: answered + told, silent, durationMs });
  }

  async #begin(thread: string): Promise<void> {
    try {
      // All at once: a thread that is busy answers between two calls.
      await Promise.all(profileSteps(this.#intervalUs).map(([method, params]) => this.#ask(thread, method, params)));
      if (!this.#stopped) this.#threads.add(thread);
    } catch {
      // The thread has ended, or native code holds it: it is not sampled.
    }
  }

  #ask(thread: string, method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const message = JSON.stringify({ id, method, params });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#over(id)?.reject(new FlockError("FLOCK_WAIT_TIMEOUT", method)), ANSWER_MS);
      this.#waiting.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#post("NodeWorker.sendMessageToWorker", { sessionId: thread, message }).catch((error: Error) =>
        this.#over(id)?.reject(error),
      );
    });
  }

  #heard(text: string): void {
    const { id, result, error } = JSON.parse(text) as Message;
    if (id === undefined) return;
    const waiting = this.#over(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error.message));
  }

  #over(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #post(method: string, params: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, params, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}
