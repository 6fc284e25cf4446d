// How a function travels: its code, described once, and the values it captured, as they are at each use.
import { dirname, resolve } from "node:path";
import { type FunctionDescription, functionDescription, type ImportDescription } from "@taskflock/protocol";
import { registerPositions } from "../stacks/positions.ts";
import { type FileStamp, fileStamp, isUnchanged, readAsset } from "./assets.ts";
import { captureFunction } from "./capture.ts";
import { missingThis } from "./context.ts";
import { type EmittedCode, emitCode } from "./emit.ts";
import type { Callable, Graph } from "./graph.ts";
import { describeImport } from "./imports.ts";
import { type Inspected, inspectFunction, looking } from "./inspect.ts";
import { isNative, nameOf, sourceOf } from "./instances.ts";
import { type Site, siteOf } from "./module-source.ts";
import { outsideOf } from "./outside.ts";
import { isOwnFile, ownFiles } from "./own-files.ts";
import { findExport, packageFileOf } from "./package-export.ts";
import { refuseFunction, type Subject, subjectOf } from "./refusal.ts";
import { NO_SHARES, type Shares } from "./shares.ts";
import { currentValues } from "./values.ts";

/** Whether installed packages are taken to be on the workers, or travel along where they are not. */
export type PackageMode = "bundle" | "installed";

/** The code of one or many functions; one object for all that share it. */
export interface FunctionCode {
  readonly name: string;
  /** A promise while packages are bundled or looked up. */
  readonly description: FunctionDescription | Promise<FunctionDescription>;
}

export interface Prepared {
  readonly code: FunctionCode;
  /** The captured values as they are now; null for a function that is the same in every call. */
  readonly captured: readonly unknown[] | null;
  readonly names: readonly string[];
  /** The place of a function that captured values refer to among those that travel; undefined for one that does not. */
  unitIndex(fn: object): number | undefined;
  /** Those functions, in their places; `fn` is the one that was prepared. */
  units(fn: Callable): readonly unknown[];
  /** What must be the same for others that travel in the same call. */
  readonly shares: Shares;
  /** It can be passed, but not called. */
  readonly isClass: boolean;
}

interface Plan {
  readonly code: FunctionCode;
  /** Null for an export of a package. */
  readonly graph: Graph | null;
  /** Files whose contents travel with the code. */
  readonly files: readonly FileStamp[];
  readonly closure: boolean;
  values: readonly unknown[];
  prepared: Prepared | null;
}

/** The last function whose text is all of it. */
interface Closed {
  fn: Callable;
  name: string;
  source: string;
  plan: Plan;
}

/** What is known of functions that are described in one manner. */
class Plans {
  readonly byFunction: WeakMap<Callable, Plan> = new WeakMap();
  /** Of places where closures are made. */
  readonly bySite: Map<Site, Plan> = new Map();
  /** Of functions that use nothing from outside, by their name and text. */
  readonly byText: Map<string, Plan> = new Map();
  /** The last of these: a loop makes one after the other. */
  last: Closed | null = null;
  /** Of those that travel with one more function. */
  beside: WeakMap<Callable, Plans> = new WeakMap();
}

/** By how functions are described: apart from the arguments, and shared with them. */
const plans: Readonly<Record<PackageMode, readonly [apart: Plans, shared: Plans]>> = {
  bundle: [new Plans(), new Plans()],
  installed: [new Plans(), new Plans()],
};
const MAX_KEPT = 256;

/** How a function is to be described. */
export interface Manner {
  readonly packages: PackageMode;
  /**
   * Arguments may refer to the functions and classes that travel with it: instances of a class that it uses are instances of
   * that very class on the worker.
   */
  readonly shared: boolean;
  /** Functions and classes that travel with it, as arguments use what it uses. */
  readonly besides?: readonly Callable[] | undefined;
}

/**
 * Says how a function travels. Throws FLOCK_FUNCTION_NOT_SERIALIZABLE at once for what cannot; the description's promise
 * rejects for an import that cannot. The user's own modules are never imported. `path` is where the function stands
 * (`args[0].scorer`), for the message.
 */
export function prepareFunction(fn: Callable, manner: Manner, path?: string): Prepared {
  const plans = plansFor(manner);
  let known = plans.byFunction.get(fn);
  if (known === undefined) {
    const closed = closedLike(plans, fn);
    if (closed !== undefined) return closed;
  }
  if (known?.files.every(isUnchanged) === false) known = undefined;
  const values = known?.graph ? currentValues(known.graph, fn, known.values) : (known?.values ?? null);
  if (known !== undefined && values !== null) {
    checkCalled(known, fn, path);
    if (values === known.values && known.prepared !== null) return known.prepared;
    known.values = values;
    return preparedOf(known, fn, isClass(fn));
  }
  const subject = subjectOf(fn, path);
  const plan = looking(() => planFor(fn, manner, subject));
  plans.byFunction.set(fn, plan);
  checkCalled(plan, fn, path);
  return preparedOf(plan, fn, isClass(fn));
}

