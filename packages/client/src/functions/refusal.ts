// What is said about a function that cannot travel.
import { relative } from "node:path";
import { FlockError } from "@taskflock/protocol";
import { originalPosition } from "../stacks/source-maps.ts";
import { asFile, inspectFunction, scriptInfo } from "./inspect.ts";

/** What is said to be refused; made up when it is said. */
export interface Subject {
  toString(): string;
}

/** `The function scale at args[0] (app/main.ts:12)`; `path` is where it stands in the arguments. */
export function subjectOf(fn: object & { readonly name: unknown }, path: string | undefined): Subject {
  return {
    toString() {
      const name = typeof fn.name === "string" && fn.name !== "" ? fn.name : "(anonymous)";
      const line = lineOf(fn);
      return `The function ${name}${path === undefined ? "" : ` at ${path}`}${line === undefined ? "" : ` (${line})`}`;
    },
  };
}

/** The user's file and line, as seen from the current folder. */
function lineOf(fn: object): string | undefined {
  try {
    const { scriptId, line, column } = inspectFunction(fn);
    const script = scriptInfo(scriptId);
    if (script === undefined || asFile(script.url) === undefined) return undefined;
    const { file, line: at } = originalPosition(script, line, column);
    const near = relative(process.cwd(), file);
    return `${near.startsWith("..") ? file : near}:${at + 1}`;
  } catch {
    return undefined; // a bound function has no place
  }
}

export function refuseFunction(subject: Subject, why: string): FlockError {
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

/** Of a function inside Node that none of its modules gives out. */
export function refuseInner(subject: string): string {
  return `${subject} is inside one of Node's own modules, with state of this process; make what it belongs to inside the function.`;
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
