// Programs as cells of a TypeScript notebook, run by tslab's own converter and executor, as its Jupyter handler runs them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, runNpm } from "../../scripts/ensure.mjs";

const VERSION = "1.0.22";
/** Kept between runs: it brings a compiler of its own. */
const home = join(root, ".cache", `tslab-${VERSION}`);

/** Installs tslab without its native parts, which only its socket to Jupyter needs. Says why when it cannot. */
export async function installTslab(): Promise<string | null> {
  if (existsSync(join(home, "node_modules/tslab/dist/executor.js"))) return null;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true }));
  const options = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
  const { ok, output } = await runNpm(["install", ...options, `tslab@${VERSION}`], { cwd: home });
  if (ok) return null;
  if (/\b(ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ENOTCACHED)\b/.test(output))
    return "tslab is not installed, and the package registry cannot be reached";
  throw new Error(`tslab could not be installed:\n${output}`);
}

/** Feeds cells one after the other, as the Jupyter handler does; a cell that fails is named, and the next one runs. */
const RUNNER = `const { createConverter } = require("${join(home, "node_modules/tslab/dist/converter.js")}");
const { createExecutor } = require("${join(home, "node_modules/tslab/dist/executor.js")}");
const node = createConverter({ isJS: false, isBrowser: false });
const executor = createExecutor(process.cwd(), { node, close: () => node.close() }, console);
(async () => {
  for (const cell of require("./cells.json")) {
    if (!(await executor.execute(cell))) console.error("in the cell:\\n" + cell);
  }
  executor.close();
})();
`;

/**
 * Two cells for each program: what it declares, and its call of `program`, so that closures reach across cells. The last cell
 * runs them. Written to `folder`, which has `program.js` and `run-all.js`, with the files beside the programs.
 */
export function writeNotebook(programs: string, names: readonly string[], folder: string): void {
  mkdirSync(join(folder, "parts"), { recursive: true });
  for (const file of readdirSync(join(programs, "parts"))) {
    const text = readFileSync(join(programs, "parts", file), "latin1");
    writeFileSync(join(folder, "parts", file), file.endsWith(".ts") ? notebookText(text) : text, "latin1");
  }
  const cells = names.flatMap((name) => {
    const text = notebookText(readFileSync(join(programs, `${name}.ts`), "utf8"));
    const call = text.search(/^program\(/m);
    return [text.slice(0, call), text.slice(call)];
  });
  // As in every notebook, the client is a variable of a cell.
  cells.unshift('import { Client } from "taskflock";\nconst notebookClient = await Client.connect();');
  cells.push('import { runAll } from "./run-all";\nawait runAll();\nawait notebookClient.close();');
  writeFileSync(join(folder, "cells.json"), JSON.stringify(cells));
  writeFileSync(join(folder, "run.cjs"), RUNNER);
}

/** tslab's compiler is of TypeScript 5.0: imports without extensions and attributes. */
function notebookText(source: string): string {
  return source
    .replaceAll('"../program.ts"', '"./program"')
    .replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2$1")
    .replaceAll(' with { type: "json" }', "");
}
