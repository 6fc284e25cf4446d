// Values that every worker has: the language's own, and those of Node's modules.
import { createRequire } from "node:module";
import { types } from "node:util";
import { workerGlobals } from "./globals.ts";
import { inspectFunction, scriptInfo } from "./inspect.ts";

/** What to write for the value: an expression of globals, or a member of a builtin module ("" is the module itself). */
export type WellKnown = { readonly expression: string } | { readonly specifier: string; readonly member: string };

/**
 * The name under which every worker has the very same thing, by identity. Undefined for a value of the user's, a package's,
 * or another realm's, and for what a program has put in the place of a builtin.
 */
export function wellKnown(value: unknown): WellKnown | undefined {
  if (value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")) {
    return undefined;
  }
  if (typeof value === "symbol" && Symbol.keyFor(value) !== undefined) {
    return { expression: `Symbol.for(${JSON.stringify(Symbol.keyFor(value))})` };
  }
  table ??= tableOfGlobals();
  let found = table.get(value);
  if (found === undefined && addLoadedModules(table)) found = table.get(value);
  return found === undefined || typeof value !== "function" || isOriginal(value) ? found : undefined;
}

/** The same for a value of another realm (`node:vm`), by its global object: the language's own, under the name that it has there. */
export function wellKnownIn(global: Holder, value: unknown): WellKnown | undefined {
  let known = realms.get(global);
  if (known === undefined) {
    known = new Map();
    addGlobals(known, [...workerGlobals()], [], global);
    realms.set(global, known);
  }
  const found = known.get(value);
  return found !== undefined && (typeof value !== "function" || isOriginal(value)) ? found : undefined;
}

type Table = Map<unknown, WellKnown>;
type Holder = object | ((...args: never[]) => unknown);

let table: Table | undefined;
const realms = new WeakMap<Holder, Table>();

/** Deep enough for `Intl.DateTimeFormat.prototype.format`. */
const MAX_DEPTH = 3;

/** Found by no name: what only instances show. */
const HIDDEN = [
  "Object.getPrototypeOf(Int8Array)",
  "Object.getPrototypeOf(function* () {}).constructor",
  "Object.getPrototypeOf(async function () {}).constructor",
  "Object.getPrototypeOf(async function* () {}).constructor",
  "Object.getPrototypeOf(function* () {})",
  "Object.getPrototypeOf(async function () {})",
  "Object.getPrototypeOf(async function* () {})",
  "Object.getPrototypeOf(Object.getPrototypeOf([].values()))",
  "Object.getPrototypeOf(Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())))",
  "Object.getPrototypeOf([].values())",
  "Object.getPrototypeOf(new Map().values())",
  "Object.getPrototypeOf(new Set().values())",
  `Object.getPrototypeOf(""[Symbol.iterator]())`,
  `Object.getPrototypeOf("".matchAll(/x/g))`,
] as const;

/** Globals that Node makes of a part of its own that is costly to load. While that is not loaded, there is no such value. */
const LATE = [
  { part: /undici/, names: /^(?:FormData|Headers|Request|Response|MessageEvent|WebSocket|CloseEvent|EventSource)$/ },
  { part: /webstreams/, names: /Stream(?!s$)|QueuingStrategy$/ },
];
/** Members that are objects of Node's. Others may be the program's own, put there to be found. */
const OBJECTS: ReadonlySet<string> = new Set(
  "prototype env versions release config features subtle webcrypto promises posix win32 constants types globalAgent".split(
    " ",
  ),
);

interface Found {
  readonly value: Holder;
  readonly name: string;
}

function tableOfGlobals(): Table {
  const made: Table = new Map([[globalThis, { expression: "globalThis" }]]);
  const names = [...workerGlobals()].filter((name) => !LATE.some((late) => late.names.test(name)));
  const evaluate = (text: string): Found => ({ value: new Function(`return ${text}`)() as Holder, name: text });
  addGlobals(made, names, HIDDEN.map(evaluate));
  return made;
}

function addGlobals(
  into: Table,
  names: readonly string[],
  more: readonly Found[] = [],
  global: Holder = globalThis,
): void {
  const found = names
    .filter((name) => Object.hasOwn(global, name))
    .map((name) => ({ value: Reflect.get(global, name) as unknown, name }))
    .filter((global): global is Found => isHolder(global.value));
  walk(into, [...found, ...more], EXPRESSIONS);
}

interface Naming {
  /** The entry of the table for a value of this name. */
  readonly entry: (name: string) => WellKnown;
  readonly member: (parent: string, key: string | symbol) => string | undefined;
  /** Of a property's getter itself. */
  readonly getter?: (parent: string, key: string | symbol) => string | undefined;
}

/** Level by level, so that a short way to a value is the one that is kept. */
function walk(into: Table, seeds: readonly Found[], naming: Naming): void {
  let level: readonly Found[] = seeds;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next: Found[] = [];
    for (const found of [...level].sort((a, b) => a.name.length - b.name.length)) {
      if (into.has(found.value)) continue;
      into.set(found.value, naming.entry(found.name));
      if (depth < MAX_DEPTH) next.push(...members(into, found, naming));
    }
    level = next;
  }
}

