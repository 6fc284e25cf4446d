// What a reader downloads, compressed as the server does it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../dist/web", import.meta.url));
const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
const text = (name: string): string => readFileSync(join(folder, name), "utf8");

/** Kilobytes of these files, at the quality that the server takes. */
function size(files: Iterable<string>): number {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  const packed = [...files].map((name) => brotliCompressSync(readFileSync(join(folder, name)), { params }).length);
  return packed.reduce((sum, bytes) => sum + bytes, 0) / 1000;
}

/** Assets that a file names, and those that they import at once (not those that they load later). */
function needed(name: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const pattern = name.endsWith(".html") ? /\/status\/(assets\/[\w.-]+)/g : /\b(?:from|import)\s*"\.\/([\w.-]+\.js)"/g;
  for (const [, file] of text(name).matchAll(pattern)) {
    needed(name.endsWith(".html") ? file! : `assets/${file}`, found);
  }
  return found;
}

describe("the page's download", () => {
  it("is less than 200 kB, with every view", () => {
    expect(names.length).toBeGreaterThan(10);
    expect(size(names)).toBeLessThan(200);
  });

  it("is less than 100 kB for the first view", () => {
    const first = needed("index.html");
    const status = names.filter((name) => /^assets\/status-[\w-]+\.(js|css)$/.test(name));
    expect(status).not.toEqual([]);
    for (const name of status) needed(name, first);
    expect(first.size).toBeGreaterThan(3);
    expect(size(first)).toBeLessThan(100);
  });

  it("has no script or style in its documents, and nothing from elsewhere", () => {
    for (const name of names.filter((file) => file.endsWith(".html"))) {
      expect(text(name)).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
      expect(text(name)).not.toMatch(/(?:src|href)="(?!\/status\/assets\/)/);
    }
    expect(names.filter((name) => name.endsWith(".map"))).toEqual([]);
  });
});