/**
 * Of a function with the text of one that uses nothing from outside. Runs for each function that a loop makes: it is not noted
 * under the function itself, which costs more than finding it again.
 */
function closedLike(plans: Plans, fn: Callable): Prepared | undefined {
  const { last, byText } = plans;
  if (byText.size === 0 || !isBare(fn)) return undefined;
  if (last?.fn === fn) return last.plan.prepared!;
  const source = sourceOf(fn);
  const name = nameOf(fn);
  if (last !== null && last.source === source && last.name === name) {
    last.fn = fn;
    return last.plan.prepared!;
  }
  const plan = use(byText, `${name}\n${source}`);
  if (plan === undefined) return undefined;
  plan.prepared ??= preparedOf(plan, null, false);
  plans.last = { fn, name, source, plan };
  return plan.prepared;
}

/**
 * A function that is called as it is has no `this`. One that stands in an argument may be given one: by the object that it is
 * a method of, which travels, too; so may one that is an argument, unless it was taken from its object.
 */
function checkCalled({ graph }: Plan, fn: Callable, path: string | undefined): void {
  const form = graph?.root.form;
  if (form?.kind !== "code" || !form.outside.context.has("own this")) return;
  const isTaken = form.site.member !== undefined && /^args\[\d+\]$/.test(path ?? "");
  const why = missingThis(form.site, form.outside);
  if (why !== null && (path === undefined || isTaken)) throw refuseFunction(subjectOf(fn, path), why);
}

function plansFor({ packages, shared, besides }: Manner): Plans {
  let found = plans[packages][shared ? 1 : 0];
  for (const beside of besides ?? []) {
    const more: Plans = found.beside.get(beside) ?? new Plans();
    found.beside.set(beside, more);
    found = more;
  }
  return found;
}

/** Looks at the function anew next time: something that it captured now holds another function. */
export function forgetFunction(fn: Callable): void {
  for (const known of [...plans.bundle, ...plans.installed]) {
    known.byFunction.delete(fn);
    known.bySite.clear();
    known.beside = new WeakMap();
  }
}

function isClass(fn: Callable): boolean {
  return /^class\b/.test(sourceOf(fn));
}

/** `fn` is null for all functions of one text: nothing that they capture can refer to them. */
function preparedOf(plan: Plan, fn: Callable | null, isClass: boolean): Prepared {
  const { code, graph, closure, values } = plan;
  plan.prepared = {
    code,
    captured: closure ? values : null,
    names: graph?.dataNames ?? [],
    unitIndex: (inner) => (inner === fn ? graph?.root.index : graph?.unitOf.get(inner)?.index),
    units: (root) => {
      const units: unknown[] = [];
      if (graph !== null) units[graph.root.index] = root;
      for (const [inner, { index }] of graph?.unitOf ?? []) units[index] = inner;
      return units;
    },
    shares: graph?.shares ?? NO_SHARES,
    isClass,
  };
  return plan.prepared;
}

function planFor(fn: Callable, manner: Manner, subject: Subject): Plan {
  const source = sourceOf(fn);
  if (isNative(source)) return planByCapture(fn, manner, subject);
  const { bySite, byText } = plansFor(manner);
  const inspected = inspectFunction(fn);
  const site = siteIfReadable(inspected, source);
  if (site === undefined) return planByCapture(fn, manner, subject);
  const template = use(bySite, site);
  const values = template === undefined ? null : valuesLike(template, fn, inspected);
  if (template !== undefined && values !== null) return { ...template, values, prepared: null };
  const isExport = !site.nested && outsideOf(site).names.length > 0 && packageFileOf(fn) !== undefined;
  if (isExport) return planByExport(fn, manner, subject);
  const plan = planByCapture(fn, manner, subject);
  if (!isTemplate(plan, site)) return plan;
  if (isClosed(plan)) keep(byText, `${nameOf(fn)}\n${source}`, plan);
  // Its values are another function's: only those that all of the place share are looked at again.
  else keep(bySite, site, { ...plan, values: plan.values.map(() => undefined) });
  return plan;
}

/** The first of the map is the one not used for longest. */
function keep<K>(plans: Map<K, Plan>, key: K, plan: Plan): void {
  if (plans.size >= MAX_KEPT && !plans.has(key)) for (const [oldest] of plans) if (plans.delete(oldest)) break;
  plans.set(key, { ...plan, prepared: null });
}

function use<K>(plans: Map<K, Plan>, key: K): Plan | undefined {
  const plan = plans.get(key);
  if (plan === undefined) return undefined;
  plans.delete(key); // and behind the others
  plans.set(key, plan);
  return plan;
}

function siteIfReadable(inspected: Inspected, source: string): Site | undefined {
  try {
    return siteOf(inspected, source);
  } catch {
    return undefined; // the capture says why
  }
}

