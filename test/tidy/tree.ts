// The files of the checkout, as the rules see them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSyntax, type SourceFacts } from "./syntax.ts";

export interface TextFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface SourceFile extends TextFile {
  readonly facts: SourceFacts;
}

export const root: string = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Every text file that git tracks, or would track if it were added. */
export function textFiles(): TextFile[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  const paths = listed.toString("utf8").split("\0");
  const present = [...new Set(paths)].filter((path) => path !== "" && existsSync(join(root, path)));
  return present
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))
    .filter(({ text }) => !text.includes("\0"));
}

export function isSource(path: string): boolean {
  return /\.(ts|tsx|mts|cts|js|mjs|cjs)$/.test(path);
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.tsx?$/.test(path);
}

export function withSyntax(file: TextFile): SourceFile {
  return { ...file, facts: readSyntax(file.path, file.text) };
}
