// How long each thing limited the cluster: sentences that differ in their figures alone are one.

interface Held {
  text: string;
  us: number;
}

/** Between two samples no more is counted: a gap says nothing. */
const LONGEST_US = 3_000_000;
const MOST_KINDS = 200;
const SHOWN = 5;

export class LimitTimes {
  readonly #held: Map<string, Held> = new Map();
  #last: { readonly text: string; readonly at: number } | null = null;

  /** `at`: µs of the scheduler's clock. */
  add(text: string, at: number): void {
    if (this.#last !== null && this.#last.text !== "") this.#count(this.#last.text, at - this.#last.at);
    this.#last = { text, at };
  }

  /** As it was said last. */
  longest(): { readonly text: string; readonly seconds: number }[] {
    const held = [...this.#held.values()].sort((a, b) => b.us - a.us);
    return held.slice(0, SHOWN).map(({ text, us }) => ({ text, seconds: us / 1e6 }));
  }

  #count(text: string, us: number): void {
    const kind = text.replace(/\d[\d.,]*/g, "#");
    const held = this.#held.get(kind);
    const more = Math.max(0, Math.min(us, LONGEST_US));
    if (held !== undefined) {
      held.us += more;
      held.text = text;
    } else if (this.#held.size < MOST_KINDS) this.#held.set(kind, { text, us: more });
  }
}
