// The code in README and docs runs, type-checks and prints what the page says.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import { dummyClassifier, kNeighborsClassifier, logisticRegression, svc } from "taskflock";
import { beforeAll, describe, expect, it } from "vitest";
import { command, runNode } from "../scripts/ensure.mjs";
import { fileLinksIn, type Program, printsAsSaid, programsIn } from "./docs/markdown.ts";
import { root, textFiles } from "./tidy/tree.ts";

const pages = textFiles().filter(({ path }) => /^([A-Z]+\.md|docs\/.*\.md)$/.test(path));
const programs = pages.flatMap(({ path, text }) => programsIn(path, text));
// Inside the repository, so that `taskflock` resolves; ignored by git.
const folder = join(root, ".cache/docs");

const fileOf = ({ place }: Program): string => join(folder, `${place.replace(/[^\w]+/g, "-")}.ts`);

describe("reading pages", () => {
  const page = [
    ...["# A", "```ts", "run(1);", "```", "", "```text output", "1", "```", "```ts no-run", "part(", "```"],
    ...["```ts", "run(2);", "```", "words", "```text output", "2", "```", "```sh", "ls", "```"],
  ].join("\n");

  it("takes whole programs, and their output when it follows at once", () => {
    expect(programsIn("a.md", page)).toEqual([
      { place: "a.md:2", code: "run(1);\n", output: "1" },
      { place: "a.md:12", code: "run(2);\n", output: undefined },
    ]);
  });

  it("refuses a mark it does not know, and a block that does not end", () => {
    expect(() => programsIn("a.md", "```ts norun\n```")).toThrow('a.md:1: "ts norun"');
    expect(() => programsIn("a.md", "```ts\n")).toThrow("line 1 is not closed");
  });

  it("compares output line by line, with … for what varies", () => {
    expect(printsAsSaid("a … s\nb", "a 1.2 s\nb\n")).toBe(true);
    expect(printsAsSaid("a\n…\nd", "a\nb\nc\nd\n")).toBe(true);
    expect(printsAsSaid("a.c", "abc")).toBe(false);
    expect(printsAsSaid("a", "a\nb")).toBe(false);
    expect(printsAsSaid("a\nb", "a")).toBe(false);
  });

  it("finds links to files, not those in code or to elsewhere", () => {
    expect(fileLinksIn("[a](b.md#c) [d](https://e) [f](#g)\n```ts\nx[0](y)\n```\n")).toEqual(["b.md"]);
  });
});

describe("pages", () => {
  it.each(pages)("$path links to files that exist", ({ path, text }) => {
    expect(fileLinksIn(text).filter((target) => !existsSync(join(root, dirname(path), target)))).toEqual([]);
  });
});

describe("docs/estimators.md", () => {
  const rows = [...readFileSync(join(root, "docs/estimators.md"), "utf8").matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  const builtIn = [svc(), logisticRegression(), kNeighborsClassifier(), dummyClassifier()];

  it.each(builtIn)("names the parameters of $name and their defaults", ({ name, params }) => {
    const [, , cells = ""] = rows.find(([, estimator]) => estimator === name) ?? [];
    const told = [...cells.matchAll(/`(\w+)` \(("?[\w.-]+"?)/g)].map(([, key, value]) => [
      key,
      JSON.parse(value ?? ""),
    ]);
    expect(Object.fromEntries(told)).toEqual(params);
  });
});

/** Without its types, in a file beside it: a hundred programs start in much less time than through tsx, which test/functions covers. */
function compiled(program: Program): string {
  const file = fileOf(program).replace(/\.ts$/, ".mjs");
  const settings = { loader: "ts", format: "esm", target: "node20", keepNames: true, sourcemap: "inline" } as const;
  const { code } = transformSync(program.code, settings);
  writeFileSync(file, code);
  return file;
}

describe.runIf(programs.length > 0)("programs in README and docs", () => {
  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const program of programs) writeFileSync(fileOf(program), program.code);
    const config = { extends: "../../tsconfig.test.json", include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  });

  it("type-check", async () => {
    const { output } = await runNode([command("typescript", "bin/tsc"), "-p", folder]);
    expect(output).toBe("");
  });

  // Two at a time: each starts processes of its own, and waits for them.
  it.concurrent.each(programs)("$place runs", async (program) => {
    const { ok, output, stdout } = await runNode([compiled(program)], { timeout: 110_000 });
    expect(ok, output).toBe(true);
    if (program.output !== undefined && !printsAsSaid(program.output, stdout)) expect(stdout).toBe(program.output);
  });
});
