// Which variable an imported name stands for: a module that changes its variable changes it for all that import it.
import { dirname, resolve } from "node:path";
import type { AnyNode } from "acorn";
import type { Variable } from "eslint-scope";
import { importOf, isFixed } from "./binding.ts";
import type { Capture } from "./capture.ts";
import type { Callable, Target } from "./graph.ts";
import { inspectFunction, scriptsOfFile } from "./inspect.ts";
import { isNative, sourceOf } from "./instances.ts";
import { type ModuleSource, moduleOf, siteOf } from "./module-source.ts";
import { outsideOf } from "./outside.ts";
import { readVariable } from "./variables.ts";

export interface ImportSource {
  readonly specifier: string;
  readonly importer: ModuleSource;
}

/** Where a member of a namespace is kept: in a variable, or as a member of another object. */
type Kept =
  | { readonly variable: Variable }
  | { readonly object: object; readonly key: string }
  /** An export by this name, of whichever module: the engine does not tell. */
  | { readonly exported: string };

/** Has the imports of what changes stand for the variable itself. */
export function linkExports(capture: Capture): void {
  const { bound, cells, names } = capture;
  for (const { unit, name } of bound) {
    const imported = name.variable === null ? undefined : importOf(name.variable);
    if (imported === undefined || imported.member === "*" || unit.form.kind !== "code") continue;
    const variable = exportedVariable(imported.specifier, unit.form.site.module, imported.member);
    const cell = variable === undefined ? undefined : cells.get(variable);
    if (cell !== undefined) unit.names.set(name.name, cell.target);
  }
  for (const [namespace, { members }] of names.namespaces) {
    for (const [key, target] of members) members.set(key, linked(capture, namespace, key, target));
  }
}

/** A name by which another module's variable, or an object's member, is reached. */
export type ImportedName =
  | { readonly specifier: string; readonly importer: ModuleSource; readonly name: string }
  | { readonly namespace: object; readonly key: string; readonly source: ImportSource | undefined };

export function importedNames({ bound, names }: Capture): ImportedName[] {
  const found: ImportedName[] = [];
  for (const { unit, name } of bound) {
    const imported = name.variable === null ? undefined : importOf(name.variable);
    if (imported === undefined || imported.member === "*" || unit.form.kind !== "code") continue;
    found.push({ specifier: imported.specifier, importer: unit.form.site.module, name: imported.member });
  }
  for (const [namespace, { members }] of names.namespaces) {
    for (const key of members.keys()) found.push({ namespace, key, source: names.sources.get(namespace) });
  }
  return found;
}

/** The variable, or the object, that is meant; undefined where that cannot be seen. */
export function importedThing(imported: ImportedName): object | undefined {
  if ("importer" in imported) return exportedVariable(imported.specifier, imported.importer, imported.name);
  const { namespace, key, source } = imported;
  const kept = keptAt(namespace, key);
  if ("variable" in kept) return kept.variable;
  return "object" in kept ? kept.object : source && exportedVariable(source.specifier, source.importer, kept.exported);
}

function linked(capture: Capture, namespace: object, key: string, target: Target): Target {
  const { cells, names } = capture;
  const kept = keptAt(namespace, key);
  if ("variable" in kept) return cells.get(kept.variable)?.target ?? target;
  if ("object" in kept) {
    const of = kept.object === namespace ? undefined : names.namespaces.get(kept.object);
    return of?.changed && of.members.has(kept.key) ? { kind: "member", of, key: kept.key, name: kept.key } : target;
  }
  const source = names.sources.get(namespace);
  const variable = source && exportedVariable(source.specifier, source.importer, kept.exported);
  if (variable !== undefined) return cells.get(variable)?.target ?? target;
  for (const [exported, cell] of cells) {
    if (!namesOfExport(cell.module, exported).includes(kept.exported)) continue;
    if (isSame(capture, cell.target, target)) return cell.target;
  }
  return target;
}

function isSame({ values }: Capture, cell: Target, target: Target): boolean {
  const initial = cell.kind === "cell" ? cell.initial : cell;
  if (initial.kind === "data" && target.kind === "data") return Object.is(values[initial.index], values[target.index]);
  return initial.kind === "unit" && target.kind === "unit" ? initial.unit === target.unit : initial === target;
}

/** Follows the getters that compilers write for exports. */
function keptAt(namespace: object, key: string): Kept {
  const seen = new Set<object>();
  let [object, name] = [namespace, key];
  for (;;) {
    const getter = Object.getOwnPropertyDescriptor(object, name)?.get;
    if (getter === undefined || seen.has(getter) || isNative(sourceOf(getter))) break;
    seen.add(getter);
    const next = readByGetter(getter);
    if (next === undefined || "variable" in next) return next ?? { object, key: name };
    [object, name] = [next.object, next.key];
  }
  return isEngineNamespace(object) ? { exported: name } : { object, key: name };
}

