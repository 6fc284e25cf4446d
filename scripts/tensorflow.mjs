// Puts native TensorFlow.js where the tests look for it: `taskflock tensorflow install` into node_modules/.cache, once per `npm ci`.
import { join } from "node:path";
import { root, runNode } from "./ensure.mjs";

/** Without it, the tests that need it are skipped. So these codes are no failure, and any other is one. */
const excused = /\(FLOCK_TENSORFLOW_(UNSUPPORTED|NEEDS|DOWNLOAD)\)$/;

const longestMs = 240_000;

/** Whether it is there; `skipped` has the reason when it cannot be had here. */
export async function installTensorflow() {
  const bounded = { PIP_RETRIES: "1", PIP_DEFAULT_TIMEOUT: "20", npm_config_fetch_retries: "1" };
  const env = { ...process.env, ...bounded, TASKFLOCK_TENSORFLOW_HOME: testHome() };
  const cli = join(root, "packages/taskflock/dist/cli.js");
  const result = await runNode([cli, "tensorflow", "install"], { env, timeout: longestMs });
  if (result.ok) return result;
  const said = result.output.trim();
  const isLate = said.includes("ended by SIGTERM");
  if (!isLate && !excused.test(said)) return result;
  const why = said.slice(said.lastIndexOf("taskflock: ") + "taskflock: ".length).replace(/\s*\n\s*/g, " ");
  return { ...result, skipped: isLate ? `the download takes more than ${longestMs / 60_000} minutes` : why };
}

/** As in vitest.config.ts. */
function testHome() {
  const named = process.env.TASKFLOCK_TENSORFLOW_HOME;
  return named ? named : join(root, "node_modules/.cache/tensorflow");
}
