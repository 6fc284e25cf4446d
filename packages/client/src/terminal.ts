// One progress bar and any number of lines share a terminal: lines appear above the bar.

export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A line at the bottom of a terminal that is drawn again and again. */
export class StatusLine {
  readonly #stream: TerminalStream;
  #text = "";

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  draw(text: string): void {
    this.#text = text;
    this.#stream.write(`\r\x1b[2K${text}`);
    current = this;
  }

  /** Leaves the line as it is and goes on below it. */
  finish(text: string): void {
    this.#stream.write(`\r\x1b[2K${text}\n`);
    if (current === this) current = null;
  }

  /** Runs `print` with the line out of the way. */
  above(print: () => void): void {
    this.#stream.write("\r\x1b[2K");
    print();
    this.#stream.write(this.#text);
  }
}

// The terminal is one per process, and so is its last line.
let current: StatusLine | null = null;

/** Writes whole lines to a standard stream, above the status line if there is one. */
export function printLines(stream: TerminalStream, lines: string): void {
  const print = (): void => void stream.write(lines);
  if (current === null || stream.isTTY !== true) print();
  else current.above(print);
}
