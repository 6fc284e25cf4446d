// Checks every public package as npm would publish it: what `exports` names must be in the tarball, and resolve, and what its files
// import must be among its dependencies.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { root } from "./ensure.mjs";
import { undeclaredImports } from "./undeclared.mjs";

async function problemsOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (manifest.private === true) return [];
  const { messages } = await publint({ pkgDir: folder, level: "warning", strict: true, pack: "npm" });
  return [
    ...messages.map((message) => `${manifest.name}: ${formatMessage(message, manifest)}`),
    ...undeclaredImports(folder),
  ];
}

const folders = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
const problems = (await Promise.all(folders.map(problemsOf))).flat();
for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
