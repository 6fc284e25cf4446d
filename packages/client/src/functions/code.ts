// Functions that travel whole: their source, when it needs nothing from outside but globals.
import { type CodeFunction, codeFunction, type FlockError } from "@taskflock/protocol";
import { type FreeVariable, findOutside, type Outside, RUNNER_IMPORT } from "./free-variables.ts";
import { workerGlobals } from "./globals.ts";
import { variablesAround } from "./inspect.ts";
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

/**
 * Code by its source, so that a closure made anew in each turn of a loop is read once. Kept only where the text decides:
 * not for functions that call themselves through a variable. (Two functions of the same text, one of which has an
 * import by a global's name, would be taken for one; looking each time would cost half a millisecond.)
 */
const bySource = new Map<string, Outcome>();
const MAX_SOURCES = 1000;

/** The function as code, or why it cannot travel as that. `subject` names it in the refusal. */
export function describeCode(fn: Callable): Outcome {
  const source = Function.prototype.toString.call(fn);
  const known = bySource.get(source);
  if (known !== undefined) return known;
  const { outcome, byTextAlone } = readSource(fn, source);
  if (byTextAlone) {
    if (bySource.size >= MAX_SOURCES) bySource.delete(bySource.keys().next().value ?? "");
    bySource.set(source, outcome);
  }
  return outcome;
}

function readSource(fn: Callable, source: string): { outcome: Outcome; byTextAlone: boolean } {
  const refused = (refusal: (subject: string) => FlockError): { outcome: Outcome; byTextAlone: boolean } => ({
    outcome: { refusal },
    byTextAlone: false,
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
  const { captured, self } = captures(fn, outside);
  if (captured.length > 0) return refused((subject) => refuseCaptures(subject, captured));
  const shims = outside.variables.flatMap(({ name }) => (name in SHIMS ? [SHIMS[name]!] : []));
  if (source.includes(RUNNER_IMPORT)) shims.push(SHIMS[RUNNER_IMPORT]!);
  return { outcome: { code: codeFunction(fn.name, assemble(parsed, shims, self)) }, byTextAlone: self === undefined };
}

/** What is neither a global of workers nor brought along; and the variable that holds the function, if it calls itself. */
function captures(fn: Callable, { variables }: Outside): { captured: FreeVariable[]; self: string | undefined } {
  const asked = variables.filter(({ name }) => !(name in SHIMS));
  if (asked.length === 0) return { captured: [], self: undefined };
  // An import may bear a global's name: `import { Map } from "immutable"`.
  const around = variablesAround(fn, new Set(asked.map(({ name }) => name)));
  const self = asked.find(({ name }) => around.get(name) === true)?.name;
  const globals = workerGlobals();
  const captured = asked.filter(({ name }) => name !== self && (around.has(name) || !globals.has(name)));
  return { captured, self };
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
