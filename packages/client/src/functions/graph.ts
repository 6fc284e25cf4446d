// What travels with a function, as a graph: the functions and classes it uses (units), the data it captured, and what else its
// names stand for.
import type { ImportBinding } from "./binding.ts";
import type { ModuleSource, Site } from "./module-source.ts";
import type { Outside } from "./outside.ts";
import type { Shares } from "./shares.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function is meant, whatever it takes
export type Callable = (...args: any[]) => unknown;

/** A function or class. */
export interface Unit {
  readonly index: number;
  /** Its own `name`. */
  readonly name: string;
  /** Its text travels; or every worker has it, and it is an expression or an import. */
  readonly form: UnitCode | Target;
  /** What its free names stand for. */
  readonly names: Map<string, Target>;
  /** What a class extends, where that is more than a name of an import or a global. */
  heritage: Target | null;
  /** What an old-style class inherits from. */
  readonly parents: { readonly on: Place; readonly target: Target }[];
  /** Stretches of the text, and what stands there instead. */
  readonly replaced: Replaced[];
  /** The private static fields of a class. */
  readonly privates: { readonly name: string; readonly target: Target }[];
  /** What compilers keep of it in the stores of private members; the value is null in a WeakSet. */
  readonly entries: { readonly store: Target; readonly value: Target | null }[];
  readonly overrides: Override[];
  /** A function assigns to its members: each call needs one of its own. */
  changed: boolean;
}

type Place = "self" | "prototype";

export interface Replaced {
  readonly start: number;
  readonly end: number;
  readonly by: string | Target;
}

export interface UnitCode {
  readonly kind: "code";
  readonly site: Site;
  readonly outside: Outside;
  readonly strict: boolean;
}

/** A property that the text of a function or class does not give it. */
export interface Override {
  readonly on: Place;
  /** A symbol is a target. */
  readonly key: string | Target;
  /** Null for a property that the text gives and that is no more. */
  readonly parts: { readonly value?: Target; readonly get?: Target; readonly set?: Target } | null;
  readonly descriptor: Pick<PropertyDescriptor, "writable" | "enumerable" | "configurable">;
}

/** What a name stands for in the code that travels. Equal things are one object. */
export type Target =
  | { readonly kind: "unit"; readonly unit: Unit; readonly name: string }
  /** A captured value: which of the hidden arguments. */
  | { readonly kind: "data"; readonly index: number; readonly name: string }
  | { readonly kind: "import"; readonly use: ImportUse; readonly member: string; readonly name: string }
  | { readonly kind: "expression"; readonly text: string; readonly name: string }
  /** A module's namespace, with the members that are used. */
  | NamespaceTarget
  /** A member of a namespace that changes. */
  | { readonly kind: "member"; readonly of: NamespaceTarget; readonly key: string; readonly name: string }
  /** A variable that a unit changes. */
  | { readonly kind: "cell"; readonly initial: Target; readonly name: string };

export interface NamespaceTarget {
  readonly kind: "namespace";
  readonly members: Map<string, Target>;
  readonly name: string;
  /** A function assigns to its members: each call needs one of its own. */
  changed: boolean;
}

export interface ImportUse {
  readonly specifier: string;
  readonly kind: "import" | "require";
  readonly when: "load" | "call";
  readonly interop: ImportBinding["interop"];
  readonly module: ModuleSource | undefined;
}

/** Something that decides what the graph looks like, or what is captured; and where to find it again. */
export interface Watched {
  /** Null where it is a shape. */
  readonly target: Target | null;
  readonly seen: unknown;
  readonly at: /** A variable around `owner`; null is the submitted function. */
    | { readonly owner: Callable | null; readonly variable: string; readonly constant: boolean }
    | { readonly object: object; readonly key: string | symbol }
    /** A private static field of `owner`. */
    | { readonly owner: Callable | null; readonly field: string }
    /** Which functions an object has as properties; null is the submitted function, or its prototype. */
    | { readonly shape: Place; readonly of: object | null };
}

export interface Graph {
  readonly root: Unit;
  readonly units: readonly Unit[];
  readonly unitOf: ReadonlyMap<object, Unit>;
  /** Names of the captured values, for messages; by the index of data targets. */
  readonly dataNames: readonly string[];
  /** Captured values refer to units, so that these must be made first. */
  readonly late: boolean;
  /** A unit changes a variable: each call needs an instance of its own. */
  readonly stateful: boolean;
  /** Units do not share variables that they change, though they might: others of the same place may. */
  readonly separate: boolean;
  readonly watched: readonly Watched[];
  /** Without the root. */
  readonly shares: Shares;
}
