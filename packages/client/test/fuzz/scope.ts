// The variables of a generated program: which name means what where. Slips only make programs that fail in the same way here
// and there.
import type { Choices } from "./choices.ts";

/** What a variable holds; `gen` makes an iterator of numbers, `fn` takes and gives numbers. */
export type Type =
  | "num"
  | "str"
  | "list"
  | "record"
  | "map"
  | "fn"
  | "gen"
  | "class"
  | "instance"
  | "enum"
  /** Holds functions, classes and itself. */
  | "bag"
  /** Is not used by its type. */
  | "symbol";

export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** May be assigned. */
  readonly mutable: boolean;
  /** How much work one call is. */
  readonly cost: number;
}

/** Few, so that they meet; among them names of globals, of the code that is made, and words that are names at times. */
const NAMES = [
  ..."a b c x y n f g item self value name it k v".split(" "),
  ..."a$1 f$1 x$2 $bind $imports $assets bind data unit $star require_ async of get set Map Math JSON Object max length π ñ _ $".split(
    " ",
  ),
];
const MAX_COST = 3000;
/** Functions that are passed on may be called often. */
export const MAX_PASSED_COST = 20;

/** One function, or the module. */
export interface Frame {
  cost: number;
  /** How often what is written now runs in one call. */
  times: number;
  readonly async: boolean;
}

export class Scope {
  readonly parent: Scope | null;
  readonly frame: Frame;
  /** "body": where `var` goes. */
  readonly kind: "body" | "block";
  readonly variables: Map<string, Variable> = new Map();
  readonly #taken: Set<string> = new Set();
  /** Names that are used here as they are outside: a declaration could make a function that calls itself without end. */
  readonly #called: Set<string> = new Set();
  /** Ends the names of a module, in scripts that share their top level with others. */
  readonly suffix: string;

  constructor(parent: Scope | null, kind: "body" | "block", frame: Frame, suffix = "") {
    this.parent = parent;
    this.kind = kind;
    this.frame = frame;
    this.suffix = suffix;
  }

  block(): Scope {
    return new Scope(this, "block", this.frame, this.suffix);
  }

  body(async = false): Scope {
    return new Scope(this, "body", { cost: 1, times: 1, async });
  }

  /** A name that can be declared here; undefined when chance found none. */
  newName(choices: Choices, hoisted = false): string | undefined {
    for (let tries = 0; tries < 4; tries++) {
      const name = `${choices.pick(NAMES)}${tries < 3 ? "" : `${this.variables.size}`}${this.suffix}`;
      if (this.#isFree(name, hoisted)) return name;
    }
    return undefined;
  }

  declare(variable: Variable, hoisted = false): void {
    const { name } = variable;
    this.#taken.add(name);
    this.variables.set(name, variable);
    for (let scope: Scope = this; hoisted && scope.kind === "block" && scope.parent !== null; scope = scope.parent) {
      scope.parent.#taken.add(name);
      if (scope.parent.kind === "body") scope.parent.variables.set(name, variable);
    }
  }

  /** Nothing written here can mean what this name means outside. */
  hide(name: string): void {
    this.variables.set(name, { name, type: "symbol", mutable: false, cost: 0 });
  }

  #isFree(name: string, hoisted: boolean): boolean {
    if (this.#taken.has(name) || this.#called.has(name)) return false;
    if (!hoisted || this.kind === "body") return true;
    return this.parent === null || this.parent.#isFree(name, hoisted);
  }

  /** The variables of a type that a name written here means. */
  visible(type: Type): Variable[] {
    const seen = new Set<string>();
    const found: Variable[] = [];
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      for (const variable of scope.variables.values()) {
        if (seen.has(variable.name)) continue;
        seen.add(variable.name);
        if (variable.type === type) found.push(variable);
      }
    }
    return found;
  }

  /** One of the variables of a type, to be used. */
  choose(type: Type, choices: Choices, fits: (variable: Variable) => boolean = () => true): Variable | undefined {
    const variables = this.visible(type).filter(fits);
    if (variables.length === 0) return undefined;
    const variable = choices.pick(variables);
    // Some may turn out to mean a variable that is declared further down.
    if (!/^(?:num|str|list)$/.test(type) || !choices.rarely(40)) this.#keep(variable.name);
    return variable;
  }

  /** How a global is written here: plainly, unless something else has its name. */
  global(name: string): string {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.variables.has(name)) return `globalThis.${name}`;
    }
    this.#keep(name);
    return name;
  }

  /** From here on the name means what it means now. */
  #keep(name: string): void {
    for (let scope: Scope | null = this; scope?.variables.has(name) === false; scope = scope.parent) {
      scope.#called.add(name);
    }
  }

  /** Counts a call; false when it would be too much work. */
  spend(cost: number): boolean {
    const spent = this.frame.cost + cost * this.frame.times;
    if (spent > MAX_COST) return false;
    this.frame.cost = spent;
    return true;
  }
}
