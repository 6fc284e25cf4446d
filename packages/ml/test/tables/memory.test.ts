// However long a table is, a reader keeps a chunk of it. Retained bytes are counted after a collection, not guessed from a peak.
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGzip } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { readCsv } from "../../src/tables/read.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const folder = mkdtempSync(join(tmpdir(), "taskflock-memory-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = 30_000;
const body = "a question about a program that does not do what its author wants, and why; ".repeat(10);

/** 24 MB as text; packed a fraction of that, so that unpacking runs ahead if nothing holds it back. */
async function write(name: string): Promise<string> {
  const path = join(folder, name);
  const file = createWriteStream(path);
  const out = name.endsWith(".gz") ? createGzip({ level: 1 }) : file;
  if (out !== file) out.pipe(file);
  for (let start = 0; start < rows; start += 1000) {
    const lines = Array.from({ length: 1000 }, (_, i) => `${start + i},"${body}",<javascript><node.js>\n`).join("");
    if (!out.write(start === 0 ? `id,body,tags\n${lines}` : lines)) await once(out, "drain");
  }
  out.end();
  await finished(file);
  return path;
}

function retained(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("a reading of CSV", () => {
  it.each(["posts.csv", "posts.csv.gz"])("keeps a chunk of %s, not all that it has read", async (name) => {
    const path = await write(name);
    const before = retained();
    const held: number[] = [];
    let last = -1;
    for await (const chunk of readCsv<{ id: number }>(path, { chunkRows: 1000 })) {
      last = chunk.id.at(-1) ?? last;
      if (last % 5000 === 4999) held.push(retained() - before);
    }
    expect(last).toBe(rows - 1);
    expect(held.length).toBe(6);
    // A chunk is 0.8 MB, buffers of the stages are some of 64 KiB to 1 MiB; a reader that kept what it read would end with 24 MB.
    expect(Math.max(...held) / 2 ** 20).toBeLessThan(14);
  });
});
