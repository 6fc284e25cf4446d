// The last that a task printed: kept while it runs, read only when it fails.

const MAX_LINES = 20;
const MAX_CHARACTERS = 2048;

export class LogTail {
  #text = "";

  /** Whole lines, without a newline at the end. */
  add(lines: string): void {
    const last = lines.length > MAX_CHARACTERS ? lines.slice(-MAX_CHARACTERS) : lines;
    this.#text += `${last}\n`;
    // Cut seldom, not with every line.
    if (this.#text.length > 4 * MAX_CHARACTERS) this.#text = this.#text.slice(-MAX_CHARACTERS);
  }

  /** The last lines, and after them what was begun and not ended. The first of them may lack its beginning. */
  lines(...begun: readonly string[]): string[] {
    const text = [this.#text, ...begun.filter((part) => part !== "").map((part) => `${part}\n`)].join("");
    if (text === "") return [];
    const whole = text.slice(0, -1);
    const cut = whole.length > MAX_CHARACTERS ? whole.slice(1 - MAX_CHARACTERS) : whole;
    const lines = cut.split("\n");
    if (cut !== whole) lines[0] = `…${lines[0]}`;
    return lines.slice(-MAX_LINES);
  }
}
