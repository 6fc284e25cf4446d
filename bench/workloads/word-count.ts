// Words of a text file, counted block by block on the workers and added up in eights; beside the same functions in one process.

import { closeSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { Client, Future } from "taskflock";
import { type Text, text } from "../text.ts";
import type { Workload } from "../workload.ts";

type Counts = Map<string, number>;

/** Of the lines that begin in [start, end). */
function countBlock(path: string, start: number, end: number): Counts {
  const longest = 64 * 1024;
  const from = Math.max(0, start - 1);
  const bytes = Buffer.allocUnsafe(end - from + longest);
  const file = openSync(path, "r");
  const length = readSync(file, bytes, 0, bytes.length, from);
  closeSync(file);
  const first = start === 0 ? 0 : bytes.indexOf(10) + 1;
  const newline = bytes.subarray(0, length).indexOf(10, end - from - 1);
  const last = newline < 0 ? length : newline;
  const counts: Counts = new Map();
  for (const line of bytes.toString("utf8", first, last).split("\n")) {
    for (const word of line.split(" ")) if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function addUp(parts: readonly Counts[]): Counts {
  const sum: Counts = new Map();
  for (const part of parts) for (const [word, count] of part) sum.set(word, (sum.get(word) ?? 0) + count);
  return sum;
}

function blocksOf({ bytes }: Text, blockBytes: number): [start: number, end: number][] {
  const count = Math.ceil(bytes / blockBytes);
  return Array.from({ length: count }, (_, i) => [i * blockBytes, Math.min(bytes, (i + 1) * blockBytes)]);
}

async function onWorkers(client: Client, path: string, blocks: readonly [number, number][]): Promise<Counts> {
  let level: Future<Counts>[] = blocks.map(([start, end]) => client.submit(countBlock, [path, start, end]));
  while (level.length > 1) {
    const next: Future<Counts>[] = [];
    for (let i = 0; i < level.length; i += 8) next.push(client.submit(addUp, [level.slice(i, i + 8)]));
    client.release(level);
    level = next;
  }
  const counts = await level[0]!.result();
  client.release(level);
  return counts;
}

function check(counts: Counts, { words, distinct, top }: Text): void {
  const sum = [...counts.values()].reduce((a, b) => a + b, 0);
  const right = sum === words && counts.size === distinct && top.every(([word, count]) => counts.get(word) === count);
  if (!right) throw new Error(`wrong counts: ${sum} words, ${counts.size} distinct`);
}

export function wordCount(megabytes: number, blockBytes: number): Workload {
  return {
    facts: { megabytes, blockBytes },
    start: ({ client, measure }) => {
      const words = text(megabytes);
      const blocks = blocksOf(words, blockBytes);
      const path = resolve(words.path);
      return async () => {
        const started = performance.now();
        check(addUp(blocks.map(([start, end]) => countBlock(path, start, end))), words);
        const oneProcessSeconds = (performance.now() - started) / 1000;
        let counts: Counts = new Map();
        const seconds = await measure(blocks.length, async () => {
          counts = await onWorkers(client, path, blocks);
        });
        check(counts, words);
        return { seconds, oneProcessSeconds, speedup: oneProcessSeconds / seconds };
      };
    },
  };
}
