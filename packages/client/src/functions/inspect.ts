// What only the inspector knows: where a function was defined, the text of that script, and what the function's surroundings
// hold. Sessions of the own thread answer before a call returns.
import { type Debugger, type Runtime, Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const HOLDER: unique symbol = Symbol.for("taskflock.inspected");
const GROUP = "taskflock";

/** A script as the engine has it: after any compiler or loader. */
export interface ScriptInfo {
  readonly id: string;
  /** As the engine names it: a `file://` URL, a path, `REPL3`, or "". */
  readonly url: string;
  readonly isModule: boolean;
  readonly sourceMapUrl: string;
  /** Where its first character counts as being. */
  readonly startLine: number;
  readonly startColumn: number;
}

/** Variables of one scope by name. A variable that has no value yet may throw when it is read. */
export type Variables = Readonly<Record<string, unknown>>;

export interface Inspected {
  readonly scriptId: string;
  /** 0-based, in the script. */
  readonly line: number;
  readonly column: number;
  /** From the innermost outwards, without the global object. Only variables that some function uses are kept. */
  readonly scopes: readonly Variables[];
  /** Of these, what scripts declare at their top level for all other scripts. */
  readonly script: Variables | undefined;
  /** The global object of the function's realm. */
  readonly global: Variables;
}

interface Holder {
  value: object;
  fields: unknown[];
  scopes: { readonly description: string; readonly object: Variables }[];
}

/** Of the engine's protocol, though not in its types. */
interface PrivateProperties {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Runtime.RemoteObject }[];
}

const scripts = new Map<string, ScriptInfo>();
/** Ids of the scripts that were made of a file. */
const byFile = new Map<string, string[]>();
let session: OpenSession | undefined;
/** How many calls of `looking` are under way. */
let looks = 0;

/** Where the function is from, and its variables' values as they are now. Costs some 50 µs. */
export function inspectFunction(fn: object): Inspected {
  return opened().inspect(fn);
}

/** The values of a class's private static fields, by their names without "#". */
export function privateStaticsOf(type: object): ReadonlyMap<string, unknown> {
  return opened().privateFields(type);
}

/** Looks at several scripts at little more than the cost of one; costs nothing when `look` needs no inspector after all. */
export function looking<R>(look: () => R): R {
  looks++;
  try {
    return look();
  } finally {
    if (--looks === 0) session?.lookedAway();
  }
}

/** The script of an inspected function. */
export function scriptInfo(id: string): ScriptInfo | undefined {
  if (!scripts.has(id)) opened().listScripts();
  return scripts.get(id);
}

/** The script's text. */
export function scriptText(id: string): string {
  return opened().text(id);
}

/** The file the function was defined in; undefined when it came from no file (`eval`, the REPL). */
export function fileOfFunction(fn: object): string | undefined {
  return asFile(scriptInfo(inspectFunction(fn).scriptId)?.url ?? "");
}

/** The files of all modules that are loaded. */
export function loadedFiles(): ReadonlySet<string> {
  opened().listScripts();
  return new Set(byFile.keys());
}

/** The scripts that were made of a file. */
export function scriptsOfFile(file: string): readonly string[] {
  return byFile.get(file) ?? [];
}

