// What tasks print, and what the scheduler has to tell, on the client's terminal.

import type { TaskLog, TaskNumber } from "@taskflock/protocol";
import { printLines } from "./terminal.ts";

/** Output of a task; or a notice of the scheduler, with the worker "scheduler" and an empty key. */
export interface LogLine {
  readonly worker: string;
  /** The task's key. */
  readonly key: string;
  readonly stream: "stdout" | "stderr";
  /** One or more whole lines, or a part of one. */
  readonly text: string;
}

/** "inherit" writes to this process's stdout and stderr, each line with `[worker key]` before it. */
export type LogSink = "inherit" | "ignore" | ((line: LogLine) => void);

interface KnowsTasks<R> {
  readonly tasks: { get(n: TaskNumber): R | undefined };
  keyOf(record: R): string;
}

/** Of a task that may be released already. */
export function showTaskLog<R>(sink: LogSink, known: KnowsTasks<R>, { n, worker, stream, text }: TaskLog): void {
  const record = known.tasks.get(n);
  showLog(sink, { worker, key: record === undefined ? "" : known.keyOf(record), stream, text });
}

export function showLog(sink: LogSink, line: LogLine): void {
  if (sink === "ignore") return;
  if (typeof sink === "function") {
    queueMicrotask(() => sink(line)); // what it throws must not end the link
    return;
  }
  const stream = line.stream === "stdout" ? process.stdout : process.stderr;
  printLines(stream, prefixed(line));
}

/** Each line with its origin before it, and an end to the last. */
export function prefixed({ worker, key, text }: LogLine): string {
  const origin = key === "" ? `[${worker}]` : `[${worker} ${key}]`;
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  return `${origin} ${lines.replaceAll("\n", `\n${origin} `)}\n`;
}
