// Compiles the package's binding against TensorFlow's C library.
import { existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { Equipment } from "./checks.ts";
import { packageName } from "./home.ts";
import { installPackages } from "./package.ts";
import type { Plan } from "./plan.ts";
import { lastLines, runProgram } from "./programs.ts";

/**
 * Where Node-API's headers are. Any will do, since that interface only grows: those beside the running Node, or npm's package of them,
 * which is put into `folder`.
 */
export async function findHeaders(plan: Plan, equipment: Equipment, folder: string): Promise<string> {
  const named = plan.env["npm_config_nodedir"];
  const prefixes = [...(named ? [named] : []), dirname(dirname(realpathSync(process.execPath)))];
  const beside = prefixes.map((prefix) => join(prefix, "include/node"));
  const found = beside.find((candidate) => existsSync(join(candidate, "node_api.h")));
  if (found !== undefined) return found;
  mkdirSync(folder, { recursive: true });
  await installPackages(plan, equipment, folder, { "node-api-headers": "^1.5.0" });
  return join(folder, "node_modules/node-api-headers/include");
}

export interface Parts {
  /** What is being made: `node_modules` and `site-packages` lie in it. */
  readonly folder: string;
  readonly nodeHeaders: string;
  readonly tensorflowHeaders: string;
}

/** Makes the binding, and gives the package's main file, relative to the folder. */
export async function buildBinding(plan: Plan, equipment: Equipment, parts: Parts): Promise<string> {
  const { folder, nodeHeaders, tensorflowHeaders } = parts;
  const home = join(folder, "node_modules", packageName(plan.gpu));
  const libraries = join(folder, "site-packages/tensorflow");
  // Node-API 8, which all Nodes have that Taskflock runs on. The package looks for its binary under this name.
  const output = join(home, "lib/napi-v8/tfjs_binding.node");
  const sources = readdirSync(join(home, "binding")).filter((name) => name.endsWith(".cc"));
  await compile(plan, equipment, output, [
    "-std=c++17",
    ...["-DNAPI_VERSION=8", "-DNODE_GYP_MODULE_NAME=tfjs_binding", "-DBUILDING_NODE_EXTENSION"],
    ...[nodeHeaders, tensorflowHeaders, dirname(home)].map((path) => `-I${path}`),
    ...sources.map((name) => join(home, "binding", name)),
    `-L${libraries}`,
    ...readdirSync(libraries)
      .filter((name) => name.includes(".so"))
      .map((name) => `-l:${name}`),
    // Relative, so that the folder can be moved.
    `-Wl,-rpath,$ORIGIN/${relative(dirname(output), libraries)}`,
  ]);
  return join("node_modules", packageName(plan.gpu), "dist/index.js");
}

/** A shared library that Node loads. */
export async function compile(
  plan: Plan,
  { compiler }: Equipment,
  output: string,
  args: readonly string[],
): Promise<void> {
  mkdirSync(dirname(output), { recursive: true });
  const { env, signal } = plan;
  const end = await runProgram(compiler, ["-O2", "-fPIC", "-shared", "-w", ...args, "-o", output], { env, signal });
  if (end.code !== 0)
    throw new FlockError(
      "FLOCK_TENSORFLOW_INSTALL",
      `${compiler} could not compile the binding; nothing was changed:\n${lastLines(end)}`,
    );
}