/** Loaders add queries to URLs to load a module anew. */
export function asFile(url: string): string | undefined {
  if (url.startsWith("/") || /^[a-z]:[\\/]/i.test(url)) return url;
  if (!url.startsWith("file://")) return undefined;
  try {
    return fileURLToPath(url.replace(/[?#].*$/, ""));
  } catch {
    return undefined; // of another machine: whoever evaluates code may call it anything
  }
}

/** Open to the end of the turn: connecting for every closure of a loop would cost more than looking at it. */
function opened(): OpenSession {
  if (session === undefined) {
    session = new OpenSession();
    setImmediate(() => {
      session?.close();
      session = undefined;
    }).unref();
  }
  return session;
}

class OpenSession {
  readonly #session: Session = new Session();
  readonly #holder: Partial<Holder> = {};
  readonly #holderId: string;
  #debugging = false;

  constructor() {
    this.#session.connect();
    Reflect.set(globalThis, HOLDER, this.#holder);
    try {
      const expression = `globalThis[Symbol.for("taskflock.inspected")]`;
      const { result } = this.#post<Runtime.EvaluateReturnType>("Runtime.evaluate", { expression });
      this.#holderId = idOf(result);
    } finally {
      Reflect.deleteProperty(globalThis, HOLDER);
    }
  }

  close(): void {
    this.#session.disconnect();
  }

  inspect(fn: object): Inspected {
    this.#holder.value = fn;
    try {
      const id = idOf(this.#callOnHolder("function () { return this.value; }").result);
      const { internalProperties = [] } = this.#post<Runtime.GetPropertiesReturnType>("Runtime.getProperties", {
        objectId: id,
        ownProperties: true,
      });
      const internal = (name: string): Runtime.RemoteObject | undefined =>
        internalProperties.find((property) => property.name === name)?.value;
      const location = internal("[[FunctionLocation]]")?.value as Debugger.Location | undefined;
      const scopesId = internal("[[Scopes]]")?.objectId;
      if (location === undefined || scopesId === undefined) throw new Error("the engine knows no place of it");
      const keep = "function (holder) { holder.scopes = Array.from(this); }";
      this.#post("Runtime.callFunctionOn", {
        objectId: scopesId,
        functionDeclaration: keep,
        arguments: [{ objectId: this.#holderId }],
        silent: true,
      });
      const { scopes = [] } = this.#holder;
      const isGlobal = ({ description }: Holder["scopes"][number]): boolean => description === "Global";
      return {
        scriptId: location.scriptId,
        line: location.lineNumber,
        column: location.columnNumber ?? 0,
        scopes: scopes.filter((scope) => !isGlobal(scope)).map(({ object }) => object),
        script: scopes.find(({ description }) => description === "Script")?.object,
        global: scopes.find(isGlobal)?.object ?? (globalThis as unknown as Variables),
      };
    } finally {
      delete this.#holder.value;
      delete this.#holder.scopes;
      this.#post("Runtime.releaseObjectGroup", { objectGroup: GROUP });
    }
  }

  privateFields(object: object): Map<string, unknown> {
    this.#holder.value = object;
    try {
      const objectId = idOf(this.#callOnHolder("function () { return this.value; }").result);
      const parameters = { objectId, ownProperties: true };
      const { privateProperties = [] } = this.#post<PrivateProperties>("Runtime.getProperties", parameters);
      const fields = privateProperties.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }]));
      this.#post("Runtime.callFunctionOn", {
        objectId: this.#holderId,
        functionDeclaration: "function (...fields) { this.fields = fields; }",
        arguments: fields.map(({ value }) => asArgument(value)),
        silent: true,
      });
      const values = this.#holder.fields ?? [];
      return new Map(fields.map(({ name }, index) => [name.replace(/^#/, ""), values[index]]));
    } finally {
      delete this.#holder.value;
      delete this.#holder.fields;
      this.#post("Runtime.releaseObjectGroup", { objectGroup: GROUP });
    }
  }

  listScripts(): void {
    looking(() => this.#debug());
  }

  text(scriptId: string): string {
    return looking(() => {
      this.#debug();
      return this.#post<Debugger.GetScriptSourceReturnType>("Debugger.getScriptSource", { scriptId }).scriptSource;
    });
  }

  /** Nobody looks at scripts any more. */
  lookedAway(): void {
    if (!this.#debugging) return;
    this.#post("Debugger.disable", {});
    this.#session.off("Debugger.scriptParsed", noteScript);
    this.#debugging = false;
  }

  /** The engine tells of every script then, which takes it milliseconds: so what it tells is kept, whoever asked. */
  #debug(): void {
    if (this.#debugging) return;
    this.#session.on("Debugger.scriptParsed", noteScript);
    this.#post("Debugger.enable", {});
    this.#debugging = true;
    this.#post("Debugger.setSkipAllPauses", { skip: true }); // nobody could resume what a `debugger;` stops
  }

  #callOnHolder(functionDeclaration: string): Runtime.CallFunctionOnReturnType {
    return this.#post("Runtime.callFunctionOn", {
      objectId: this.#holderId,
      functionDeclaration,
      objectGroup: GROUP,
    });
  }

  #post<R>(method: string, parameters: object): R {
    let answer: R | undefined;
    let failure: Error | null = null;
    this.#session.post(method, parameters, (error: Error | null, result?: unknown) => {
      failure = error;
      answer = result as R;
    });
    if (failure !== null) throw failure;
    if (answer === undefined) throw new Error(`The inspector did not answer ${method}.`);
    return answer;
  }
}

/** The same value, given back to the engine. */
function asArgument({ objectId, unserializableValue, value }: Runtime.RemoteObject): Runtime.CallArgument {
  if (objectId !== undefined) return { objectId };
  return unserializableValue === undefined ? { value } : { unserializableValue };
}

function noteScript({ params }: { params: Debugger.ScriptParsedEventDataType }): void {
  const { scriptId: id, url, isModule = false, sourceMapURL = "", startLine, startColumn } = params;
  if (scripts.has(id)) return;
  scripts.set(id, { id, url, isModule, sourceMapUrl: sourceMapURL, startLine, startColumn });
  const file = asFile(url);
  const ids = file === undefined ? undefined : byFile.get(file);
  if (ids !== undefined) ids.push(id);
  else if (file !== undefined) byFile.set(file, [id]);
}

function idOf(object: Runtime.RemoteObject): string {
  if (object.objectId === undefined) throw new Error("The inspector gave no id for an object.");
  return object.objectId;
}
