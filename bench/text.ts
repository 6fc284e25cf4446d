// Text to count words in: made-up words, as frequent as in natural language (Zipf's law). Written once, then used again; the
// benchmark of Dask reads the same files.

import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { mulberry32 } from "./random.ts";

export interface Text {
  readonly path: string;
  readonly bytes: number;
  readonly words: number;
  readonly distinct: number;
  /** The most frequent words, and how often each stands there. */
  readonly top: readonly (readonly [word: string, count: number])[];
}

const FOLDER = ".cache/bench";
const WORDS = 24_000;
const WORDS_PER_LINE = 12;
const LETTERS = "etaoinshrdlucmfwypvbgkjqxz";

export function text(megabytes: number): Text {
  const path = `${FOLDER}/words-${megabytes}.txt`;
  const facts = `${path}.json`;
  if (!existsSync(facts)) writeFileSync(facts, JSON.stringify(write(path, megabytes * 1e6)));
  return JSON.parse(readFileSync(facts, "utf8"));
}

function write(path: string, size: number): Text {
  mkdirSync(FOLDER, { recursive: true });
  const random = mulberry32(1862);
  const vocabulary = makeVocabulary(random);
  const next = zipf(vocabulary.length, random);
  const counts = new Int32Array(vocabulary.length);
  const file = openSync(path, "w");
  let bytes = 0;
  let words = 0;
  let pending = "";
  while (bytes < size) {
    const line: string[] = [];
    for (let i = 0; i < WORDS_PER_LINE; i++) {
      const index = next();
      counts[index]!++;
      line.push(vocabulary[index]!);
    }
    const written = `${line.join(" ")}\n`;
    pending += written;
    bytes += written.length;
    words += WORDS_PER_LINE;
    if (pending.length > 1e6 || bytes >= size) {
      writeSync(file, pending);
      pending = "";
    }
  }
  closeSync(file);
  const ranked = [...counts].map((count, index) => [vocabulary[index]!, count] as const).sort((a, b) => b[1] - a[1]);
  return { path, bytes, words, distinct: ranked.filter(([, count]) => count > 0).length, top: ranked.slice(0, 20) };
}

/** Frequent words are short. */
function makeVocabulary(random: () => number): string[] {
  const words = new Set<string>();
  while (words.size < WORDS) {
    const length = 2 + Math.trunc(words.size ** 0.2 * (0.5 + random()));
    let word = "";
    while (word.length < length) word += LETTERS[Math.trunc(random() ** 2 * LETTERS.length)];
    words.add(word);
  }
  return [...words];
}

/** Numbers from 0 to below `size`, each as often as its inverse rank says. */
function zipf(size: number, random: () => number): () => number {
  const sums = new Float64Array(size);
  let sum = 0;
  for (let rank = 0; rank < size; rank++) {
    sum += 1 / (rank + 1);
    sums[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    for (let high = size - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
