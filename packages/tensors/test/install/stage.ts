// Folders, wheels and programs for the tests of the installation. All real, but small.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import type { Equipment } from "../../src/install/checks.ts";
import type { Plan } from "../../src/install/plan.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-install-"));
  folders.push(folder);
  return folder;
}

function works(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

export const hasPython: boolean = works("python3", ["-m", "pip", "--version"]);
export const hasCompiler: boolean = works("c++", ["--version"]);

export function planFor(home: string, more: Partial<Plan> = {}): Plan {
  return { gpu: false, home, python: null, tensorflow: null, env: process.env, signal: undefined, ...more };
}

export const equipment: Equipment = { compiler: "c++", python: "python3", npm: ["npm"], found: [] };

/** A wheel with these members, written by Python. `name` is that of the file. */
export function writeWheel(folder: string, name: string, members: Readonly<Record<string, string>>): string {
  const [distribution, version] = name.split("-");
  const info = `${distribution}-${version}.dist-info`;
  const all = {
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${distribution}\nVersion: ${version}\n`,
    [`${info}/RECORD`]: "",
    ...members,
  };
  const script =
    "import json,sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],'w')\n" +
    "for k,v in json.load(sys.stdin).items(): z.writestr(k,v)\nz.close()";
  mkdirSync(folder, { recursive: true });
  execFileSync("python3", ["-c", script, join(folder, name)], { input: JSON.stringify(all) });
  return join(folder, name);
}

/** pip looks into this folder only. */
export function onlyFrom(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: folder };
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
