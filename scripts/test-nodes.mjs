// `npm run test:nodes`: the whole of `npm test` under other versions of Node, fetched by npx. Not part of `npm test`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./ensure.mjs";

const versions = [22, 24];
const results = versions.map((version) => {
  console.log(`\nNode ${version}`);
  // `node` is named without a path: npx puts the asked-for version first on the PATH.
  const args = ["-y", "-p", `node@${version}`, "node", join(root, "scripts/test.mjs"), ...process.argv.slice(2)];
  return spawnSync("npx", args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" }).status === 0;
});
console.log("");
for (const [index, version] of versions.entries())
  console.log(`Node ${version}: ${results[index] ? "passed" : "failed"}`);
process.exitCode = results.every(Boolean) ? 0 : 1;
