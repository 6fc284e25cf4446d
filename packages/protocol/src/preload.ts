// Modules that a process loads before its work begins: a slot, or the scheduler. Each may prepare what it finds there.

import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { importFrom } from "./installed-package.ts";
import { FlockError } from "./words/errors.ts";

/** What was loaded, until it is taken down again. */
export interface Preloaded {
  /** Calls what the modules export as `teardown`, the last first. What one throws is printed. */
  teardown(): Promise<void>;
}

type Hook = (place: object) => unknown;

/**
 * Imports the modules, one after the other: files by their path (from `folder` on), packages by their name. What one exports as `setup`,
 * or as default, is called with `place` before the next is imported. Rejects with FLOCK_PRELOAD_FAILED.
 */
export async function preload(modules: readonly string[], folder: string, place: object): Promise<Preloaded> {
  const teardowns: { readonly module: string; readonly hook: Hook }[] = [];
  for (const module of modules) {
    try {
      const loaded = await importFrom(folder, specifierOf(module, folder));
      await hookOf(loaded["setup"] ?? loaded["default"])?.(place);
      const hook = hookOf(loaded["teardown"]);
      if (hook !== undefined) teardowns.unshift({ module, hook });
    } catch (error) {
      throw failed(module, folder, error);
    }
  }
  return { teardown: () => takeDown(teardowns, place) };
}

async function takeDown(
  teardowns: readonly { readonly module: string; readonly hook: Hook }[],
  place: object,
): Promise<void> {
  for (const { module, hook } of teardowns) {
    try {
      await hook(place);
    } catch (error) {
      process.stderr.write(`The teardown of the preloaded module ${module} failed: ${shown(error)}\n`);
    }
  }
}

function hookOf(exported: unknown): Hook | undefined {
  return typeof exported === "function" ? (exported as Hook) : undefined;
}

/** A name that is no file's is a package's. */
function specifierOf(module: string, folder: string): string {
  if (/^(?:node|file|data):/.test(module)) return module;
  const path = resolve(folder, module);
  return module.startsWith(".") || isAbsolute(module) || existsSync(path) ? pathToFileURL(path).href : module;
}

function failed(module: string, folder: string, cause: unknown): FlockError {
  const text = `The module ${module}, which is to be loaded before anything else (preload), failed: ${shown(cause)}. Paths are read from ${folder} on.`;
  return new FlockError("FLOCK_PRELOAD_FAILED", text, { cause });
}

function shown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