/** Functions of the same place differ in nothing but values; classes may differ in what was put on them. */
function isTemplate({ graph }: Plan, { node }: Site): boolean {
  if (graph === null || graph.separate) return false;
  return graph.root.overrides.length === 0 && !node.type.startsWith("Class");
}

function valuesLike(template: Plan, fn: Callable, inspected: Inspected): readonly unknown[] | null {
  const { graph, values, files } = template;
  if (graph === null || !files.every(isUnchanged) || nameOf(fn) !== graph.root.name || Object.keys(fn).length > 0)
    return null;
  return currentValues(graph, fn, values, inspected);
}

/** Its text is all of it: another function of the same text is the same. */
function isClosed({ graph, closure }: Plan): boolean {
  const form = graph?.root.form;
  if (form?.kind !== "code" || closure || !form.strict) return false;
  const { names, modules, assets, context } = form.outside;
  return names.length + modules.length + assets.length + context.size === 0;
}

/** Strict, as far as can be seen, and without properties of its own. */
function isBare(fn: Callable): boolean {
  return Object.keys(fn).length === 0 && !Object.hasOwn(fn, "caller");
}

function planByCapture(fn: Callable, manner: Manner, subject: Subject): Plan {
  const { graph, values } = captureFunction(fn, subject, manner.besides ?? []);
  const emitted = emitCode(manner.shared ? { ...graph, late: true, stateful: true } : graph);
  const assets = emitted.assets.map(({ path, module: { file } }) => {
    if (file === undefined) throw refuseFunction(subject, `it reads "${path}" beside its module, which is no file.`);
    return resolve(dirname(file), path);
  });
  const files = assets.map(fileStamp); // before they are read
  const description = describe(emitted, assets, nameOf(fn), graph, manner.packages, subject);
  if (description instanceof Promise) forgetIfRejected(description, fn);
  return { code: { name: shown(fn), description }, graph, files, closure: emitted.closure, values, prepared: null };
}

function describe(
  emitted: EmittedCode,
  files: readonly string[],
  name: string,
  graph: Graph,
  mode: PackageMode,
  subject: Subject,
): FunctionDescription | Promise<FunctionDescription> {
  const { code, closure } = emitted;
  const own = ownFiles(graph);
  for (const { specifier, module } of emitted.imports) {
    if (!isOwnFile(specifier, module?.file, own)) continue;
    const why = `it imports "${specifier}", its own module or the program's main one, which would start the program again on the worker`;
    throw refuseFunction(subject, `${why}; move what it needs to a file of its own.`);
  }
  const imports = emitted.imports.map(({ specifier, kind, when, module }) =>
    describeImport({ specifier, kind, when, fromFile: module?.file, ownFiles: own, mode }),
  );
  const assets = files.map(readAsset);
  const finish = (found: readonly ImportDescription[]): FunctionDescription => {
    const description = functionDescription({ name, code, imports: found, assets, closure });
    registerPositions(description.hash, emitted.positions);
    return description;
  };
  const ready = imports.flatMap((found) => (found instanceof Promise ? [] : [found]));
  return ready.length === imports.length ? finish(ready) : Promise.all(imports).then(finish);
}

/** An export of an installed package goes by its name. */
function planByExport(fn: Callable, manner: Manner, subject: Subject): Plan {
  const description = describeExport(fn, manner, subject);
  const plan: Plan = {
    code: { name: shown(fn), description },
    graph: null,
    files: [],
    closure: false,
    values: [],
    prepared: null,
  };
  forgetIfRejected(description, fn);
  return plan;
}

/** Whoever asked sees the rejection; the next one asks anew. */
function forgetIfRejected(description: Promise<unknown>, fn: Callable): void {
  description.catch(() => forgetFunction(fn));
}

async function describeExport(fn: Callable, manner: Manner, subject: Subject): Promise<FunctionDescription> {
  const found = await findExport(fn);
  if (found === undefined) {
    const plan = planByCapture(fn, manner, subject);
    if (!plan.closure) return plan.code.description;
    throw refuseFunction(
      subject,
      "its package does not export it, and it uses variables of its module; wrap the call, (…args) => fn(…args), and it travels with them.",
    );
  }
  const { specifier, kind, member, fromFile } = found;
  const imported = await describeImport({
    specifier,
    kind,
    when: "load",
    fromFile,
    ownFiles: new Set(),
    mode: manner.packages,
  });
  const access =
    member === ""
      ? ""
      : member
          .split(".")
          .map((step) => `[${JSON.stringify(step)}]`)
          .join("");
  return functionDescription({
    name: nameOf(fn),
    code: `return $imports[0]${access};`,
    imports: [imported],
    assets: [],
    closure: false,
  });
}

function shown(fn: Callable): string {
  return nameOf(fn) || "anonymous";
}
