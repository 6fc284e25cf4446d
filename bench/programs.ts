// The programs that the benchmark runs as processes of their own, compiled as users compile theirs: a loader that translates
// TypeScript while it runs would stand in their memory and in the source of their functions.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const entries = {
  client: "bench/client.ts",
  echo: "bench/echo.ts",
  copy: "bench/copy.ts",
  scaling: "bench/scaling-program.ts",
} as const;
let built: Promise<unknown> | null = null;

/** The compiled program's file. Inside the repository, so that its imports resolve; ignored by git. */
export async function program(name: keyof typeof entries): Promise<string> {
  built ??= build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: ".cache/bench",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
  });
  await built;
  return fileURLToPath(new URL(`../.cache/bench/${name}.mjs`, import.meta.url));
}
