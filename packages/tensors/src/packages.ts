// Optional packages: found where the user's program finds them, or beside this package.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tensorflowHome } from "./install/home.ts";
import { installedModule } from "./install/installed.ts";

/** From where packages are looked for. The user's copy wins over one beside this package. */
export function packagePlaces(): string[] {
  const program = process.argv[1];
  return [join(process.cwd(), "package.json"), ...(program ? [program] : []), import.meta.url];
}

/** `taskflock tensorflow install` brings a copy of `@tensorflow/tfjs`, for machines that have none. */
function installedPlaces(): string[] {
  const found = [true, false].map((gpu) => installedModule(tensorflowHome(), gpu));
  return found.flatMap((native) => ("why" in native ? [] : [native.path]));
}

/** The file that `require(name)` loads; null when the package is nowhere. */
export function findPackage(name: string): string | null {
  for (const place of [...packagePlaces(), ...installedPlaces()]) {
    try {
      return createRequire(place).resolve(name);
    } catch {
      // It is not there; the next place may have it.
    }
  }
  return null;
}

/** What the file exports, whichever module system it was written for. */
export async function importFile(file: string): Promise<unknown> {
  const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { default?: unknown };
  // Of a CommonJS file `default` is all of `module.exports`; names alone may lack what Node does not see in its text.
  return typeof module.default === "object" && module.default !== null ? module.default : module;
}

/** Version of the package that a file belongs to. */
export function versionOf(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: string };
    if (version !== undefined) return version;
  }
  return "unknown";
}
