// What an action was asked with, whichever protocol brought it: forms with names like TagSpecification.1.Tag.2.Key, or JSON.
import { AwsError } from "./errors.ts";

type Data = Readonly<Record<string, unknown>>;

export class Input {
  readonly data: Data;

  constructor(data: Data) {
    this.data = data;
  }

  static fromForm(form: URLSearchParams): Input {
    const data: Record<string, unknown> = {};
    for (const [name, value] of form) {
      const path = name.split(".");
      let place = data;
      for (const step of path.slice(0, -1)) {
        place[step] ??= {};
        place = place[step] as Record<string, unknown>;
      }
      place[path.at(-1) ?? name] = value;
    }
    return new Input(data);
  }

  maybe(name: string): string | undefined {
    const value = this.data[name];
    return value === undefined || value === null || typeof value === "object" ? undefined : String(value);
  }

  text(name: string): string {
    const value = this.maybe(name);
    if (value === undefined) throw new AwsError("MissingParameter", `The request must contain the parameter ${name}`);
    return value;
  }

  number(name: string): number | undefined {
    const value = this.maybe(name);
    return value === undefined ? undefined : Number(value);
  }

  flag(name: string): boolean | undefined {
    const value = this.maybe(name);
    return value === undefined ? undefined : value === "true";
  }

  /** Empty where there is none. */
  part(name: string): Input {
    const value = this.data[name];
    return new Input(typeof value === "object" && value !== null ? (value as Data) : {});
  }

  parts(name: string): Input[] {
    return listOf(this.data[name]).map((item) => new Input(item as Data));
  }

  texts(name: string): string[] {
    return listOf(this.data[name]).map(String);
  }

  /** EC2's filters, by name. */
  filters(): Map<string, readonly string[]> {
    const all = [...this.parts("Filter"), ...this.parts("Filters")];
    return new Map(all.map((filter) => [filter.text("Name"), [...filter.texts("Value"), ...filter.texts("Values")]]));
  }
}

/** A JSON array; or {1: …, 2: …}, with "member" between in the protocols of Auto Scaling and IAM. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) return [];
  const { member } = value as { readonly member?: unknown };
  if (member !== undefined) return listOf(member);
  const numbered = Object.entries(value).sort(([a], [b]) => Number(a) - Number(b));
  return numbered.map(([, item]) => item);
}
