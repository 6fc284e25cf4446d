// `npm test`: installs and builds when out of date, checks, runs every test, and ends with `N passed, N failed`.
// Each step and each test counts as one. Arguments are passed to Vitest as file filters.
// Plain JavaScript on Node alone, because on a fresh clone nothing else is there yet.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { installBrowser } from "./browser.mjs";
import { build, command, install, installed, root, runNode } from "./ensure.mjs";
import { installS3Server } from "./s3-server.mjs";
import { installTensorflow } from "./tensorflow.mjs";
import { countTests } from "./test-report.mjs";

const total = { passed: 0, failed: 0, skipped: 0 };
const report = join(root, "node_modules/.cache/vitest-report.json");

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

async function step(name, work) {
  const start = performance.now();
  if (process.stdout.isTTY) process.stdout.write(`… ${name}\r`);
  const { ok, output, skipped } = await work();
  if (skipped !== undefined) {
    total.skipped++;
    console.log(`- ${name}, skipped, and the tests that need it: ${skipped}`);
    return false;
  }
  console.log(`${ok ? "✓" : "✗"} ${name} (${seconds(start)})`);
  if (!ok) console.log(output);
  if (ok) total.passed++;
  else total.failed++;
  return ok;
}

/** Vitest prints as it goes, because it takes minutes; what counts is its report. */
async function tests(filters) {
  const start = performance.now();
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  rmSync(report, { force: true });
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters];
  const exitCode = await new Promise((resolve) => {
    const vitest = spawn(process.execPath, [command("vitest", "vitest.mjs"), ...args], { cwd: root, stdio: "inherit" });
    vitest.on("close", resolve);
  });
  const counts = countTests(existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null, exitCode);
  for (const kind of Object.keys(total)) total[kind] += counts[kind];
  console.log(`${counts.failed === 0 ? "✓" : "✗"} tests (${seconds(start)})`);
}

/** What needs no build. Each runs even when another fails, so that one run shows all there is to mend. */
async function checks() {
  const checkTypes = [command("typescript", "bin/tsc"), "-p", "tsconfig.test.json"];
  await step("types of tests, examples, bench (tsc)", () => runNode(checkTypes));
  await step("format and lint (biome)", () =>
    runNode([command("@biomejs/biome", "bin/biome"), "ci", "--colors=off", "."]),
  );
  await step("unused files, exports, dependencies (knip)", () =>
    runNode([command("knip", "bin/knip.js"), "--no-progress"]),
  );
  await step("packages as published (publint)", () => runNode([join(root, "scripts/publint.mjs")]));
}

async function main() {
  console.log(`Node ${process.version} on ${process.platform} ${process.arch}`);
  // Beside the other steps, because it mostly waits for the network.
  const s3Server = installS3Server();
  const browser = s3Server.then(installBrowser); // apt installs one thing at a time
  if (installed() || (await step("dependencies (npm ci)", install))) {
    const built = await step("build (tsc -b, rolldown)", build);
    await checks();
    if (built) await step("native TensorFlow (taskflock tensorflow install)", installTensorflow);
    await step("S3 server (radosgw)", () => s3Server);
    await step("browser (Chromium)", () => browser);
    if (built) await tests(process.argv.slice(2));
    else console.log("The build failed, so the tests did not run.");
  }
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  // Not process.exit: output to a pipe must be written out first.
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main();