/** The functions and objects in a value's own properties; its symbols and getters go into the table at once. */
function members(into: Table, { value: holder, name: parent }: Found, naming: Naming): Found[] {
  const found: Found[] = [];
  const add = (value: unknown, name: string | undefined): void => {
    if (name !== undefined && !into.has(value)) into.set(value, naming.entry(name));
  };
  for (const key of Reflect.ownKeys(holder)) {
    const name = naming.member(parent, key);
    if (name === undefined) continue;
    const descriptor = Object.getOwnPropertyDescriptor(holder, key);
    const isRead = descriptor?.get !== undefined && READ_GETTERS.has(name);
    const value: unknown = isRead ? Reflect.get(holder, key) : descriptor?.value;
    if (typeof value === "symbol") add(value, name);
    else if (typeof value === "function" || (isHolder(value) && OBJECTS.has(String(key)))) {
      found.push({ value: value as Holder, name });
    }
    if (descriptor?.get !== undefined) add(descriptor.get, naming.getter?.(parent, key));
  }
  return found;
}

function isHolder(value: unknown): value is Holder {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

const EXPRESSIONS: Naming = {
  entry: (expression) => ({ expression }),
  member: (parent, key) => {
    if (typeof key === "symbol") return symbolName(key) && `${parent}[${symbolName(key)}]`;
    return IDENTIFIER.test(key) ? `${parent}.${key}` : undefined;
  },
  getter: (parent, key) => {
    const name = typeof key === "symbol" ? symbolName(key) : JSON.stringify(key);
    return name && `Object.getOwnPropertyDescriptor(${parent}, ${name}).get`;
  },
};

/** `Symbol.iterator` and its like. */
function symbolName(symbol: symbol): string | undefined {
  const name = /^Symbol\.(\w+)$/.exec(symbol.description ?? "")?.[1];
  return name !== undefined && Reflect.get(Symbol, name) === symbol ? `Symbol.${name}` : undefined;
}

// --- Node's modules -------------------------------------------------------------------------------------------------

/** Members that Node gives by getters that do no more than look. */
const READ_GETTERS: ReadonlySet<string> = new Set(
  "promises webcrypto subtle getRandomValues ReadStream WriteStream FileReadStream FileWriteStream Dir opendir opendirSync globalAgent".split(
    " ",
  ),
);
/** They warn when they are loaded. */
const WARNS: ReadonlySet<string> = new Set(["punycode", "sys", "wasi", "sqlite", "trace_events", "test"]);

let modulesSeen = 0;
const require = createRequire(import.meta.url);

/** Adds the modules that were loaded since the last time; false when there were none. A value can only be of a loaded one. */
function addLoadedModules(into: Table): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: readonly string[] };
  const loaded = moduleLoadList ?? COMMON;
  if (loaded.length === modulesSeen) return false;
  const names = loaded
    .slice(modulesSeen)
    .flatMap((entry) => /^NativeModule ([a-z]\w*(?:\/\w+)*)$/.exec(entry)?.[1] ?? []);
  const late = LATE.filter(({ part }) => loaded.slice(modulesSeen).some((entry) => part.test(entry)));
  modulesSeen = loaded.length;
  addGlobals(
    into,
    [...workerGlobals()].filter((name) => late.some((group) => group.names.test(name))),
  );
  const open = names.filter((name) => !name.startsWith("internal/") && !WARNS.has(name));
  for (const name of open.sort((a, b) => a.length - b.length)) addModule(into, `node:${name}`);
  return true;
}

/** Where Node does not say what is loaded. */
const COMMON =
  "internal/undici internal/webstreams buffer child_process crypto events fs http https module net os path stream timers url util zlib"
    .split(" ")
    .map((name) => `NativeModule ${name}`);

function addModule(into: Table, specifier: string): void {
  let module: unknown;
  try {
    module = require(specifier);
  } catch {
    return; // of Node's own use only
  }
  if (!isHolder(module)) return;
  walk(into, [{ value: module, name: "" }], {
    entry: (member) => ({ specifier, member }),
    member: (parent, key) => {
      if (typeof key === "symbol" || !IDENTIFIER.test(key)) return undefined;
      return parent === "" ? key : `${parent}.${key}`;
    },
  });
}

// --- What a program may have changed --------------------------------------------------------------------------------

const originals = new WeakMap<object, boolean>();

/** Compiled into the engine, or written in a script of Node's: not something that a program has put there. */
function isOriginal(fn: object): boolean {
  let original = originals.get(fn);
  if (original === undefined) {
    const source = Function.prototype.toString.call(fn);
    const isNative = /\{\s*\[native code\]\s*\}\s*$/.test(source);
    original = isNative ? !types.isProxy(fn) : isOfNode(fn);
    originals.set(fn, original);
  }
  return original;
}

function isOfNode(fn: object): boolean {
  return scriptInfo(inspectFunction(fn).scriptId)?.url.startsWith("node:") === true;
}
