// The layout of the repository, held by a test so that it cannot rot unseen. Every rule is shown to fail first.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorRegistry } from "@taskflock/protocol/words";
import { describe, expect, it } from "vitest";
import { renderErrors } from "../scripts/errors-doc.ts";
import { countTests } from "../scripts/test-report.mjs";
import { arrowProblems, importCycles } from "./tidy/arrows.ts";
import * as rules from "./tidy/rules.ts";
import { isSource, root, textFiles, withSyntax } from "./tidy/tree.ts";

const files = textFiles();
const sources = files.filter(({ path }) => isSource(path)).map(withSyntax);
const sample = (path: string, text: string) => withSyntax({ path, text });
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("arrows between rooms", () => {
  it.each([
    ["packages/scheduler/src/machine/a.ts", 'import { x } from "../shell.ts"'],
    ["packages/scheduler/src/machine/a.ts", 'import { readFileSync } from "node:fs"'],
    ["packages/scheduler/src/machine/a.ts", 'import type { Frame } from "@taskflock/protocol"'],
    ["packages/protocol/src/words/a.ts", 'export * from "../value/index.ts"'],
    ["packages/worker/src/a.ts", 'import { x } from "@taskflock/scheduler"'],
    ["packages/ml/src/a.ts", 'const x = await import("@taskflock/client")'],
    ["packages/client/src/a.ts", 'type X = import("@taskflock/cluster").X'],
    ["packages/client/src/a.ts", 'import { x } from "../../ml/src/matrix.ts"'],
    ["packages/client/src/a.ts", 'import { x } from "@taskflock/ml/dist/matrix.js"'],
    ["packages/taskflock/src/a.ts", 'import { x } from "./cli/scheduler.ts"'],
    ["packages/dashboard/web/a.tsx", 'import { x } from "../server/app.ts"'],
    ["packages/dashboard/web/a.tsx", 'import { x } from "@taskflock/protocol"'],
    ["packages/dashboard/web/a.tsx", 'import { x } from "node:path"'],
    ["packages/dashboard/server/a.ts", 'import { x } from "../web/ui/format.ts"'],
    ["packages/client/src/a.ts", 'import { x } from "../test/a.test.ts"'],
    ["test/a.test.ts", 'import { x } from "@taskflock/ml/src/matrix.ts"'],
    ["test/fuzz/a.ts", 'import { x } from "../../packages/ml/src/matrix.ts"'],
  ])("refuses in %s: %s", (path, text) => {
    expect(arrowProblems(sample(path, text))).toHaveLength(1);
  });

  it("allows the arrows of the design", () => {
    const machine = 'import { FlockError } from "@taskflock/protocol/words"; import { y } from "./port.ts"';
    expect(arrowProblems(sample("packages/worker/src/machine/a.ts", machine))).toEqual([]);
    const shell =
      'import ws from "ws"; import { M } from "./machine/index.ts"; import { F } from "@taskflock/protocol"';
    expect(arrowProblems(sample("packages/worker/src/a.ts", shell))).toEqual([]);
  });

  it("holds in the repository", () => {
    expect(sources.flatMap(arrowProblems)).toEqual([]);
  });

  it("finds an import cycle, and none in the repository", () => {
    const circle = [sample("a.ts", 'import "./b.ts"'), sample("b.ts", 'import { x } from "./a.ts"')];
    expect(importCycles(circle)).toEqual(["a.ts → b.ts → a.ts"]);
    const erased = sample("b.ts", 'import type { X } from "./a.ts"');
    expect(importCycles([circle[0]!, erased])).toEqual([]);
    expect(importCycles(sources)).toEqual([]);
  });
});

describe("purity of the machines", () => {
  it.each([
    "const now = Date.now();",
    "const r = Math.random();",
    "let p: Promise<void>;",
    "setTimeout(() => {}, 1);",
    "new WeakRef({});",
    "const { env } = process;",
    "const o = { Date };",
    'globalThis["Date"];',
  ])("refuses %s", (text) => {
    expect(rules.purityProblems(sample("packages/worker/src/machine/a.ts", text))).not.toEqual([]);
    expect(rules.purityProblems(sample("packages/worker/src/shell.ts", text))).toEqual([]);
  });

  it("does not mistake a property's name for a global", () => {
    const text = "export const x = { process: 1, Date: 2 }; x.process; class A { process(): void {} }";
    expect(rules.purityProblems(sample("packages/worker/src/machine/a.ts", text))).toEqual([]);
  });

  it("holds in the repository", () => {
    expect(sources.flatMap(rules.purityProblems)).toEqual([]);
  });
});

