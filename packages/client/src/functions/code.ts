// Functions that travel whole: their source, when it needs nothing from outside but globals.
import { type CodeFunction, codeFunction, type FlockError } from "@taskflock/protocol";
import { type FreeVariable, findOutside, type Outside, RUNNER_IMPORT } from "./free-variables.ts";
import { workerGlobals } from "./globals.ts";
import { placeOfFunction, variablesAround } from "./inspect.ts";
import { refuseCaptures, refuseContext, refuseFunction } from "./refusal.ts";
import { type ParsedFunction, parseFunction } from "./source.ts";

/** Code that comes in by tools, not by the user; defined where it is used. */
const SHIMS: Readonly<Record<string, string>> = {
  // esbuild and tsx wrap functions in this to keep their names.
  __name: `const __name = (value, name) => Object.defineProperty(value, "name", { value: name, configurable: true });`,
  [RUNNER_IMPORT]: `const ${RUNNER_IMPORT} = (specifier) => import(specifier);`,
};

const UNREADABLE =
  "its code cannot stand alone, as it uses private members of the class around it; pass what it needs.";

type Callable = (...args: never[]) => unknown;
type Outcome = { readonly code: CodeFunction } | { readonly refusal: (subject: string) => FlockError };

/** Code that was read, so that a closure made anew in each turn of a loop is read once. */
const known = new Map<string, CodeFunction | typeof BY_PLACE>();
const MAX_KNOWN = 1000;
/** The same text means something else where an import or a variable has a global's name: see `decider`. */
const BY_PLACE = Symbol("by place");

/** The function as code, or why it cannot travel as that. `subject` names it in the refusal. */
export function describeCode(fn: Callable): Outcome {
  const source = Function.prototype.toString.call(fn);
  const place = (): string => `${placeOfFunction(fn)} ${source}`;
  const byText = known.get(source);
  const same = byText === BY_PLACE ? known.get(place()) : byText;
  if (typeof same === "object") return { code: same };
  const read = readSource(fn, source);
  if ("refusal" in read) return read;
  if (read.decider === "text") keep(source, read.code);
  if (read.decider === "place") {
    keep(source, BY_PLACE);
    keep(place(), read.code);
  }
  return { code: read.code };
}

function keep(key: string, code: CodeFunction | typeof BY_PLACE): void {
  if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? "");
  known.set(key, code);
}

interface Read {
  readonly code: CodeFunction;
  /**
   * What the code depends on: its text alone; with names from outside also the place where it was written, around which they may
   * be variables; and the very function when it calls itself through a variable.
   */
  readonly decider: "text" | "place" | "function";
}

function readSource(fn: Callable, source: string): Read | Extract<Outcome, { refusal: unknown }> {
  const refused = (refusal: (subject: string) => FlockError): { refusal: (subject: string) => FlockError } => ({
    refusal,
  });
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return refused((subject) => refuseNative(fn, subject));
  const parsed = parseFunction(source);
  if (parsed === undefined) return refused((subject) => refuseFunction(subject, UNREADABLE));
  const outside = findOutside(parsed);
  if (outside.context.size > 0) return refused((subject) => refuseContext(subject, outside.context, parsed.method));
  const [relative] = outside.relativeImports;
  if (relative !== undefined) {
    const why = `it imports "${relative}", a file beside its own; import from an installed package, or pass what it needs.`;
    return refused((subject) => refuseFunction(subject, why));
  }
  const { captured, self, decider } = captures(fn, outside);
  if (captured.length > 0) return refused((subject) => refuseCaptures(subject, captured));
  const shims = outside.variables.flatMap(({ name }) => (name in SHIMS ? [SHIMS[name]!] : []));
  if (source.includes(RUNNER_IMPORT)) shims.push(SHIMS[RUNNER_IMPORT]!);
  return { code: codeFunction(fn.name, assemble(parsed, shims, self)), decider };
}

interface Captures {
  /** What is neither a global of workers nor brought along. */
  readonly captured: readonly FreeVariable[];
  /** The variable that holds the function, if it calls itself. */
  readonly self: string | undefined;
  readonly decider: Read["decider"];
}

function captures(fn: Callable, { variables }: Outside): Captures {
  const asked = variables.filter(({ name }) => !(name in SHIMS));
  if (asked.length === 0) return { captured: [], self: undefined, decider: "text" };
  // An import may bear a global's name: `import { Map } from "immutable"`.
  const around = variablesAround(fn, new Set(asked.map(({ name }) => name)));
  const self = asked.find(({ name }) => around.get(name) === true)?.name;
  const globals = workerGlobals();
  const captured = asked.filter(({ name }) => name !== self && (around.has(name) || !globals.has(name)));
  return { captured, self, decider: self === undefined ? "place" : "function" };
}

function assemble({ expression, sloppy }: ParsedFunction, shims: readonly string[], self: string | undefined): string {
  const lines = sloppy ? [] : [`"use strict";`];
  lines.push(...shims);
  // The name would not be inferred from `return`; a function expression keeps its own.
  if (self === undefined) lines.push(`return ${expression};`);
  else lines.push(`const ${self} = ${expression};`, `return ${self};`);
  return lines.join("\n");
}

function refuseNative(fn: Callable, subject: string): FlockError {
  return fn.name.startsWith("bound ")
    ? refuseFunction(
        subject,
        "it was made by bind(), which hides its code; pass (…args) => … with what it needs as arguments.",
      )
    : refuseFunction(subject, "it is built into the engine, without code of its own; wrap it: (x) => name(x).");
}
