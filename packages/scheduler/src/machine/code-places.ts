// Where places in code that travelled stand in the user's files, as clients told it.

import type { CodePlace, SourcePlace } from "@taskflock/protocol/words";

/** Places that are remembered; the one that was told first goes. */
const KEPT = 5_000;

export class CodePlaces {
  readonly #known: Map<string, SourcePlace> = new Map();

  get size(): number {
    return this.#known.size;
  }

  of(place: CodePlace): SourcePlace | null {
    return this.#known.get(keyOf(place)) ?? null;
  }

  tell(place: CodePlace, source: SourcePlace): void {
    const key = keyOf(place);
    this.#known.delete(key);
    this.#known.set(key, source);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value ?? "");
  }

  /** What is wrong, or null. */
  check(): string | null {
    return this.#known.size <= KEPT ? null : `${this.#known.size} places of code are remembered`;
  }
}

function keyOf({ code, line, column, name }: CodePlace): string {
  return `${code}:${line}:${column}:${name}`;
}
