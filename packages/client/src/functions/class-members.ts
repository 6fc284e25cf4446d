// The methods and accessors that a class's text gives it, and which of the live class's properties they are.
import type { AnyNode } from "acorn";
import type { Callable } from "./graph.ts";
import type { Site } from "./module-source.ts";

type Method = AnyNode & { readonly type: "MethodDefinition" };

/** The name of a member that is computed, where the class is defined, from what may have changed or be forgotten since. */
export interface ComputedKey {
  /** Of the expression; of the whole member when it is no more. */
  readonly start: number;
  readonly end: number;
  readonly key: string | symbol | null;
}

type Place = "self" | "prototype";

export class WrittenMembers {
  readonly keys: ComputedKey[] = [];
  readonly #found: Map<unknown, { readonly on: Place; readonly key: string | symbol }> = new Map();

  found(live: unknown, on: Place, key: string | symbol): void {
    this.#found.set(live, { on, key });
  }

  isFound(live: unknown): boolean {
    return this.#found.has(live);
  }

  /** The property is what the text makes it. */
  has(on: Place, key: string | symbol, { value, get, set }: PropertyDescriptor): boolean {
    const isOurs = (live: unknown): boolean => {
      const place = this.#found.get(live);
      return place?.on === on && place.key === key;
    };
    if (get === undefined && set === undefined) return isOurs(value);
    return [get, set].every((accessor) => accessor === undefined || isOurs(accessor));
  }
}

export function membersOf(site: Site, fn: Callable): WrittenMembers {
  const written = new WrittenMembers();
  const { node } = site;
  if (node.type !== "ClassDeclaration" && node.type !== "ClassExpression") return written;
  for (const member of node.body.body) {
    if (member.type !== "MethodDefinition" || member.kind === "constructor") continue;
    if (member.key.type === "PrivateIdentifier") continue;
    const { start, end } = member;
    const key = liveKey(written, site, member, fn);
    if (key === undefined) written.keys.push({ start, end, key: null });
    else if (member.computed) written.keys.push({ start: member.key.start, end: member.key.end, key });
  }
  return written;
}

/** Undefined when the class has it no more. */
function liveKey(written: WrittenMembers, site: Site, member: Method, fn: Callable): string | symbol | undefined {
  const on = member.static ? "self" : "prototype";
  const object: object = member.static ? fn : fn.prototype;
  const name = member.computed ? undefined : keyName(member.key);
  const keys = name === undefined ? Reflect.ownKeys(object) : [name];
  const slot = member.kind === "get" || member.kind === "set" ? member.kind : "value";
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor === undefined) continue;
    const live: unknown = descriptor[slot];
    if (typeof live === "function" && !written.isFound(live) && isTextOf(site, member, live)) {
      written.found(live, on, key);
      return key;
    }
    if (name !== undefined) return name; // it was replaced
  }
  return undefined;
}

function isTextOf({ module }: Site, { value, start }: Method, live: object): boolean {
  const source = Function.prototype.toString.call(live);
  const at = value.end - source.length;
  return at >= start && module.text.startsWith(source, at);
}

function keyName(key: AnyNode): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" ? String(key.value) : undefined;
}
