// The text of one function or class, as an expression that can stand in other code.
import { isBuiltin } from "node:module";
import type { AnyNode } from "acorn";
import type { AssetUse } from "./asset-uses.ts";
import type { CodeNames } from "./code-names.ts";
import type { CodeText, Edit } from "./code-text.ts";
import type { Unit, UnitCode } from "./graph.ts";
import { makersOf } from "./makers.ts";
import type { Site } from "./module-source.ts";
import type { ModuleUse } from "./outside.ts";

/** Where the code finds what a unit's text asks for by name. */
export interface TextHost {
  readonly names: CodeNames;
  /** Its place among the code's imports. */
  importAt(use: ModuleUse, code: UnitCode): number;
  assetAt(use: AssetUse, code: UnitCode): number;
}

/** Writes `const NAME = …;`, such that the function's own name is the user's. */
export function writeUnit(out: CodeText, unit: Unit, strictCode: boolean, host: TextHost): void {
  const name = host.names.ofNamed(unit);
  const { form } = unit;
  if (form.kind !== "code") {
    out.glue(`const ${name} = ${host.names.of(form)};\n`);
    return;
  }
  if (unit.privates.length > 0) out.glue(`let ${host.names.ofPrivates(unit)};\n`);
  const ownName = idOf(form.site.node, form);
  const wrapped = form.strict && !strictCode;
  const [before, behind] =
    form.site.member === undefined && ownName === undefined ? naming(unit.name, wrapped ? undefined : name) : ["", ""];
  out.glue(`const ${name} = ${wrapped ? `(() => { "use strict"; return ` : ""}${before}`);
  writeExpression(out, unit, form, host);
  out.glue(`${behind}${wrapped ? "; })()" : ""};\n`);
  if (ownName !== undefined && ownName !== unit.name && !hasStaticName(form.site.node)) {
    out.glue(`Object.defineProperty(${name}, "name", { value: ${JSON.stringify(unit.name)}, configurable: true });\n`);
  }
}

function hasStaticName(node: AnyNode): boolean {
  if (node.type !== "ClassDeclaration" && node.type !== "ClassExpression") return false;
  return node.body.body.some(
    (member) =>
      member.type === "MethodDefinition" &&
      member.static &&
      member.key.type === "Identifier" &&
      member.key.name === "name",
  );
}

/** What goes around a function without a name of its own, so that it gets the user's rather than the variable's. */
function naming(wanted: string, variable: string | undefined): readonly [string, string] {
  if (wanted === variable || wanted === "__proto__") return ["", ""];
  if (wanted === "") return ["(0, ", ")"];
  return [`({ ${JSON.stringify(wanted)}: `, ` })[${JSON.stringify(wanted)}]`];
}

function writeExpression(out: CodeText, unit: Unit, form: UnitCode, host: TextHost): void {
  const { site, outside } = form;
  const { node, module, member } = site;
  const edits = editsOf(unit, form, host);
  if (member === undefined) {
    out.glue("(");
    const body = behindMembers(site);
    out.copy(module, site.start, body, edits);
    writeMakers(out, site, edits);
    out.copy(module, body, site.end, []);
    out.glue("\n)"); // behind a comment that reaches to the end of its line
    return;
  }
  const accessor = "kind" in member && (member.kind === "get" || member.kind === "set") ? member.kind : undefined;
  const key = JSON.stringify(unit.name.replace(accessor === undefined ? /^$/ : /^[gs]et /, ""));
  const { async = false, generator = false } = node as { async?: boolean; generator?: boolean };
  const head = `${async ? "async " : ""}${generator ? "*" : ""}${accessor === undefined ? "" : `${accessor} `}[${key}]`;
  const object = (): void => {
    out.glue(`{ ${head}`);
    out.copy(module, node.start, node.end, edits);
    out.glue(" }");
  };
  if (outside.context.has("super")) throw new Error("a method with super cannot stand alone");
  out.glue(accessor === undefined ? "(" : "Object.getOwnPropertyDescriptor(");
  object();
  out.glue(accessor === undefined ? `)[${key}]` : `, ${key}).${accessor}`);
}

/** In the order in which they stand, outer before inner. */
function editsOf(unit: Unit, code: UnitCode, host: TextHost): Edit[] {
  const { site, outside } = code;
  const edits: Edit[] = outside.statics.map(({ start, end }) => ({ start, end, text: "" }));
  for (const { start, end, by } of unit.replaced) {
    edits.push({ start, end, text: typeof by === "string" ? by : host.names.of(by) });
  }
  if (unit.privates.length > 0) edits.push(...privateEdits(unit, code, host.names.ofPrivates(unit)));
  if (unit.heritage !== null && outside.heritage !== null) {
    const { start, end } = outside.heritage;
    edits.push({ start, end, text: host.names.of(unit.heritage) });
  }
  for (const use of outside.modules) {
    const { start, end, specifier } = use;
    const ready =
      use.kind === "import" ? `import(${JSON.stringify(specifier)})` : `require(${JSON.stringify(specifier)})`;
    edits.push({ start, end, text: isBuiltin(specifier) ? ready : `$imports[${host.importAt(use, code)}]()` });
  }
  for (const use of outside.assets) {
    const asset = `$assets[${host.assetAt(use, code)}]`;
    const text = { URL: `new URL(${asset}.url)`, url: `${asset}.url`, path: `${asset}.path` }[use.as];
    edits.push({ start: use.start, end: use.end, text });
  }
  if (site.node.type === "FunctionDeclaration" && site.node.id) {
    // As the name of an expression it would stand for this very function, which the user's variable may not.
    edits.push({ start: site.node.id.start, end: site.node.id.end, text: "" });
  }
  for (const { name, uses } of outside.names) {
    const target = unit.names.get(name);
    const called = target === undefined ? name : host.names.of(target);
    if (called === name) continue;
    for (const { start, end, shorthand } of uses) {
      edits.push({ start, end, text: shorthand ? `${name}: ${called}` : called });
    }
  }
  return edits.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Private static fields get their values when all that these may refer to is there. */
function privateEdits({ privates }: Unit, { site, outside }: UnitCode, set: string): Edit[] {
  const edits = outside.privateStatics.map(({ start, end }) => ({ start, end, text: ";" }));
  const end = behindMembers(site);
  const fields = privates.map(({ name }) => `this.#${name}`).join(", ");
  return [...edits, { start: end, end, text: `; static { ${set} = (values) => { [${fields}] = values; }; } ` }];
}

/** What makes the functions of instances that arrive: in the class, for its private names; with what `super` is in a method. */
function writeMakers(out: CodeText, { module, node }: Site, edits: readonly Edit[]): void {
  const makers = makersOf(module, node);
  if (makers.size === 0) return;
  out.glue("; static { $makers(this, { __proto__: super.prototype");
  for (const [key, { fn, name }] of makers) {
    const [before, behind] = "id" in fn && fn.id ? ["(", ")"] : naming(name, undefined);
    out.glue(`, ${JSON.stringify(key)}() { return ${before}`);
    out.copy(module, fn.start, fn.end, edits);
    out.glue(`\n${behind}; }`);
  }
  out.glue(" }); } ");
}

/** Where members of a class may be added; of a function, its end. */
function behindMembers({ node, end }: Site): number {
  return node.type === "ClassDeclaration" || node.type === "ClassExpression" ? node.body.end - 1 : end;
}

/** The name that the text itself gives the function. */
function idOf(node: AnyNode, { site }: UnitCode): string | undefined {
  if (site.member !== undefined || node.type === "FunctionDeclaration") return undefined;
  if (node.type !== "FunctionExpression" && node.type !== "ClassExpression" && node.type !== "ClassDeclaration")
    return undefined;
  return node.id?.name;
}
