// The text of lines in code that was sent with tasks: a place in it says little to people, who have other lines in their files.

import { decodeFunctionDescription } from "@taskflock/protocol";
import type { Observer } from "./observer.ts";
import type { ProfiledCall } from "./profile.ts";

/** How workers name such code: in profiles by a file of its own, in stacks by a script's name. */
const NAMES = [/-([0-9a-f]{8})\.taskflock-function\.js$/, /^taskflock:.*-([0-9a-f]{8})$/];
/** Lines that are longer were made by a program: of them only what stands around the column is told. */
const LINE_UNITS = 200;
const BEFORE_COLUMN = 60;
const FUNCTIONS_KEPT = 64;
/** Of one profile. */
const FUNCTIONS_ASKED = 32;

export function hashIn(file: string): string | undefined {
  for (const name of NAMES) {
    const found = name.exec(file)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

export class SentCode {
  readonly #observer: Pick<Observer, "ask">;
  /** Lines by hash; the one asked for longest ago first. */
  readonly #kept = new Map<string, readonly string[]>();

  constructor(observer: Pick<Observer, "ask">) {
    this.#observer = observer;
  }

  /** Line and column from 1; without a column 0. "" where the code is not known any more, or nothing can be read in it. */
  async line(file: string, line: number, column: number): Promise<string> {
    const hash = hashIn(file);
    return hash === undefined ? "" : textAt((await this.#lines(hash))[line - 1], column);
  }

  /** With the text of the lines in code that was sent. */
  async annotated(calls: readonly ProfiledCall[]): Promise<ProfiledCall[]> {
    const hashes = [...hashesIn(calls, new Set())].slice(0, FUNCTIONS_ASKED);
    const codes = new Map(await Promise.all(hashes.map(async (hash) => [hash, await this.#lines(hash)] as const)));
    return withTexts(calls, codes);
  }

  async #lines(hash: string): Promise<readonly string[]> {
    const known = this.#kept.get(hash);
    if (known !== undefined) return known;
    const { data } = await this.#observer.ask({ q: "pageFunction", hash });
    if (data.length === 0) return [];
    const lines = decodeFunctionDescription(data).code.split("\n");
    if (this.#kept.size >= FUNCTIONS_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? "");
    this.#kept.set(hash, lines);
    return lines;
  }
}

/** What can be read of a line. */
export function textAt(line: string | undefined, column: number): string {
  if (line === undefined) return "";
  const text = line.trim();
  if (text.length <= LINE_UNITS) return text;
  if (column <= 0) return "";
  const from = Math.max(0, column - 1 - BEFORE_COLUMN);
  return `${from > 0 ? "…" : ""}${line.slice(from, from + LINE_UNITS).trim()}…`;
}

function hashesIn(calls: readonly ProfiledCall[], found: Set<string>): Set<string> {
  for (const { file, calls: below } of calls) {
    const hash = hashIn(file);
    if (hash !== undefined) found.add(hash);
    hashesIn(below, found);
  }
  return found;
}

function withTexts(calls: readonly ProfiledCall[], codes: ReadonlyMap<string, readonly string[]>): ProfiledCall[] {
  return calls.map((call) => {
    const code = codes.get(hashIn(call.file) ?? "") ?? [];
    const lines = call.lines.map(({ line, share }) => {
      const text = textAt(code[line - 1], 0);
      return text === "" ? { line, share } : { line, share, text };
    });
    return { ...call, lines, calls: withTexts(call.calls, codes) };
  });
}
