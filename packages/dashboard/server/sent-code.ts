// The text of lines in code that was sent with tasks: a place in it says little to people, who have other lines in their files.

import { decodeFunctionDescription } from "@taskflock/protocol";
import type { Observer } from "./observer.ts";
import type { ProfiledCall } from "./profile.ts";

/** How workers name such code in profiles. */
const SENT = /-([0-9a-f]{8})\.taskflock-function\.js$/;
/** Lines that are longer were made by a program: nobody reads them. */
const LINE_UNITS = 200;
const FUNCTIONS_KEPT = 64;
/** Of one profile. */
const FUNCTIONS_ASKED = 32;

function hashIn(file: string): string | undefined {
  return SENT.exec(file)?.[1];
}

export class SentCode {
  readonly #observer: Pick<Observer, "ask">;
  /** Lines by hash; the one asked for longest ago first. */
  readonly #kept = new Map<string, readonly string[]>();

  constructor(observer: Pick<Observer, "ask">) {
    this.#observer = observer;
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
      const text = code[line - 1]?.trim() ?? "";
      return text === "" || text.length > LINE_UNITS ? { line, share } : { line, share, text };
    });
    return { ...call, lines, calls: withTexts(call.calls, codes) };
  });
}
