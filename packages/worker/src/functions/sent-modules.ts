// Modules that came along as CommonJS text: a package that is not installed here, or a file of the user's.
import { contentHash, FlockError } from "@taskflock/protocol/code";
import { evaluateNow, messageOf, scriptName } from "./evaluate.ts";
import { Kept } from "./kept.ts";

const MAX_MODULES = 512;

/** By the hash of the text: all functions of a thread see one instance of a module, as they do on the client. */
const modules = new Kept<{ readonly exports: unknown }>(MAX_MODULES);

/** The module's exports. Builtins, and whatever else it requires, are looked for from the folder. */
export function evaluateModule(specifier: string, text: string, folder: string): unknown {
  const hash = contentHash(text);
  return modules.get(hash, () => {
    const module: { exports: unknown } = { exports: {} };
    const script = `taskflock-import:${scriptName(specifier, hash)}`;
    try {
      evaluateNow({ code: text, script, folder }, { module, exports: module.exports });
    } catch (error) {
      throw new FlockError(
        "FLOCK_FUNCTION_NOT_SERIALIZABLE",
        `"${specifier}", which came along with a function, does not run on this worker: ${messageOf(error)}`,
        { cause: error },
      );
    }
    return module;
  }).exports;
}
