// What only the inspector knows about a function: where it was defined, and what its surroundings hold.
import { type Debugger, type Runtime, Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const SLOT: unique symbol = Symbol.for("taskflock.inspected");

/** Scripts this process has loaded, by the inspector's id; complete as of the last time somebody missed one. */
const scripts = new Map<string, string>();

/** The file the function was defined in; undefined when it came from no file (`eval`, the REPL). */
export function fileOfFunction(fn: object): string | undefined {
  return inspected(fn, (inspector, id) => {
    const script = inspector.location(id)?.scriptId;
    if (typeof script !== "string") return undefined;
    if (!scripts.has(script)) inspector.listScripts();
    return scripts.get(script);
  });
}

/** Where the function was written: equal for all closures of one place, which have the same variables around them. */
export function placeOfFunction(fn: object): string {
  return inspected(fn, (inspector, id) => {
    const { scriptId, lineNumber, columnNumber } = inspector.location(id) ?? {};
    return `${scriptId}:${lineNumber}:${columnNumber}`;
  });
}

/** The files of all modules that are loaded. */
export function loadedFiles(): ReadonlySet<string> {
  inspected(loadedFiles, (inspector) => inspector.listScripts());
  return new Set(scripts.values());
}

/**
 * Which of `names` are variables around the function, rather than globals; true for one that holds the function itself.
 * Only variables that some function uses are kept by the engine, and so by this.
 */
export function variablesAround(fn: object, names: ReadonlySet<string>): Map<string, boolean> {
  return inspected(fn, (inspector, id) => {
    const found = new Map<string, boolean>();
    const scopes = inspector.internals(id).find(({ name }) => name === "[[Scopes]]")?.value?.objectId;
    if (scopes === undefined) return found;
    for (const scope of inspector.properties(scopes)) {
      const { objectId, description } = scope.value ?? {};
      if (objectId === undefined || description === undefined || description.startsWith("Global")) continue;
      for (const { name, value } of inspector.properties(objectId)) {
        if (names.has(name) && !found.has(name)) found.set(name, inspector.isSame(id, value));
      }
    }
    return found;
  });
}

/** Runs `look` with the inspector's id of an object. The session is closed again, which frees what it held. */
function inspected<R>(object: object, look: (inspector: Inspector, id: string) => R): R {
  const inspector = new Inspector();
  try {
    return look(inspector, inspector.idOf(object));
  } finally {
    inspector.close();
  }
}

class Inspector {
  readonly #session: Session = new Session();

  constructor() {
    this.#session.connect();
  }

  close(): void {
    this.#session.disconnect();
  }

  idOf(object: object): string {
    Reflect.set(globalThis, SLOT, object);
    try {
      const expression = `globalThis[Symbol.for("taskflock.inspected")]`;
      const { result } = this.#post<Runtime.EvaluateReturnType>("Runtime.evaluate", { expression });
      if (result.objectId === undefined) throw new Error("the inspector gave no id");
      return result.objectId;
    } finally {
      Reflect.deleteProperty(globalThis, SLOT);
    }
  }

  internals(objectId: string): readonly Runtime.InternalPropertyDescriptor[] {
    return this.#get(objectId).internalProperties ?? [];
  }

  /** Of a function: `{ scriptId, lineNumber, columnNumber }`. */
  location(objectId: string): Partial<Debugger.Location> | undefined {
    return this.internals(objectId).find(({ name }) => name === "[[FunctionLocation]]")?.value?.value;
  }

  properties(objectId: string): readonly Runtime.PropertyDescriptor[] {
    return this.#get(objectId).result;
  }

  isSame(objectId: string, value: Runtime.RemoteObject | undefined): boolean {
    if (value?.objectId === undefined || value.type !== "function") return false;
    const { result } = this.#post<Runtime.CallFunctionOnReturnType>("Runtime.callFunctionOn", {
      objectId,
      functionDeclaration: "function (other) { return this === other; }",
      arguments: [{ objectId: value.objectId }],
    });
    return result.value === true;
  }

  listScripts(): void {
    this.#session.on("Debugger.scriptParsed", ({ params }) => {
      const file = asFile(params.url);
      if (file !== undefined) scripts.set(params.scriptId, file);
    });
    this.#post("Debugger.enable", {});
    this.#post("Debugger.disable", {});
  }

  #get(objectId: string): Runtime.GetPropertiesReturnType {
    return this.#post<Runtime.GetPropertiesReturnType>("Runtime.getProperties", { objectId, ownProperties: true });
  }

  /** On a session of the own thread the answer comes before the call returns. */
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

/** Loaders add queries to URLs to load a module anew. */
function asFile(url: string): string | undefined {
  if (url.startsWith("/")) return url;
  if (!url.startsWith("file://")) return undefined;
  return fileURLToPath(url.replace(/[?#].*$/, ""));
}
