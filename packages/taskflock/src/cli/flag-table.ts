// Flags as data, for commands that start often and should start soon: read here in the plain case, by commander in all others.

/** The property it sets is its name in camel case; `--no-x` sets `x`, true unless it is given, to false. */
export interface Flag {
  /** `--name`, or `--name <value>`. */
  readonly flags: string;
  readonly description: string;
  /** The environment variable TASKFLOCK_… that says the same. */
  readonly variable?: string;
  readonly preset?: unknown;
  /** How `--help` shows the preset. */
  readonly presetText?: string;
  /** Throws for what it does not take. */
  readonly parse?: (text: string) => unknown;
  readonly choices?: readonly string[];
  /** A list: what is said once more is added to it. */
  readonly repeats?: boolean;
}

export interface CommandLine {
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

const OFF: ReadonlySet<string> = new Set(["", "0", "false", "no", "off"]);

/** What a variable says that turns a flag without a value off. */
export function isOff(text: string | undefined): boolean {
  return text !== undefined && OFF.has(text.toLowerCase());
}

/**
 * The command line as commander would read it; null when there is anything unusual about it: help is wanted, something is unknown, wrong
 * or written in another way. Then commander says what there is to say.
 */
export function readFlags(
  table: readonly Flag[],
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): CommandLine | null {
  try {
    return new Reader(table).read(args, environment);
  } catch {
    return null;
  }
}

class Reader {
  readonly #table: ReadonlyMap<string, Flag>;
  readonly #flags: Record<string, unknown> = {};

  constructor(table: readonly Flag[]) {
    this.#table = new Map(table.map((flag) => [longName(flag), flag]));
  }

  read(args: readonly string[], environment: NodeJS.ProcessEnv): CommandLine | null {
    const operands: string[] = [];
    const rest = [...args];
    for (let text = rest.shift(); text !== undefined; text = rest.shift()) {
      if (!text.startsWith("-")) operands.push(text);
      else if (!this.#read(text, rest)) return null;
    }
    for (const flag of this.#table.values()) this.#fill(flag, environment);
    return { operands, flags: this.#flags };
  }

  #read(name: string, rest: string[]): boolean {
    const flag = this.#table.get(name);
    if (flag === undefined) return false;
    if (!takesValue(flag)) {
      this.#flags[propertyOf(flag)] = !isNegative(flag);
      return true;
    }
    const text = rest.shift();
    return text !== undefined && !text.startsWith("-") && this.#set(flag, text);
  }

  #set(flag: Flag, text: string): boolean {
    if (flag.choices?.includes(text) === false) throw new Error(`${text} is none of the choices`);
    const value = flag.parse === undefined ? text : flag.parse(text);
    const before = flag.repeats === true ? this.#flags[propertyOf(flag)] : undefined;
    this.#flags[propertyOf(flag)] = addedTo(before, value);
    return true;
  }

  /** What the command line does not say, the environment does, or the preset. */
  #fill(flag: Flag, environment: NodeJS.ProcessEnv): void {
    const property = propertyOf(flag);
    if (property in this.#flags) return;
    const said = flag.variable === undefined ? undefined : environment[`TASKFLOCK_${flag.variable}`];
    if (said !== undefined && takesValue(flag)) this.#set(flag, said);
    else if (said !== undefined && !isOff(said)) this.#flags[property] = !isNegative(flag);
    else if (isNegative(flag)) this.#flags[property] = true;
    else if (flag.preset !== undefined) this.#flags[property] = flag.preset;
  }
}

/** A list that is said again goes on. */
export function addedTo(before: unknown, value: unknown): unknown {
  return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

function longName({ flags }: Flag): string {
  return flags.split(" ")[0] ?? "";
}

function takesValue({ flags }: Flag): boolean {
  return flags.includes("<");
}

function isNegative(flag: Flag): boolean {
  return longName(flag).startsWith("--no-");
}

function propertyOf(flag: Flag): string {
  const name = longName(flag).slice(isNegative(flag) ? "--no-".length : "--".length);
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
