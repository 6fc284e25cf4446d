// What only has a meaning where a function was written, and so cannot travel with it.
import { dirname, resolve } from "node:path";
import type { Capture } from "./capture.ts";
import type { Inspected } from "./inspect.ts";
import { makerOf } from "./makers.ts";
import type { Site } from "./module-source.ts";
import type { Context, Outside } from "./outside.ts";
import { readVariable } from "./variables.ts";

/** Throws what the function cannot travel for, if anything; `subject` begins the sentence. */
export function checkContext(capture: Capture, site: Site, outside: Outside, subject: string): void {
  for (const [context, why] of reasons(site)) {
    if (!outside.context.has(context)) continue;
    throw capture.refuse(`${subject} ${OF_INSTANCE.has(context) ? (ofInstance(site) ?? why) : why}`);
  }
}

/** The same for files that it finds by a `__dirname` of the module's own: modules mean their folder, or whatever they like. */
export function checkFolder(capture: Capture, { module }: Site, { ownFolder }: Outside, { scopes }: Inspected): void {
  const folder = ownFolder ? readVariable(scopes, "__dirname") : undefined;
  if (!ownFolder || (typeof folder === "string" && module.file && resolve(folder) === dirname(module.file))) return;
  const advice = `write new URL("./file", import.meta.url), or pass what the files contain`;
  throw capture.refuse(`it finds files by __dirname, which is not the folder of its module here; ${advice}.`);
}

const OF_INSTANCE: ReadonlySet<Context> = new Set(["this", "super", "new.target", "private"]);

/** Of a function that a class makes for its instances. */
function ofInstance({ module, node }: Site): string | undefined {
  const field = makerOf(module, node);
  if (field === undefined) return undefined;
  const member = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`;
  return `belongs to one object, its "this"; pass (…args) => object${member}(…args), which takes the object along.`;
}

/** What is missing when the function is called without an object, if anything. */
export function missingThis({ member }: Site, { context }: Outside): string | null {
  if (!context.has("own this")) return null;
  return member === undefined
    ? `it uses "this", which nothing gives it on a worker; pass what it needs as an argument: (state, …) => ….`
    : `it uses "this", and the object it is a method of does not travel with it; pass (…args) => object.method(…args), which takes the object along.`;
}

function reasons({ member }: Site): readonly (readonly [Context, string])[] {
  const owner = member === undefined ? "what surrounds it" : "the object it is a method of";
  const notThere = (word: string): string =>
    `uses "${word}", and ${owner} does not travel with it; pass what it needs as arguments: (state, …) => ….`;
  return [
    ["eval", "calls eval, whose code may use any variable; write the code out."],
    [
      "import.meta",
      `uses import.meta, which has no meaning on a worker, other than as new URL("./file", import.meta.url); pass what it needs as arguments.`,
    ],
    ["private", "uses a private member (#name) of the class around it; pass what it needs as arguments."],
    ["super", notThere("super")],
    ["new.target", notThere("new.target")],
    ["this", notThere("this")],
  ];
}
