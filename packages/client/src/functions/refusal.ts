// What is said about a function that cannot travel.
import { FlockError } from "@taskflock/protocol";
import type { FreeVariable, Outside } from "./free-variables.ts";

export function refuseFunction(subject: string, why: string): FlockError {
  return new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `${subject} cannot travel to a worker: ${why}`);
}

const COMPILER_HELPER =
  /^(?:__(?:awaiter|generator|asyncGenerator|asyncValues|asyncDelegator|await|async|yieldStar|forAwait|spreadArray|spreadValues|spreadProps|assign|rest|objRest|read|values|decorate\w*|publicField|private\w+|accessCheck|classPrivateField\w*|esDecorate|using|callDispose|addDisposableResource|disposeResources)|tslib_\d+|_(?:asyncToGenerator|objectSpread\w*|defineProperty))$/;
const REWRITTEN_IMPORT = /^(?:__vi_import_\w*|__vite_ssr_import_\w*|import_\w+|\w+_\d+)$/;
const MODULE_NAMES: ReadonlySet<string> = new Set(["module", "exports", "__filename", "__dirname"]);

export function refuseCaptures(subject: string, variables: readonly FreeVariable[]): FlockError {
  const helper = variables.find(({ name }) => COMPILER_HELPER.test(name));
  if (helper !== undefined) {
    const advice = "compile for ES2022 or later, where the language has what it stands for.";
    return refuseFunction(subject, `it uses the compiler's helper "${helper.name}"; ${advice}`);
  }
  if (variables.some(({ name }) => name === "require")) {
    return refuseFunction(subject, `it uses "require" other than as require("a package or builtin by its name").`);
  }
  if (variables.some(({ name }) => name === "arguments")) {
    return refuseFunction(
      subject,
      `it uses the "arguments" of the function around it; name parameters, or use ...rest.`,
    );
  }
  const ofModule = variables.find(({ name }) => MODULE_NAMES.has(name));
  if (ofModule !== undefined) {
    return refuseFunction(subject, `it uses "${ofModule.name}" of its own file, which is not on a worker.`);
  }
  const list = variables.map(readable).join(", ");
  const pass = variables.length === 1 ? "it as an argument" : "them as arguments";
  return refuseFunction(
    subject,
    `it captures ${list}, and a worker has only its arguments and globals; pass ${pass}, import inside the function ` +
      `what is imported (await import("…")), or export the function from an installed package.`,
  );
}

/** An import that a compiler or test runner rewrote is shown by the name it was imported by. */
function readable({ name, member }: FreeVariable): string {
  if (member === undefined || !REWRITTEN_IMPORT.test(name)) return name;
  return `${member === "default" ? name : member} (an import)`;
}

export function refuseContext(subject: string, context: Outside["context"], method: boolean): FlockError {
  if (context.has("import.meta")) {
    return refuseFunction(
      subject,
      "it uses import.meta, which has no meaning on a worker; pass what it needs as arguments.",
    );
  }
  const word = context.has("super") ? "super" : context.has("this") ? "this" : "new.target";
  const owner = method ? "the object it is a method of" : "what surrounds it";
  return refuseFunction(
    subject,
    `it uses "${word}", and ${owner} does not travel with it; pass what it needs as arguments: (state, …) => ….`,
  );
}