describe("sizes and names", () => {
  const long = (lines: number): string => `\nfunction f(): void {\n${"  f();\n".repeat(lines - 2)}}\n`;

  it("refuses long files and long functions, unless a comment says why the function is long", () => {
    expect(rules.sizeProblems(sample("a.ts", "f();\n".repeat(400)))).toEqual([]);
    expect(rules.sizeProblems(sample("a.ts", "f();\n".repeat(401)))).toHaveLength(1);
    expect(rules.sizeProblems(sample("a.ts", `// Long: one list.\n${"f();\n".repeat(401)}`))).toEqual([]);
    expect(rules.sizeProblems(sample("a.test.ts", "f();\n".repeat(501)))).toHaveLength(1);
    expect(rules.sizeProblems(sample("a.ts", long(60)))).toEqual([]);
    expect(rules.sizeProblems(sample("a.ts", long(61)))).toEqual(["a.ts:2 f has 61 lines; the limit is 60"]);
    expect(rules.sizeProblems(sample("a.ts", `// Long: one table, read top to bottom.${long(61)}`))).toEqual([]);
  });

  it("refuses grab-bags", () => {
    for (const path of ["packages/a/src/utils.ts", "packages/a/src/lib/x.ts", "test/test-helpers.ts"]) {
      expect(rules.nameProblems(path)).toHaveLength(1);
    }
    expect(rules.nameProblems("packages/a/src/library.ts")).toEqual([]);
  });

  it("hold in the repository", () => {
    expect(sources.flatMap(rules.sizeProblems)).toEqual([]);
    expect(sources.flatMap(({ path }) => rules.nameProblems(path))).toEqual([]);
  });
});

describe("what the repository says of itself", () => {
  it("has no trace of a machine or a package registry", () => {
    const traces = [`see ${["", "home", "ada", "x.ts"].join("/")}`, '"resolved": '.concat('"https://host/a.tgz"')];
    for (const text of [...traces, "registry=".concat("https://host/")]) {
      expect(rules.machineTraces({ path: "a", text })).toHaveLength(1);
    }
    expect(files.flatMap(rules.machineTraces)).toEqual([]);
  });

  it("registers every error code it names, and raises every code it registers", () => {
    const source = { path: "packages/client/src/a.ts", text: 'throw new FlockError("FLOCK_BAD", TASKFLOCK_ADDRESS)' };
    expect(rules.registryProblems(["FLOCK_ANY"], [source])).toEqual([
      "packages/client/src/a.ts names FLOCK_BAD, which is not in the registry",
      "FLOCK_ANY is registered, and no source raises it",
    ]);
    const registry = "packages/protocol/src/words/errors.ts";
    const judged = files.filter(
      ({ path }) => path !== registry && path !== "docs/errors.md" && !path.startsWith("test/tidy"),
    );
    expect(rules.registryProblems(Object.keys(errorRegistry), judged)).toEqual([]);
  });

  it("documents every error code; `npm run docs:errors` writes it anew", () => {
    const table = renderErrors({ FLOCK_B: { summary: "b | c", advice: "d" }, FLOCK_A: { summary: "a", advice: "x" } });
    expect(table.indexOf("FLOCK_A")).toBeLessThan(table.indexOf("FLOCK_B"));
    expect(table).toContain("b \\| c");
    expect(read("docs/errors.md")).toBe(renderErrors(errorRegistry));
  });

  it("has complete manifests that agree", () => {
    const repository = JSON.parse(read("package.json"));
    const bad = { name: "a", version: "0.0.9", dependencies: { "@taskflock/ml": "^0.1.0" } };
    expect(rules.manifestProblems("a", bad, repository).length).toBeGreaterThanOrEqual(6);
    const manifests = files.filter(({ path }) => /^packages\/[^/]+\/package\.json$/.test(path));
    expect(manifests.length).toBeGreaterThanOrEqual(8);
    expect(manifests.flatMap(({ path, text }) => rules.manifestProblems(path, JSON.parse(text), repository))).toEqual(
      [],
    );
  });

  it("ships the licence with every package", () => {
    const folders = files.filter(({ path }) => /^packages\/[^/]+\/package\.json$/.test(path));
    for (const { path } of folders)
      expect(read(path.replace("package.json", "LICENSE")) === read("LICENSE"), path).toBe(true);
  });

  it("explains its words in the glossary", () => {
    const words = [
      ...["task", "key", "future", "result", "worker", "slot", "nanny", "run", "attempt", "retire", "event", "port"],
      ...["cause", "arena", "holder", "journal", "machine", "shell", "session", "lineage", "scatter"],
    ];
    expect(rules.missingWords(["task", "slot"], "\n| task | a |")).toEqual(["slot"]);
    expect(rules.missingWords(words, read("docs/glossary.md"))).toEqual([]);
  });
});

describe("the count at the end of npm test", () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [] as object[],
  };

  it("counts tests, files that do not load, and failures that no test shows", () => {
    expect(countTests(report, 0)).toEqual({ passed: 3, failed: 0, skipped: 2 });
    expect(countTests(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 2 });
    expect(countTests({ ...report, testResults: [{ status: "failed", assertionResults: [] }] }, 1).failed).toBe(1);
    expect(countTests({ ...report, numFailedTests: 2 }, 1).failed).toBe(2);
    expect(countTests(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
