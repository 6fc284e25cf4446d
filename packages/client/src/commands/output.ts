// What a command writes: its end is kept, and all of it is passed on as text while it comes.

import { StringDecoder } from "node:string_decoder";

export interface Output {
  add(chunk: Uint8Array): void;
  /** No more comes. */
  end(): void;
  /** What was kept; begins with a whole character. */
  text(): string;
  /** Bytes that came before what was kept. */
  droppedBytes(): number;
}

/** Keeps the last `limitBytes`. */
export function captureOutput(limitBytes: number, print: ((text: string) => void) | undefined): Output {
  const decoder = new StringDecoder("utf8");
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let dropped = 0;
  const compact = (): Uint8Array => {
    const all = Buffer.concat(chunks);
    let from = Math.max(0, all.length - limitBytes);
    while (from > 0 && from < all.length && (all[from]! & 0xc0) === 0x80) from++; // inside a character
    const kept = all.subarray(from);
    dropped += from;
    chunks = [kept];
    bytes = kept.length;
    return kept;
  };
  return {
    add(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > 2 * limitBytes) compact();
      print?.(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)));
    },
    end: () => print?.(decoder.end()),
    text: () => Buffer.from(compact()).toString("utf8"),
    droppedBytes: () => {
      compact();
      return dropped;
    },
  };
}

/** The last `limit` characters of a text, from the beginning of a line when there is one. */
export function tailOf(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const tail = text.slice(1 - limit);
  const line = tail.indexOf("\n") + 1;
  return `…${line > 0 && line < tail.length ? tail.slice(line) : tail}`;
}
