// What is said about a function that cannot travel.
import { FlockError } from "@taskflock/protocol";

export function refuseFunction(subject: string, why: string): FlockError {
  return new FlockError("FLOCK_FUNCTION_NOT_SERIALIZABLE", `${subject} cannot travel to a worker: ${why}`);
}

export function shownName(fn: { readonly name: string }): string {
  return typeof fn.name === "string" && fn.name !== "" ? fn.name : "a function without a name";
}

/** Of a function without code of its own; `subject` begins the sentence. */
export function refuseNative(fn: { readonly name: string }, subject: string): string {
  return shownName(fn).startsWith("bound ")
    ? `${subject} was made by bind(), which hides its code; pass (…args) => … with what it needs as arguments.`
    : `${subject} is built into the engine or an addon, without code of its own; wrap it, (x) => name(x), if workers have it.`;
}

const ABOUT: Readonly<Record<string, string>> = {
  require: `it uses "require" other than as require("a package, builtin or file by its name").`,
  arguments: `it uses the "arguments" of the function around it; name parameters, or use ...rest.`,
  exports: `it passes on "exports" of its own file as a whole; use its members, exports.name.`,
};

/** Of a name that has a meaning only in its own module. */
export function refuseName(name: string): string {
  return (
    ABOUT[name] ??
    `it uses "${name}" of its own file, which is not on a worker, other than as join(__dirname, "file"); pass what it needs.`
  );
}