/** `() => count`, `function () { return other_1.count; }`, `function () { return m[k]; }`. */
function readByGetter(getter: Callable): { variable: Variable } | { object: object; key: string } | undefined {
  const inspected = inspectFunction(getter);
  const { names } = outsideOf(siteOf(inspected, sourceOf(getter)));
  const returned = /(?:\breturn\b|=>)\s*([^;{}]+?)[;\s]*\}?\s*$/.exec(sourceOf(getter))?.[1] ?? "";
  const [, name, , member, index] = /^([\w$]+)(\.([\w$]+)|\[([\w$]+)\])?$/.exec(returned) ?? [];
  const variable = names.find((free) => free.name === name)?.variable;
  if (name === undefined || variable === undefined || variable === null) return undefined;
  const key = index === undefined ? member : readVariable(inspected.scopes, index);
  if (key === undefined) return { variable };
  const object = readVariable(inspected.scopes, name);
  return typeof object === "object" && object !== null && typeof key === "string" ? { object, key } : undefined;
}

function isEngineNamespace(object: object): boolean {
  return Reflect.get(object, Symbol.toStringTag) === "Module" && !Object.isExtensible(object);
}

/** An import of the user's own whose module never changes it. */
export function isFixedImport(variable: Variable, importer: ModuleSource): boolean {
  const imported = importOf(variable);
  if (imported === undefined) return false;
  const found = exported(imported.specifier, importer, imported.member);
  return found === VALUE || (found !== undefined && isFixed(found));
}

/** The variable of the module `specifier` names, as `importer` does, that is exported by this name. */
function exportedVariable(specifier: string, importer: ModuleSource, name: string): Variable | undefined {
  const found = exported(specifier, importer, name);
  return found === VALUE ? undefined : found;
}

/** What is exported as a value, without a variable: `export default 1 + 2`. */
const VALUE: unique symbol = Symbol("a value");
type Exported = Variable | typeof VALUE | undefined;

function exported(specifier: string, importer: ModuleSource, name: string): Exported {
  if (importer.file === undefined || !/^\.{0,2}\//.test(specifier)) return undefined;
  const path = resolve(dirname(importer.file), specifier.replace(/[?#].*$/, ""));
  for (const file of spellings(path)) {
    for (const id of scriptsOfFile(file)) {
      const found = exportOf(moduleOf(id), name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** How loaders complete what an import names. */
function spellings(path: string): string[] {
  const endings = [".ts", ".tsx", ".js", ".mjs", ".cjs", ".mts", ".cts"];
  const typed = path.replace(/\.([cm]?)js$/, ".$1ts");
  return [path, typed, `${typed}x`, ...endings.flatMap((ending) => [path + ending, `${path}/index${ending}`])];
}

/** By which names a module exports its variable. */
function namesOfExport({ program }: ModuleSource, variable: Variable): string[] {
  const found: string[] = [];
  for (const node of program.body) {
    if (node.type !== "ExportNamedDeclaration" || node.source) continue;
    if (node.declaration && variable.defs.some((definition) => isWithin(definition.node as AnyNode, node))) {
      found.push(variable.name);
    }
    for (const { local, exported } of node.specifiers)
      if (nameOf(local) === variable.name) found.push(nameOf(exported));
  }
  return found;
}

function exportOf(module: ModuleSource, name: string): Exported {
  const top = module.scopes.scopes.find(({ type }) => type === "module");
  for (const node of module.program.body) {
    if (node.type === "ExportAllDeclaration" && node.exported == null) {
      const found = name === "default" ? undefined : exported(String(node.source.value), module, name);
      if (found !== undefined) return found;
    }
    if (node.type === "ExportDefaultDeclaration" && name === "default") {
      const id = "id" in node.declaration ? node.declaration.id : null;
      return id == null ? VALUE : top?.set.get(id.name);
    }
    if (node.type !== "ExportNamedDeclaration") continue;
    const specifier = node.specifiers.find(({ exported }) => nameOf(exported) === name);
    if (specifier !== undefined && node.source) {
      return exported(String(node.source.value), module, nameOf(specifier.local));
    }
    const local = top?.set.get(specifier === undefined ? name : nameOf(specifier.local));
    const isDeclared = node.declaration != null && local?.defs.some(({ node: at }) => isWithin(at as AnyNode, node));
    if (local === undefined || (specifier === undefined && !isDeclared)) continue;
    const imported = importOf(local);
    return imported === undefined ? local : exported(imported.specifier, module, imported.member);
  }
  return undefined;
}

function isWithin(inner: AnyNode, outer: AnyNode): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

function nameOf(node: AnyNode): string {
  return node.type === "Identifier" ? node.name : node.type === "Literal" ? String(node.value) : "";
}
