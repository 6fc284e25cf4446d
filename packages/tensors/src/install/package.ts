// The published package by npm, without its install script, which would fetch another TensorFlow.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import type { Equipment } from "./checks.ts";
import type { Plan } from "./plan.ts";
import { lastLines, runProgram } from "./programs.ts";

/** Of the npm that started us: where it works is not where this one is to work. */
const placing = /^npm_(config_(prefix|local_prefix|global|workspaces?|location|omit|include)|package_.*)$/i;

/** Installs packages into `folder/node_modules`; source maps, two thirds of the bytes, are left out. */
export async function installPackages(
  plan: Plan,
  { npm }: Equipment,
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<void> {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`);
  const [program, ...first] = npm;
  const flags = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  const env = Object.fromEntries(Object.entries(plan.env).filter(([name]) => !placing.test(name)));
  const { signal } = plan;
  const end = await runProgram(program, [...first, "install", ...flags], { cwd: folder, env, signal });
  if (end.code !== 0)
    throw new FlockError(
      "FLOCK_TENSORFLOW_DOWNLOAD",
      `npm could not install ${Object.keys(dependencies).join(" ")}:\n${lastLines(end, 6)}\nnpm's own settings hold (registry, proxy)`,
    );
  dropSourceMaps(join(folder, "node_modules"));
}

function dropSourceMaps(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(".map")) rmSync(join(entry.parentPath, entry.name));
}
