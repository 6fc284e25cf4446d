// All that the scheduler knows, in a file: one line of JSON each, so that a million tasks can be written, and looked through with
// common tools.

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type DumpPage, type DumpSection, FlockError } from "@taskflock/protocol/words";
import { describe } from "../option-checks.ts";
import { eventList, logList, type QuestionHost } from "./lines.ts";

/** What a dump holds. */
export interface Dumped {
  readonly file: string;
  readonly tasks: number;
  /** Transitions of tasks. */
  readonly transitions: number;
  readonly events: number;
}

type Write = (section: string, row: object) => Promise<void>;

const PAGE = 500;

/** Writes the file, or leaves nothing behind. Rejects with FLOCK_ARGUMENT_INVALID and why it cannot be written. */
export async function dump(host: QuestionHost, file: string): Promise<Dumped> {
  if (typeof file !== "string" || file === "") {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `dump takes the name of a file, not ${describe(file)}.`);
  }
  const unfinished = `${file}.${process.pid}.tmp`;
  const output = createWriteStream(unfinished, { mode: 0o600 });
  try {
    await once(output, "open");
    const counts = await writeAll(host, output, file.endsWith(".gz"));
    await rename(unfinished, file);
    return { file, ...counts };
  } catch (error) {
    output.destroy();
    await rm(unfinished, { force: true });
    throw writeError(file, error);
  }
}

async function writeAll(host: QuestionHost, output: WriteStream, packed: boolean): Promise<Omit<Dumped, "file">> {
  const stream: Writable = packed ? createGzip() : output;
  if (packed) stream.pipe(output);
  const failed = finished(output);
  failed.catch(() => undefined); // awaited below
  const write: Write = async (section, row) => {
    if (stream.write(`${JSON.stringify({ section, ...row })}\n`)) return;
    await Promise.race([once(stream, "drain"), failed]);
  };
  const counts = await writeSections(host, write);
  stream.end();
  await failed;
  return counts;
}

async function writeSections(host: QuestionHost, write: Write): Promise<Omit<Dumped, "file">> {
  const cluster = await host.questions.ask({ q: "cluster" });
  await write("cluster", { dumpedAt: new Date().toISOString(), ...cluster });
  const tasks = await writePages(host, "tasks", write);
  const transitions = await writePages(host, "story", write);
  const events = await eventList(host, undefined);
  for (const event of events) await write("events", event);
  for (const lines of await logList(host, undefined)) await write("logs", lines);
  return { tasks, transitions, events: events.length };
}

async function writePages({ questions }: QuestionHost, section: DumpSection, write: Write): Promise<number> {
  let rows = 0;
  for (let from: number | null = 0; from !== null; ) {
    const page: DumpPage = await questions.ask({ q: "dump", section, from, limit: PAGE });
    for (const item of page.items) await write(section, item);
    rows += page.items.length;
    from = page.next;
  }
  return rows;
}

function writeError(file: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new FlockError("FLOCK_OPTION_INVALID", `The dump cannot be written to ${file}: ${(error as Error).message}.`, {
    cause: error,
  });
}
