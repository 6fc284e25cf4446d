// Console output of tasks: whatever reaches process.stdout or process.stderr of a slot becomes lines of the task that
// wrote them.
import { LineLimiter, LOG_BYTES_PER_SECOND, MAX_LINE_CHARACTERS } from "../line-limiter.ts";
import type { ItemContext } from "./item-context.ts";
import type { SlotToMain } from "./protocol.ts";

type Stream = "stdout" | "stderr";
const STREAMS: readonly Stream[] = ["stdout", "stderr"];

export class Output {
  readonly #post: (message: SlotToMain) => void;
  readonly #limiter: LineLimiter = new LineLimiter(LOG_BYTES_PER_SECOND, () => performance.now());

  constructor(post: (message: SlotToMain) => void) {
    this.#post = post;
  }

  /** Takes text over from the streams; text that no task wrote goes on to them. */
  capture(current: () => ItemContext | undefined): void {
    for (const name of STREAMS) {
      const stream = process[name];
      const write = stream.write.bind(stream) as (...rest: unknown[]) => boolean;
      stream.write = (chunk: unknown, ...rest: unknown[]): boolean => {
        const context = current();
        if (context === undefined) return write(chunk, ...rest);
        this.print(context, name, textOf(chunk, rest[0]));
        const done = rest.find((value) => typeof value === "function");
        if (done !== undefined) process.nextTick(done as () => void);
        return true;
      };
    }
  }

  print(context: ItemContext, stream: Stream, text: string): void {
    const whole = context.partial[stream] + text;
    const end = whole.lastIndexOf("\n");
    if (end < 0 && whole.length < MAX_LINE_CHARACTERS) {
      context.partial[stream] = whole;
      return;
    }
    const cut = end < 0 ? whole.length : end;
    context.partial[stream] = whole.slice(end < 0 ? cut : cut + 1);
    this.#send(context, stream, whole.slice(0, cut));
  }

  /** The task ended: what it wrote without a newline, and how much was dropped. */
  finish(context: ItemContext): void {
    for (const stream of STREAMS) {
      const rest = context.partial[stream];
      if (rest === "") continue;
      context.partial[stream] = "";
      this.#send(context, stream, rest);
    }
    const notice = this.#limiter.takeNotice();
    if (notice !== "") this.#deliver(context, "stderr", notice);
  }

  #send(context: ItemContext, stream: Stream, lines: string): void {
    context.printed(lines);
    const passed = this.#limiter.admit(clipLines(lines));
    if (passed !== "") this.#deliver(context, stream, passed);
  }

  #deliver({ item }: ItemContext, stream: Stream, text: string): void {
    this.#post({ t: "log", task: item.task, attempt: item.attempt, stream, text });
  }
}

function textOf(chunk: unknown, encoding: unknown): string {
  if (typeof chunk === "string") return chunk;
  if (!(chunk instanceof Uint8Array)) return String(chunk);
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  return bytes.toString(typeof encoding === "string" && Buffer.isEncoding(encoding) ? encoding : "utf8");
}

function clipLines(lines: string): string {
  if (lines.length <= MAX_LINE_CHARACTERS) return lines;
  return lines
    .split("\n")
    .map((line) => (line.length <= MAX_LINE_CHARACTERS ? line : `${line.slice(0, MAX_LINE_CHARACTERS - 1)}…`))
    .join("\n");
}
