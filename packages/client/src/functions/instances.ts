// Instances of the user's classes: which class it is, and whether its instances are no more than their fields.
import type { Callable } from "./graph.ts";
import { type Inspected, inspectFunction, scriptInfo } from "./inspect.ts";
import { siteOf } from "./module-source.ts";
import { outsideOf } from "./outside.ts";
import { hasPrivateStores } from "./private-stores.ts";
import { wellKnown } from "./well-known.ts";

const problems = new WeakMap<Callable, { readonly problem: string | null }>();

/** The class of an instance that is neither plain nor known to the codec. */
export function classOf(value: object): Callable | undefined {
  const prototype: object | null = Object.getPrototypeOf(value);
  const type: unknown = prototype === null ? undefined : Reflect.get(prototype, "constructor");
  if (typeof type !== "function" || type.prototype !== prototype || wellKnown(type) !== undefined) return undefined;
  if (value instanceof Error || isNative(sourceOf(type as Callable))) return undefined; // native: of another realm
  return type as Callable;
}

/** Why instances of the class cannot be made again from their fields, or null: `which has …`. */
export function instanceProblem(type: Callable): string | null {
  const known = problems.get(type);
  if (known !== undefined) return known.problem;
  const problem = findProblem(type);
  problems.set(type, { problem });
  return problem;
}

function findProblem(type: Callable): string | null {
  for (let at: unknown = type; isClassAbove(at); at = Object.getPrototypeOf(at)) {
    const source = sourceOf(at);
    if (isNative(source)) return `which extends ${at.name}, whose state is the engine's`;
    try {
      const inspected = inspectFunction(at);
      if (isOfNode(inspected)) return "whose class is one of Node's own, with state of this process";
      const { privateFields } = outsideOf(siteOf(inspected, source));
      if (privateFields || hasPrivateStores(source))
        return "which has private members (#), that nobody else can read or give it";
    } catch (error) {
      return `whose class cannot be read in its source (${error instanceof Error ? error.message : error})`;
    }
  }
  return null;
}

/** Its own name; not what a static member called `name` is. */
export function nameOf(fn: Callable): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, "name")?.value;
  return typeof name === "string" ? name : "";
}

export function sourceOf(fn: Callable): string {
  return Function.prototype.toString.call(fn);
}

/** Node's own modules are not the user's to send. */
export function isOfNode({ scriptId }: Inspected): boolean {
  return scriptInfo(scriptId)?.url.startsWith("node:") === true;
}

export function isNative(source: string): boolean {
  return source.endsWith("{ [native code] }");
}

/** A class that has a say in what its instances are: in no realm is that `Object` or the prototype of functions. */
function isClassAbove(value: unknown): value is Callable {
  return typeof value === "function" && !isFunctionPrototype(value) && !isObjectPrototype(value.prototype);
}

/** `Function.prototype`, of this realm or another one of `node:vm`. */
export function isFunctionPrototype(value: object): boolean {
  return isPrototypeOfItsMaker(value) && typeof value === "function";
}

/** `Object.prototype`, of whichever realm. */
export function isObjectPrototype(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== null) return false;
  return isPrototypeOfItsMaker(value);
}

function isPrototypeOfItsMaker(value: object): boolean {
  const maker: unknown = Object.getOwnPropertyDescriptor(value, "constructor")?.value;
  return typeof maker === "function" && maker.prototype === value && isNative(sourceOf(maker as Callable));
}
