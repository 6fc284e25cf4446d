// Texts of code that came over the wire, run in a scope that has globals and what it is given, and nothing of the worker's.
import { createRequire } from "node:module";
import { join } from "node:path";
import { compileFunction, constants } from "node:vm";
import { importFrom } from "@taskflock/protocol/code";
import { keepSource } from "./source-lines.ts";

export interface CodeText {
  /** A function body. */
  readonly code: string;
  /** What traces call the script: `script:line:column`, both as in the code. */
  readonly script: string;
  /** Where `require` and `import()` in the code look for packages. */
  readonly folder: string;
}

/** Runs the code with these parameters, which `require` joins. Throws what the code throws. */
export async function evaluate(text: CodeText, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
  // So that the engine's note about import() is said here, and silenced, rather than in the user's first task.
  if (text.code.includes("import")) await importFrom(text.folder, "node:module");
  return evaluateNow(text, parameters);
}

export function evaluateNow(
  { code, script, folder }: CodeText,
  parameters: Readonly<Record<string, unknown>>,
): unknown {
  // A profile names a script by its file: each has one of its own, which ends alike (readable.ts of the client).
  const file = join(folder, `${script.replace(/^taskflock:/, "")}.taskflock-function.js`);
  const all = { ...parameters, require: createRequire(file) };
  const body = compileFunction(`${code}\n//# sourceURL=${script}`, Object.keys(all), {
    filename: file, // what import() resolves from; traces show the sourceURL
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  keepSource(script, body);
  return Reflect.apply(body, undefined, Object.values(all));
}

/** A name for traces: `work-0a1b2c3d`. */
export function scriptName(name: string, hash: string): string {
  return `${name.replace(/[^\w$.-]/g, "_")}-${hash.slice(0, 8)}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
