// Files whose modules must not run on a worker: they are the program itself.
import { realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Graph } from "./graph.ts";

/** The module of the submitted function, and the program's main file. */
export function ownFiles({ root }: Graph): ReadonlySet<string> {
  const file = root.form.kind === "code" ? root.form.site.module.file : undefined;
  const main = process.argv[1];
  return new Set([file, main].flatMap((path) => (path === undefined ? [] : [path, realPath(path)])));
}

/** The specifier, in a module that is this file, leads to one of `own`; by the name of the compiled file, too. */
export function isOwnFile(specifier: string, file: string | undefined, own: ReadonlySet<string>): boolean {
  if (file === undefined || !/^\.{0,2}\/|^file:/.test(specifier)) return false;
  const path = specifier.startsWith("file:") ? fileURLToPath(specifier) : resolve(dirname(file), specifier);
  const stem = withoutExtension(path);
  return [...own].some((one) => one === path || one === realPath(path) || withoutExtension(one) === stem);
}

function withoutExtension(path: string): string {
  return path.replace(/\.[cm]?[jt]sx?$/, "");
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // `node -e`, or a file that is gone
  }
}
