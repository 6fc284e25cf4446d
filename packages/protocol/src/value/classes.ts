// Classes whose instances may travel, because both ends registered them under one name.
import { FlockError } from "../words/errors.ts";

export interface ClassCodec<T extends object, E = unknown> {
  /** The class's name on the wire: the same on both ends, and of one class only. */
  readonly name: string;
  /** What stands for an instance; any value that can travel. Without hooks the instance's own fields travel. */
  readonly encode?: (instance: T) => E;
  /** Makes an instance of what `encode` returned. Given exactly when `encode` is. */
  readonly decode?: (encoded: E) => T;
}

export interface RegisteredClass {
  readonly name: string;
  readonly prototype: object;
  readonly hooks: { encode(instance: object): unknown; decode(encoded: unknown): unknown } | undefined;
}

const byName = new Map<string, RegisteredClass>();
const byPrototype = new Map<object, RegisteredClass>();

/**
 * Lets instances of a class travel, in this process: register it on workers too, for instance in the module of an
 * installed package that defines it. Subclasses are registered on their own.
 *
 * Throws `FLOCK_ARGUMENT_INVALID` when the name belongs to another class, or when only one of the hooks is given.
 */
export function registerClass<T extends object, E = unknown>(
  type: abstract new (...args: never[]) => T,
  codec: ClassCodec<T, E>,
): void {
  const { name, encode, decode } = codec;
  if (typeof name !== "string" || name === "") {
    throw new FlockError("FLOCK_ARGUMENT_INVALID", `registerClass(${type.name}) needs a name that is not empty.`);
  }
  if ((encode === undefined) !== (decode === undefined)) {
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `registerClass(${type.name}) takes both encode and decode, or neither.`,
    );
  }
  const known = byName.get(name);
  if (known !== undefined && known.prototype !== type.prototype) {
    throw new FlockError(
      "FLOCK_ARGUMENT_INVALID",
      `registerClass(${type.name}): the name "${name}" belongs to another class; give a name of its own.`,
    );
  }
  const entry: RegisteredClass = {
    name,
    prototype: type.prototype,
    hooks:
      encode === undefined || decode === undefined
        ? undefined
        : { encode: (instance) => encode(instance as T), decode: (encoded) => decode(encoded as E) },
  };
  const previous = byPrototype.get(type.prototype);
  if (previous !== undefined) byName.delete(previous.name);
  byName.set(name, entry);
  byPrototype.set(type.prototype, entry);
}

/** Instances of the class travel by its hooks, which may read more of them than their fields. */
export function hasHooks(type: { readonly prototype: unknown }): boolean {
  return byPrototype.get(type.prototype as object)?.hooks !== undefined;
}

export function classOfPrototype(prototype: object): RegisteredClass | undefined {
  return byPrototype.get(prototype);
}

export function classNamed(name: string): RegisteredClass | undefined {
  return byName.get(name);
}
