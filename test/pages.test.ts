// Pages that nobody finds, and tables that name tests which are not there.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileLinksIn } from "./docs/markdown.ts";
import { root, textFiles } from "./tidy/tree.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("pages", () => {
  const linked = ["README.md", "docs/guide.md"].flatMap((path) => fileLinksIn(read(path)).map((to) => basename(to)));
  const pages = textFiles().flatMap(({ path }) => (/^docs\/[\w-]+\.md$/.test(path) ? [basename(path)] : []));

  it("are all linked from the README or the guide", () => {
    expect(pages.filter((page) => !linked.includes(page) && page !== "guide.md")).toEqual([]);
  });

  it("were merged to the end", () => {
    const halves = textFiles().filter(({ text }) => /^(<{7}|>{7}) \S/m.test(text));
    expect(halves.map(({ path }) => path)).toEqual([]);
  });
});

describe("docs/runtime-tests.md", () => {
  const rows = [...read("docs/runtime-tests.md").matchAll(/^\| (\d+) \| (.*) \| (.*) \|$/gm)].map((row) => {
    const [, line, what, tests] = row as unknown as [string, string, string, string];
    return { line: Number(line), what, tests };
  });

  it("has rows for each line, in order", () => {
    const lines = rows.map(({ line }) => line);
    expect([...new Set(lines)]).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
  });

  it.each(rows)("$line: $what", ({ tests }) => {
    for (const one of tests.split(";")) {
      const file = /[\w./-]+\.ts/.exec(one)?.[0];
      expect(file !== undefined && existsSync(join(root, file)), one).toBe(true);
      const names = [...one.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name.replace(/…$/, ""));
      for (const name of names) expect(read(file ?? ""), `${name} in ${file}`).toContain(name);
    }
  });
});
