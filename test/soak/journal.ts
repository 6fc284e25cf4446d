// What the program does, and what it finds wrong.

import { appendFileSync } from "node:fs";

export class Journal {
  readonly file: string;
  readonly #begun: number = performance.now();
  readonly #wrong: string[] = [];
  #isOver = false;

  constructor(file: string) {
    this.file = file;
  }

  get findings(): readonly string[] {
    return this.#wrong;
  }

  write(text: string): void {
    appendFileSync(this.file, `${this.#at()} ${text}\n`);
  }

  /** Also on the terminal. */
  tell(text: string): void {
    this.write(text);
    console.log(`${this.#at()} ${text}`);
  }

  /** What happens while all is taken down is no finding. */
  end(): void {
    this.#isOver = true;
  }

  wrong(text: string): void {
    if (this.#isOver) return;
    this.#wrong.push(text);
    this.tell(`WRONG ${text}`);
  }

  #at(): string {
    return `${((performance.now() - this.#begun) / 1_000).toFixed(1).padStart(7)} s`;
  }
}
