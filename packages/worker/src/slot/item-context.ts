// One execution in a slot: what `taskContext()` shows of it, and how it is stopped.

import { format } from "node:util";
import { type FailedCall, FlockError } from "@taskflock/protocol/code";
import { thrownLine } from "../functions/index.ts";
import { ownFolders } from "../own-folders.ts";
import type { TaskContext } from "../task-context.ts";
import { keyOf, type SlotItem } from "./batch.ts";
import { uploadedFile } from "./files.ts";
import { encodedReport, ItemTalk, shownProgress } from "./item-talk.ts";
import { LogTail } from "./log-tail.ts";
import type { StopReason } from "./protocol.ts";
import { shapesOf } from "./shapes.ts";

export type Print = (context: ItemContext, stream: "stdout" | "stderr", text: string) => void;

/** What all items of a slot share. */
export interface ItemHost {
  readonly print: Print;
  /** The item asked for its AbortSignal. */
  heed(index: number): void;
  report(item: SlotItem, data: Uint8Array): void;
  /** The worker retires. */
  readonly retires: boolean;
}

export class ItemContext implements TaskContext {
  readonly item: SlotItem;
  readonly #worker: string;
  readonly #host: ItemHost;
  /** False once the item has its outcome: what its code still does in the background is nobody's failure. */
  running = true;
  /** Text after the last newline, by stream. */
  readonly partial: { stdout: string; stderr: string } = { stdout: "", stderr: "" };
  /** What the item's function is called with, as soon as it is. */
  args: readonly unknown[] | undefined;
  #tail: LogTail | undefined;
  #stopped: StopReason | undefined;
  #controller: AbortController | undefined;
  #fault: ((error: unknown) => void) | undefined;
  #atEnd: Set<() => void> | undefined;
  #talk: ItemTalk | undefined;

  constructor(item: SlotItem, worker: string, host: ItemHost) {
    this.item = item;
    this.#worker = worker;
    this.#host = host;
  }

  get task(): TaskContext["task"] {
    return { key: keyOf(this.item), attempt: this.item.attempt, worker: this.#worker };
  }

  // Functions on their own, because users take them apart: `const { log } = taskContext()`.

  get log(): (...values: unknown[]) => void {
    return (...values) => this.#host.print(this, "stdout", `${format(...values)}\n`);
  }

  get report(): TaskContext["report"] {
    return (progress, { quiet = false } = {}) => {
      if (!this.running) return;
      const data = encodedReport(progress, !quiet);
      if (data !== null) this.#host.report(this.item, data);
      if (!quiet) this.#host.print(this, "stdout", `progress ${shownProgress(progress)}\n`);
    };
  }

  get onTell(): TaskContext["onTell"] {
    return (hear) => this.talk.onTell(hear);
  }

  get retiring(): AbortSignal {
    const { talk } = this;
    talk.retires(this.#host.retires);
    return talk.retiring;
  }

  get talk(): ItemTalk {
    this.#talk ??= new ItemTalk();
    return this.#talk;
  }

  retires(on: boolean): void {
    this.#talk?.retires(on);
  }

  get file(): (name: string) => string {
    return uploadedFile;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.running) this.#host.heed(this.item.index);
    }
    if (this.#stopped !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.stopError());
    return this.#controller.signal;
  }

  get stopped(): StopReason | undefined {
    return this.#stopped;
  }

  stop(reason: StopReason): void {
    this.#stopped ??= reason;
    this.#controller?.abort(this.stopError());
  }

  /** What a task that was stopped fails with; `cause` is what its code threw. */
  stopError(options?: { cause: unknown }): FlockError {
    return this.#stopped === "timeout"
      ? new FlockError("FLOCK_TIMEOUT", `Task ${this.task.key} ran longer than its timeoutMs; raise it.`, options)
      : new FlockError("FLOCK_CANCELLED", `Task ${this.task.key} was cancelled while it ran.`, options);
  }

  /** Calls `callback` when the item has its outcome; what is returned takes that back. Used by the client's package (task-here.ts). */
  atTaskEnd(callback: () => void): () => void {
    if (!this.running) callback();
    else {
      this.#atEnd ??= new Set();
      this.#atEnd.add(callback);
    }
    return () => this.#atEnd?.delete(callback);
  }

  ended(): void {
    this.running = false;
    if (this.#atEnd === undefined) return;
    for (const callback of this.#atEnd) callback();
    this.#atEnd = undefined;
  }

  /** Lines that the item printed. */
  printed(lines: string): void {
    this.#tail ??= new LogTail();
    this.#tail.add(lines);
  }

  /** What failed, told when it has: the function's name as it was submitted, and the function if it could be loaded. */
  failedCall(name: string, fn: unknown, error: unknown): FailedCall {
    const { stdout, stderr } = this.partial;
    return {
      function: name,
      arguments: this.args === undefined ? "" : shapesOf(this.args, fn),
      log: (this.#tail ?? new LogTail()).lines(stdout, stderr),
      folders: ownFolders(),
      line: thrownLine(error),
    };
  }

  /** Rejects when the task's code fails outside its own promise (an exception in a timer's callback). */
  faults(): Promise<never> {
    return new Promise((_, reject) => {
      this.#fault = reject;
    });
  }

  /** False when the item is not waiting for anything. */
  fail(error: unknown): boolean {
    if (!this.running || this.#fault === undefined) return false;
    this.#fault(error);
    return true;
  }
}
