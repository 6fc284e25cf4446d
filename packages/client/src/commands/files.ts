// A command's folder on the worker: what goes in, and what is brought back.

import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { FlockError } from "@taskflock/protocol/words";
import { type CommandSpec, shown } from "./spec.ts";

/** Makes the folder, with the files. One that begins as a script may be executed. */
export async function writeFiles(folder: string, files: CommandSpec["files"]): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  for (const [path, content] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    const isScript = (
      typeof content === "string" ? content : Buffer.from(content.subarray(0, 2)).toString()
    ).startsWith("#!");
    await writeFile(target, content, isScript ? { mode: 0o755 } : {});
  }
}

export async function ensureFolder(cwd: string, spec: CommandSpec): Promise<void> {
  const found = await stat(cwd).catch(() => null);
  if (found?.isDirectory()) return;
  const why = found === null ? "does not exist there" : "is no folder there";
  throw new FlockError(
    "FLOCK_COMMAND_NOT_FOUND",
    `${shown(spec)} cannot start: its cwd ${JSON.stringify(spec.cwd)} ${why}.`,
  );
}

/** Regular files whose paths match; links are not followed. */
export async function collectFiles(folder: string, outputs: readonly string[]): Promise<Record<string, Uint8Array>> {
  if (outputs.length === 0) return {};
  const wanted = outputs.map(patternOf);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => wanted.some((pattern) => pattern.test(path)))
    .sort();
  const found: [string, Uint8Array][] = [];
  for (const path of paths) {
    const { buffer, byteOffset, length } = await readFile(join(folder, path));
    found.push([path, new Uint8Array(buffer, byteOffset, length)]);
  }
  return Object.fromEntries(found);
}

/** `*` and `?` within a folder, `**` across folders. */
function patternOf(output: string): RegExp {
  const source = output.replace(/\*\*\/|\*\*|\*|\?|[\\^$.+()[\]{}|]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : `\\${part}`;
  });
  return new RegExp(`^${source}$`, "s");
}
