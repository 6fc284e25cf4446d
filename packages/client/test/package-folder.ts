// Programs and packages in a temporary folder, and bundles as a worker evaluates them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compileFunction, constants } from "node:vm";

export class PackageFolder {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "flock-packages-")));

  path(name: string): string {
    return join(this.root, name);
  }

  write(files: Readonly<Record<string, string | object>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true });
      writeFileSync(this.path(name), typeof content === "string" ? content : JSON.stringify(content));
    }
  }

  /** An installed package, at version 1.0.0. */
  install(name: string, manifest: object, files: Readonly<Record<string, string>>): void {
    const at = (file: string): string => `node_modules/${name}/${file}`;
    this.write({ [at("package.json")]: { name, version: "1.0.0", ...manifest } });
    this.write(Object.fromEntries(Object.entries(files).map(([file, text]) => [at(file), text])));
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

/** Runs a bundle in a folder where no package is installed. */
export function evaluateBundle(text: string | null): Record<string, never> {
  if (text === null) throw new Error("there is no bundle");
  const filename = join(tmpdir(), "nowhere", "bundle.js");
  const body = compileFunction(text, ["module", "exports", "require"], {
    filename,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} };
  Reflect.apply(body, undefined, [module, module.exports, createRequire(filename)]);
  return module.exports;
}
