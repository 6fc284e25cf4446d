// Values as people read them: parameters of candidates, whatever they are.

import { type DetailValue, detailTexts } from "@taskflock/protocol/words";

const MAX = detailTexts.value;

/** Functions and classes by their names, objects as short JSON. Never throws, and looks at no more than is shown. */
export function readable(value: unknown): DetailValue {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "string") return shortened(value, MAX);
  const writer = new Writer();
  try {
    writer.write(value, 0);
  } catch {
    // A getter of the user's.
    writer.add("…");
  }
  return shortened(writer.text, MAX);
}

export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

const DEPTH = 6;

class Writer {
  text = "";

  get isFull(): boolean {
    return this.text.length > MAX;
  }

  add(text: string): void {
    this.text += text.slice(0, MAX + 1);
  }

  write(value: unknown, depth: number): void {
    if (typeof value === "function") this.add(value.name || "a function");
    else if (typeof value === "string") this.add(depth === 0 ? value : JSON.stringify(value.slice(0, MAX)));
    else if (typeof value !== "object" || value === null) this.add(String(value));
    else if (value instanceof Date) this.add(Number.isNaN(value.getTime()) ? "no date" : value.toISOString());
    else if (value instanceof RegExp || value instanceof URL) this.add(String(value));
    else if (depth >= DEPTH) this.add("…");
    else if (Array.isArray(value) || ArrayBuffer.isView(value)) this.#list(value, depth);
    else if (value instanceof Map || value instanceof Set) this.#list([...firstOf(value)], depth);
    else this.#record(value, depth);
  }

  #list(value: ArrayBufferView | readonly unknown[], depth: number): void {
    const items = value as unknown as ArrayLike<unknown>;
    this.add("[");
    for (let i = 0; i < items.length && !this.isFull; i++) {
      if (i > 0) this.add(",");
      this.write(items[i], depth + 1);
    }
    this.add("]");
  }

  #record(value: object, depth: number): void {
    const made: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    if (typeof made === "string" && made !== "Object" && made !== "") this.add(`${made} `);
    this.add("{");
    let count = 0;
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      if (this.isFull) return;
      this.add(`${count++ > 0 ? "," : ""}${JSON.stringify(key.slice(0, MAX))}:`);
      this.write((value as Record<string, unknown>)[key], depth + 1);
    }
    this.add("}");
  }
}

function* firstOf(items: Iterable<unknown>): Generator<unknown> {
  let count = 0;
  for (const item of items) {
    if (count++ === MAX) return;
    yield item;
  }
}
