// What is said about a value that cannot travel: where it is, what it is, what to do.
import { FlockError } from "../words/errors.ts";

/** One step from a container to what it holds: an index, a property, or a place in something else. */
export type Step =
  | number
  | string
  | { readonly in: "keys" | "map" | "set" | "encode" | "class"; readonly key: unknown }
  /** Into the captured variables of a function; the next step is the place of one. */
  | { readonly in: "captured"; readonly key: readonly string[] | undefined; readonly beside: number | undefined };

/** What a refusal calls the value; or each of its elements, by their index, or properties, by their key. */
export type Root = string | ((step: number | string) => string);

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** `args[0].socket`, from the root's name and the steps below it; `db.socket (captured by args[0])` below a function. */
export function renderPath(root: Root, steps: readonly Step[], depth: number): string {
  let at = 0;
  let path: string;
  if (typeof root === "string") {
    path = root;
  } else {
    const first = depth > 0 ? steps[at++] : undefined;
    path = typeof first === "number" || typeof first === "string" ? root(first) : "value";
  }
  const captors: string[] = [];
  while (at < depth) {
    const step = steps[at++]!;
    if (typeof step !== "object" || step.in !== "captured") {
      path += renderStep(step);
      continue;
    }
    const place = at < depth ? steps[at++] : undefined;
    if (typeof place === "number" && place >= (step.beside ?? place + 1)) captors.length = 0;
    else captors.unshift(path);
    path = typeof place === "number" ? (step.key?.[place] ?? `captured value ${place}`) : "captured values";
  }
  return captors.length === 0 ? path : `${path} (captured by ${captors.join(", captured by ")})`;
}

function renderStep(step: Exclude<Step, { readonly in: "captured" }>): string {
  if (typeof step === "number") return `[${step}]`;
  if (typeof step === "string") return IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  const { key } = step;
  switch (step.in) {
    case "keys":
      return `.keys()[${key}]`;
    case "map":
      return typeof key === "object"
        ? ".get(…)"
        : `.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
    case "set":
      return `.values()[${key}]`;
    case "encode":
      return ` (encoded as "${key}")`;
    case "class":
      return ` (its class ${key})`;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  Promise: "await it first, or pass a Future",
  WeakMap: "its entries cannot be listed; use a Map",
  WeakSet: "its entries cannot be listed; use a Set",
  WeakRef: "pass what it refers to",
  SharedArrayBuffer: "memory cannot be shared between processes; pass a typed array over it, which is copied",
  Number: "pass the plain number",
  String: "pass the plain string",
  Boolean: "pass the plain boolean",
  BigInt: "pass the plain bigint",
  Symbol: "a symbol is unique to its process; pass a string",
  Generator: "spread it into an array",
  AsyncGenerator: "collect what it yields into an array",
};

export function refuse(path: string, what: string, advice: string): FlockError {
  return new FlockError("FLOCK_NOT_SERIALIZABLE", `${path} is ${what}, which cannot travel: ${advice}.`);
}

/** The refusal of an object that is neither plain nor known. */
export function refuseObject(path: string, value: object): FlockError {
  const brand = Object.prototype.toString.call(value).slice(8, -1);
  const name = nameOf(value) ?? brand;
  const advice = ADVICE[name] ?? ADVICE[brand];
  if (advice !== undefined) return refuse(path, withArticle(name), advice);
  if (brand.endsWith("Iterator")) return refuse(path, withArticle(brand), "spread it into an array");
  if (name === "Object" && brand === "Object") {
    return refuse(path, "an object of another prototype", "the prototype stays behind; copy the fields, { ...object }");
  }
  return refuse(
    path,
    withArticle(name),
    `make a plain object of its fields, or register the class with registerClass(${name}, …) on both ends`,
  );
}

export function refuseFunction(path: string, value: object): FlockError {
  const name = "name" in value && typeof value.name === "string" && value.name !== "" ? ` (${value.name})` : "";
  return refuse(path, `a function${name}`, "functions travel in arguments of tasks only, not in data or results");
}

/** The class's name as the user wrote it, if there is one. */
export function nameOf(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== "object" || prototype === null) return undefined;
  const maker: unknown = "constructor" in prototype ? prototype.constructor : undefined;
  return typeof maker === "function" && maker.name !== "" ? maker.name : undefined;
}

export function withArticle(name: string): string {
  return `${/^[aeiou]/i.test(name) && !/^uint/i.test(name) ? "an" : "a"} ${name}`;
}
