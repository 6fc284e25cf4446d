// Runs `taskflock top`: asks once a second, draws, listens to keys; leaves the terminal as it found it.

import type { Observer } from "@taskflock/dashboard/watch";
import { topLines } from "./top-lines.ts";
import { firstView, pressed, type Shown, TopWatch, type View } from "./top-state.ts";

const EVERY_MS = 1_000;
/** Where nobody says how wide it is. */
const DEFAULT_COLUMNS = 100;
const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

/** What `Top` needs of stdout and stdin when they are a terminal. */
export interface Terminal {
  readonly output: Pick<NodeJS.WriteStream, "write" | "columns" | "rows" | "on" | "off">;
  readonly input: Pick<NodeJS.ReadStream, "setRawMode" | "on" | "off" | "resume" | "pause">;
  readonly colour: boolean;
}

/** Prints what is, and no more; `write` gets whole lines. */
export async function printTop(address: string, observer: Observer, columns: number | undefined): Promise<string> {
  const shown = await ask(new TopWatch(address), observer);
  return topLines(shown, firstView, { columns: columns ?? DEFAULT_COLUMNS, rows: null, colour: false }).join("\n");
}

/** Resolves when the person quits, or `signal` aborts. Rejects when the scheduler does not answer at first. */
export async function runTop(
  address: string,
  observer: Observer,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const watch = new TopWatch(address);
  await ask(watch, observer);
  await new Top(watch, observer, terminal).run(signal);
}

async function ask(watch: TopWatch, observer: Observer): Promise<Shown> {
  const began = performance.now();
  const { value: overview } = await observer.ask({ q: "pageOverview" });
  const answerMs = performance.now() - began;
  const { value } = await observer.ask({ q: "pageWorkers", workers: [] });
  return watch.answered(overview, value.workers, Date.now(), answerMs);
}

class Top {
  readonly #watch: TopWatch;
  readonly #observer: Observer;
  readonly #terminal: Terminal;
  #view: View = firstView;
  #isAsking = false;
  #quit: () => void = () => undefined;

  constructor(watch: TopWatch, observer: Observer, terminal: Terminal) {
    this.#watch = watch;
    this.#observer = observer;
    this.#terminal = terminal;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { input, output } = this.#terminal;
    const over = new Promise<void>((resolve) => {
      this.#quit = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    const keys = (data: Buffer): void => this.#pressed(String(data));
    const draw = (): void => this.#draw();
    const timer = setInterval(() => void this.#refresh(), EVERY_MS);
    output.write(enter);
    output.on("resize", draw);
    input.setRawMode(true);
    input.on("data", keys);
    input.resume();
    this.#draw();
    try {
      await over;
    } finally {
      clearInterval(timer);
      output.off("resize", draw);
      input.off("data", keys);
      input.setRawMode(false);
      input.pause();
      output.write(leave);
    }
  }

  /** Keys that came together are heard one by one. */
  #pressed(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how arrow keys begin
    for (const [key] of text.matchAll(/\u001b\[[A-D]|[\s\S]/gu)) {
      const next = pressed(this.#view, key, this.#watch.shown?.workers.length ?? 0);
      if (next === "quit") {
        this.#quit();
        return;
      }
      this.#view = next;
    }
    this.#draw();
  }

  async #refresh(): Promise<void> {
    if (this.#isAsking || this.#view.isPaused) return;
    this.#isAsking = true;
    try {
      await ask(this.#watch, this.#observer);
    } catch {
      this.#watch.lost(Date.now()); // it is tried again, and the line says so meanwhile
    }
    this.#isAsking = false;
    if (!this.#view.isPaused) this.#draw();
  }

  /** Over what was drawn before, line by line: nothing flickers. */
  #draw(): void {
    const { shown } = this.#watch;
    if (shown === null) return;
    const { output, colour } = this.#terminal;
    const lines = topLines(shown, this.#view, { columns: output.columns || 80, rows: output.rows || 24, colour });
    output.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`);
  }
}
