// Files whose modules must not run on a worker: they are the program itself.
import { realpathSync } from "node:fs";
import type { Graph } from "./graph.ts";

/** The module of the submitted function, and the program's main file. */
export function ownFiles({ root }: Graph): ReadonlySet<string> {
  const file = root.form.kind === "code" ? root.form.site.module.file : undefined;
  const main = process.argv[1];
  return new Set([file, main].flatMap((path) => (path === undefined ? [] : [path, realPath(path)])));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // `node -e`, or a file that is gone
  }
}
