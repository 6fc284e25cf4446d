// What only has a meaning where a function was written, and so cannot travel with it.
import type { Capture } from "./capture.ts";
import type { Callable } from "./graph.ts";
import type { Site } from "./module-source.ts";
import type { Context, Outside } from "./outside.ts";

/** Throws what the function cannot travel for, if anything; `subject` begins the sentence. */
export function checkContext(capture: Capture, site: Site, outside: Outside, fn: Callable, subject: string): void {
  const isRoot = fn === capture.root;
  for (const [context, why] of reasons(site)) {
    if (!outside.context.has(context) || (context === "own this" && !isRoot)) continue;
    throw capture.refuse(`${subject} ${why}`);
  }
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
    [
      "own this",
      member === undefined
        ? `uses "this", which nothing gives it on a worker; pass what it needs as an argument: (state, …) => ….`
        : `uses "this", and ${owner} does not travel with it; pass (…args) => object.method(…args), which takes the object along.`,
    ],
  ];
}
