// Text that is put together from stretches of scripts and glue, and remembers where each stretch came from.
import type { PositionScript, PositionTable } from "../stacks/positions.ts";
import { type ModuleSource, placeIn } from "./module-source.ts";

/** A stretch of a script that is replaced. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const GLUE = -1;

export class CodeText {
  readonly #scripts: Map<ModuleSource, number> = new Map();
  readonly #segments: number[] = [];
  #text = "";
  #line = 0;
  #lineStart = 0;

  get text(): string {
    return this.#text;
  }

  positions(): PositionTable {
    const scripts: PositionScript[] = [];
    for (const { script } of this.#scripts.keys()) scripts.push(script); // not a copy: its source map is read once
    return { scripts, segments: this.#segments };
  }

  glue(text: string): void {
    this.#mark(GLUE, 0, 0);
    this.#append(text);
  }

  /** From `start` to `end` of the script's text, with the edits inside it; edits inside others are left out. */
  copy(module: ModuleSource, start: number, end: number, edits: readonly Edit[]): void {
    let at = start;
    for (const edit of edits) {
      if (edit.start < at || edit.end > end) continue;
      this.#stretch(module, at, edit.start);
      this.#stretchOf(module, edit.start, edit.text);
      at = edit.end;
    }
    this.#stretch(module, at, end);
  }

  #stretch(module: ModuleSource, start: number, end: number): void {
    if (end > start) this.#stretchOf(module, start, module.text.slice(start, end));
  }

  #stretchOf(module: ModuleSource, start: number, text: string): void {
    if (text === "") return;
    let index = this.#scripts.get(module);
    if (index === undefined) {
      index = this.#scripts.size;
      this.#scripts.set(module, index);
    }
    const { line, column } = placeIn(module, start);
    this.#mark(index, line + module.script.startLine, line === 0 ? column + module.script.startColumn : column);
    this.#append(text);
  }

  #mark(script: number, line: number, column: number): void {
    this.#segments.push(this.#line, this.#text.length - this.#lineStart, script, line, column);
  }

  #append(text: string): void {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#line++;
      this.#lineStart = this.#text.length + at + 1;
    }
    this.#text += text;
  }
}
